"""Where a scoring call ends: its reply or its failure, counted and, where it is a fault, logged."""

import logging
from dataclasses import dataclass

import grpc

from server.errors import AudienceError
from server.metrics import MethodCounters
from server.transport.seam import AnyMethod
from server.transport.status import code_of, text_of

_log = logging.getLogger(__name__)


@dataclass(slots=True)  # made for every refusal; a frozen one takes three times as long (measured)
class Failed:
    """How a call ends that has no reply."""

    code: grpc.StatusCode
    text: str


def fail(method: AnyMethod, counters: MethodCounters, message: bytes, error: Exception) -> Failed:
    """What the caller is told of an error; counted, and logged with its traceback when nobody foresaw it."""
    code = code_of(error)
    counters.failed(code.name)
    if not isinstance(error, AudienceError):
        extra = {"method": method.path, "request_id": method.request_id(message)}
        _log.error("unforeseen fault", exc_info=error, extra=extra)
    elif _log.isEnabledFor(logging.DEBUG):
        extra = {"method": method.path, "request_id": method.request_id(message), "code": code.name}
        _log.debug("call refused", extra={**extra, "reason": str(error)})
    return Failed(code, text_of(error))
