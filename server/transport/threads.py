"""The plain transport: grpcio's public server and its pool of threads. The reference for any other."""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc

from server.errors import AudienceError, DeadlineTooShort
from server.metrics import Metrics
from server.transport.seam import AnyMethod
from server.transport.status import code_of, text_of

_log = logging.getLogger(__name__)
_Handle = Callable[[bytes, grpc.ServicerContext], bytes]


def make_server(*, threads: int, largest_message_bytes: int, most_calls: int) -> grpc.Server:
    """A server without a port or a method yet.

    Args:
        threads: number of threads that answer calls.
        largest_message_bytes: a longer message is refused with RESOURCE_EXHAUSTED.
        most_calls: more at once are refused with RESOURCE_EXHAUSTED.
    """
    options = [
        ("grpc.so_reuseport", 1),  # beside the other workers; the supervisor keeps other servers away
        ("grpc.max_receive_message_length", largest_message_bytes),
        ("grpc.max_send_message_length", -1),
    ]
    pool = ThreadPoolExecutor(threads, thread_name_prefix="score")
    return grpc.server(pool, options=options, maximum_concurrent_rpcs=most_calls)


def add_methods(
    server: grpc.Server, methods: Sequence[AnyMethod], metrics: Metrics, *, default_deadline_s: float
) -> None:
    """Registers scoring methods; a call without a deadline gets this one."""
    for method in methods:
        _, service, name = method.path.split("/")
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            _handle(method, metrics, default_deadline_s)
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: handler}),))


def _handle(method: AnyMethod, metrics: Metrics, default_deadline_s: float) -> _Handle:
    """The method as grpcio calls it: bytes in, bytes out, and every failure by the error table."""
    counters = metrics.method(method.path)

    def handle(message: bytes, context: grpc.ServicerContext) -> bytes:
        started_ns = time.perf_counter_ns()
        try:
            reply = _answer(method, message, _deadline_s(context, default_deadline_s))
        except Exception as error:  # the edge: whatever went wrong, the caller gets a status
            code = code_of(error)
            counters.count(code.name, None)
            _log_failure(method, message, code, error)
            context.abort(code, text_of(error))
        counters.count("OK", time.perf_counter_ns() - started_ns)
        return reply

    return handle


def _answer(method: AnyMethod, message: bytes, deadline_s: float) -> bytes:
    _check(deadline_s)
    prepared = method.prepare(method.parse(message))
    scores = []
    for run in prepared.runs:
        _check(deadline_s)
        scores.append(run.model.run(run.rows))
    _check(deadline_s)
    reply: bytes = method.finish(prepared, scores).SerializeToString()
    return reply


def _deadline_s(context: grpc.ServicerContext, default_s: float) -> float:
    """When the answer is too late, on the monotonic clock: the caller's deadline, or the server's own without one."""
    remaining_s: float | None = context.time_remaining()
    return time.monotonic() + (default_s if remaining_s is None else remaining_s)


def _check(deadline_s: float) -> None:
    if time.monotonic() >= deadline_s:
        raise DeadlineTooShort("the deadline passed before the answer was ready")


def _log_failure(method: AnyMethod, message: bytes, code: grpc.StatusCode, error: Exception) -> None:
    if not isinstance(error, AudienceError):
        extra = {"method": method.path, "request_id": _request_id(method, message)}
        _log.error("unforeseen fault", exc_info=error, extra=extra)
    elif _log.isEnabledFor(logging.DEBUG):
        extra = {"method": method.path, "request_id": _request_id(method, message), "code": code.name}
        _log.debug("call refused", extra={**extra, "reason": str(error)})


def _request_id(method: AnyMethod, message: bytes) -> str:
    try:
        return str(method.parse(message).request_id)[:128]
    except AudienceError:
        return ""
