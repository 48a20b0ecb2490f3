"""What the headers of a call say. Source: gRPC over HTTP2, Requests."""

from collections.abc import Sequence
from typing import Final

import grpc

from server.transport.exchange import NEVER_S, Metadata
from server.transport.limits import LARGEST_METADATA_BYTES
from server.transport.sockets.headers import ENTRY_BYTES, Pair, metadata

_UNIT_S: Final = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_MOST_DIGITS: Final = 8
_PATH, _METHOD, _KIND, _TIMEOUT, _ENCODING = b":path", b":method", b"content-type", b"grpc-timeout", b"grpc-encoding"
_OWN: Final = frozenset({_KIND, _TIMEOUT, _ENCODING, b"te", b"grpc-accept-encoding"})  # of the protocol, not the client
_BAD_REQUEST, _NOT_ALLOWED, _UNSUPPORTED = 400, 405, 415


class Opening:
    """What the headers of a call say.

    Attributes:
        path: of the method.
        timeout_s: until its deadline; NEVER_S without one.
        encoding: of its messages.
        metadata: the client's own.
        fault: what is wrong with it: a status, or a status of HTTP where it is no gRPC; None.
    """

    __slots__ = ("encoding", "fault", "metadata", "path", "timeout_s")

    def __init__(self) -> None:
        self.path = b""
        self.timeout_s = NEVER_S
        self.encoding = b""
        self.metadata: Metadata = ()
        self.fault: tuple[grpc.StatusCode, str] | int | None = None


def read_opening(pairs: Sequence[Pair]) -> Opening:
    """What these headers say."""
    opening = Opening()
    known = dict(pairs)
    opening.path = known.get(_PATH, b"")
    opening.encoding = known.get(_ENCODING, b"")
    opening.timeout_s = _timeout_s(known.get(_TIMEOUT, b""))
    size = sum(len(name) + len(value) + ENTRY_BYTES for name, value in pairs)
    method = known.get(_METHOD, b"")
    if method != b"POST" or not opening.path:
        opening.fault = _NOT_ALLOWED if method not in {b"", b"POST"} else _BAD_REQUEST
    elif not known.get(_KIND, b"").startswith(b"application/grpc"):
        opening.fault = _UNSUPPORTED
    elif size > LARGEST_METADATA_BYTES:
        text = f"the headers have {size} bytes; at most {LARGEST_METADATA_BYTES} are taken"
        opening.fault = grpc.StatusCode.RESOURCE_EXHAUSTED, text
    else:
        try:
            opening.metadata = metadata([pair for pair in pairs if pair[0] not in _OWN and pair[0][:1] != b":"])
        except ValueError:
            opening.fault = grpc.StatusCode.INTERNAL, "a header that cannot be read"
    return opening


def _timeout_s(value: bytes) -> float:
    """How long a call has, by its header; for ever where that is none."""
    digits, unit_s = value[:-1], _UNIT_S.get(value[-1:])
    if unit_s is None or not digits.isdigit() or len(digits) > _MOST_DIGITS:
        return NEVER_S
    return int(digits) * unit_s
