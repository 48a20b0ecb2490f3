"""The headers of a unary gRPC call over HTTP/2, there and back. Source: gRPC's PROTOCOL-HTTP2.md, RFC 7541."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import hpack

from loadtest.errors import one_line
from loadtest.frames import Code, Malformed
from loadtest.results import Status

ABSENT: Final = -1
KEPT_COUNT: Final = 1024  # header blocks whose meaning is remembered: a server has a handful, dates and texts make more
LARGEST_TIMEOUT_NUMBER: Final = 99_999_999  # of grpc-timeout: 8 digits
TIMEOUT_UNITS: Final = (("u", 1e6), ("m", 1e3), ("S", 1.0))
HTTP_OK: Final = 200
HTTP_STATUSES: Final[Mapping[int, Status]] = MappingProxyType(
    {
        400: Status.INTERNAL,
        401: Status.UNAUTHENTICATED,
        403: Status.PERMISSION_DENIED,
        404: Status.UNIMPLEMENTED,
        429: Status.UNAVAILABLE,
        502: Status.UNAVAILABLE,
        503: Status.UNAVAILABLE,
        504: Status.UNAVAILABLE,
    }
)
RESET_STATUSES: Final[Mapping[int, Status]] = MappingProxyType(
    {
        Code.REFUSED_STREAM: Status.UNAVAILABLE,
        Code.CANCEL: Status.CANCELLED,
        Code.ENHANCE_YOUR_CALM: Status.RESOURCE_EXHAUSTED,
        Code.INADEQUATE_SECURITY: Status.PERMISSION_DENIED,
    }
)


@dataclass(frozen=True, slots=True)
class ReplyHead:
    """What a header block of a reply says of its call.

    Attributes:
        http: the HTTP status, or ABSENT.
        status: how the call ends, when these are its last headers: OK only when gRPC says so and HTTP does not differ.
    """

    http: int
    status: Status

    @property
    def is_interim(self) -> bool:
        """Whether the headers of the reply are still to come."""
        return 100 <= self.http < HTTP_OK  # noqa: PLR2004  # the first of HTTP's informational statuses


NO_STATUS: Final = ReplyHead(HTTP_OK, Status.UNKNOWN)  # of a reply that ends without headers


class ReplyHeads:
    """Header blocks and what they say, remembered by their bytes.

    A block means the same on every connection and at all times, because the peer is told to keep no table.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, ReplyHead] = {}

    def read(self, block: bytes) -> ReplyHead:
        """What the block says.

        Raises:
            Malformed: it does not decode, refers to a table, or has a status that is no number.
        """
        head = self._known.get(block)
        if head is None:
            head = _decode(block)
            if len(self._known) >= KEPT_COUNT:
                self._known.clear()
            self._known[block] = head
        return head


def request_block(*, path: str, authority: str, timeout_s: float) -> bytes:
    """The header block of every request: written out, so that it means the same on every connection."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": authority,
        "te": "trailers",
        "content-type": "application/grpc",
        "user-agent": "audience-loadtest",
        "grpc-timeout": timeout(timeout_s),
    }
    return hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(name, value) for name, value in fields.items()])


def timeout(timeout_s: float) -> str:
    """A time as grpc-timeout wants it, in the smallest unit that has room, at least one unit.

    >>> timeout(1.0), timeout(0.0000001), timeout(3600.0)
    ('1000000u', '1u', '3600000m')
    """
    counts = [(round(timeout_s * per_s), unit) for unit, per_s in TIMEOUT_UNITS]
    fitting = [f"{max(1, count)}{unit}" for count, unit in counts if count <= LARGEST_TIMEOUT_NUMBER]
    return fitting[0] if fitting else f"{LARGEST_TIMEOUT_NUMBER}S"


def reset_status(code: int) -> Status:
    """How a call ends whose stream the peer has reset with this code."""
    return RESET_STATUSES.get(code, Status.INTERNAL)


def _decode(block: bytes) -> ReplyHead:
    decoder = hpack.Decoder()
    decoder.header_table_size = decoder.max_allowed_table_size = 0
    try:
        fields = dict(decoder.decode(block, raw=True))
        http, grpc = int(fields.get(b":status", ABSENT)), int(fields.get(b"grpc-status", ABSENT))
    except (hpack.HPACKError, ValueError) as error:
        raise Malformed(f"a header block that cannot be read: {one_line(error) or type(error).__name__}") from error
    return ReplyHead(http, _status(http, grpc))


def _status(http: int, grpc: int) -> Status:
    if http not in (HTTP_OK, ABSENT) and grpc <= Status.OK:
        return HTTP_STATUSES.get(http, Status.UNKNOWN)
    return Status(grpc) if Status.OK <= grpc <= Status.UNAUTHENTICATED else Status.UNKNOWN
