"""Messages of one call, put together from their pieces. Source: gRPC over HTTP2, Length-Prefixed-Message."""

import zlib
from collections.abc import Iterator
from typing import Final

import grpc

_PREFIX_BYTES: Final = 5  # of a message: whether it is compressed, and its length
_WBITS: Final = {b"gzip": 31, b"deflate": 15}
_EXHAUSTED, _INTERNAL = grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL


class BadMessage(Exception):
    """A message that cannot be taken.

    Attributes:
        code: the status for it.
    """

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code


class Inbox:
    """The pieces that have come, of a message that is not complete.

    Args:
        encoding: of compressed messages, as the call's headers say.
        largest_bytes: of a message, once it is unpacked.
    """

    __slots__ = ("_encoding", "_largest_bytes", "_missing", "_parts")

    def __init__(self, encoding: bytes, largest_bytes: int) -> None:
        self._encoding = encoding
        self._largest_bytes = largest_bytes
        self._parts: list[bytes] | None = None
        self._missing = 0  # bytes of the message

    def take(self, content: bytes, *, is_last: bool) -> Iterator[bytes]:
        """The messages that are complete with this piece.

        Args:
            content: what came.
            is_last: whether nothing more will.

        Raises:
            BadMessage: one is too large, cannot be unpacked, or is not complete though nothing more will come.
        """
        if self._parts is not None:
            if content:  # pieces of nothing cost the sender nothing, and would be kept
                self._parts.append(content)
            self._missing -= len(content)
            if self._missing > 0 and not is_last:
                return
            content = b"".join(self._parts)
            self._parts = None
        at, size = 0, len(content)
        self._missing = 1  # at least: how long a message is stands in its first bytes
        while size - at >= _PREFIX_BYTES:
            begin = at + _PREFIX_BYTES
            length = int.from_bytes(content[at + 1 : begin], "big")
            if length > self._largest_bytes:
                raise BadMessage(_EXHAUSTED, f"received message larger than max ({length} vs. {self._largest_bytes})")
            if begin + length > size:
                self._missing = begin + length - size
                break
            message = content[begin : begin + length]
            yield self._unpacked(message) if content[at] else message
            at = begin + length
        if at < size:
            if is_last:
                raise BadMessage(_INTERNAL, "the last message is not complete")
            self._parts = [content[at:]]

    def _unpacked(self, content: bytes) -> bytes:
        bits = _WBITS.get(self._encoding)
        if bits is None:
            name = self._encoding.decode("ascii", "replace") or "nothing"
            text = f"the message is compressed by {name}; needed is gzip or deflate"
            raise BadMessage(grpc.StatusCode.UNIMPLEMENTED, text)
        unpacker = zlib.decompressobj(bits)
        try:
            message = unpacker.decompress(content, self._largest_bytes + 1)
        except zlib.error as error:
            raise BadMessage(_INTERNAL, "the message cannot be unpacked") from error
        if len(message) > self._largest_bytes:
            raise BadMessage(
                _EXHAUSTED, f"received message larger than max once it is unpacked ({self._largest_bytes})"
            )
        if not unpacker.eof:
            raise BadMessage(_INTERNAL, "the message cannot be unpacked")
        return message
