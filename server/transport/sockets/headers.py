"""Headers of calls, read and written. Source: RFC 7541 (HPACK); gRPC over HTTP2 for what they mean."""

import base64
import binascii
import functools
import urllib.parse
from collections import deque
from collections.abc import Sequence
from typing import Final

from hpack.exceptions import HPACKDecodingError
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

from server.transport.exchange import Metadata
from server.transport.sockets import frames

Pair = tuple[bytes, bytes]

_STATIC: Final[Sequence[Pair]] = [
    (b"", b""),
    *((bytes(name), bytes(value)) for name, value in HeaderTable.STATIC_TABLE),
]
_FIRST_DYNAMIC: Final = len(_STATIC)
_TABLE_BYTES: Final = 4096  # that both sides begin with, and this one stays at
ENTRY_BYTES: Final = 32
_MOST_PREFIXED_BYTES: Final = 6  # of a number: more than any length or index here needs
_INDEXED, _INDEXING, _RESIZING, _HUFFMAN = 0x80, 0x40, 0x20, 0x80
_MORE, _SEVEN = 0x80, 0x7F  # of a number that goes on
_LONGEST_KNOWN: Final = 64  # bytes of a packed text that is kept with what it is unpacked
_BINARY: Final = "-bin"
_PERCENT_FREE: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


class BadHeaders(Exception):
    """A header block that is none; nothing on its connection can be understood any more."""


class TooManyHeaders(Exception):
    """More than is worth reading: somebody wants to do harm."""


class HeaderReader:
    """Reads the header blocks of one connection, in the order in which they came.

    Args:
        most_bytes: of one block, once it is unpacked.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._table: deque[Pair] = deque()
        self._size = 0
        self._limit = _TABLE_BYTES
        self.is_changed = False

    def read(self, block: bytes) -> list[Pair]:
        """The headers in a block; `is_changed` says whether another of the same bytes may mean something else.

        Raises:
            BadHeaders: it is none.
            TooManyHeaders: it is too large.
        """
        self.is_changed = False
        try:
            return self._read(block)
        except (IndexError, HPACKDecodingError) as error:
            raise BadHeaders("a header block that cannot be read") from error

    def _read(self, block: bytes) -> list[Pair]:
        found: list[Pair] = []
        at, size, left = 0, len(block), self._most_bytes
        while at < size:
            first = block[at]
            if first & _INDEXED:
                index, at = _number(block, at, 0x7F)
                pair = self._entry(index)
            elif first & _INDEXING:
                pair, at = self._literal(block, at, 0x3F)
                self._add(pair)
            elif first & _RESIZING:
                limit, at = _number(block, at, 0x1F)
                if limit > _TABLE_BYTES or found:
                    raise BadHeaders("a table of headers larger than agreed")
                self._limit, self.is_changed = limit, True
                self._shrink()
                continue
            else:
                pair, at = self._literal(block, at, 0x0F)
            left -= len(pair[0]) + len(pair[1]) + ENTRY_BYTES
            if left < 0:
                raise TooManyHeaders(f"headers of more than {self._most_bytes} bytes")
            found.append(pair)
        return found

    def _entry(self, index: int) -> Pair:
        if index < _FIRST_DYNAMIC:
            if not index:
                raise BadHeaders("a header without a number")
            return _STATIC[index]
        return self._table[index - _FIRST_DYNAMIC]

    def _literal(self, block: bytes, at: int, mask: int) -> tuple[Pair, int]:
        index, at = _number(block, at, mask)
        if index:
            name = self._entry(index)[0]
        else:
            name, at = _string(block, at)
        value, at = _string(block, at)
        return (name, value), at

    def _add(self, pair: Pair) -> None:
        self.is_changed = True
        self._table.appendleft(pair)
        self._size += len(pair[0]) + len(pair[1]) + ENTRY_BYTES
        self._shrink()

    def _shrink(self) -> None:
        while self._size > self._limit:
            name, value = self._table.pop()
            self._size -= len(name) + len(value) + ENTRY_BYTES


def _number(block: bytes, at: int, mask: int) -> tuple[int, int]:
    """A number whose first bits are those of the mask, and where it ends."""
    number = block[at] & mask
    at += 1
    if number < mask:
        return number, at
    for shift in range(0, 7 * _MOST_PREFIXED_BYTES, 7):
        byte = block[at]
        at += 1
        number += (byte & _SEVEN) << shift
        if not byte & _MORE:
            return number, at
    raise BadHeaders("a number of a header that does not end")


def _string(block: bytes, at: int) -> tuple[bytes, int]:
    is_packed = block[at] & _HUFFMAN
    length, at = _number(block, at, 0x7F)
    stop = at + length
    if stop > len(block):
        raise BadHeaders("a header that is longer than its block")
    text = block[at:stop]
    if is_packed:
        text = _unpacked(text) if length <= _LONGEST_KNOWN else bytes(decode_huffman(text))
    return text, stop


@functools.lru_cache(maxsize=4096)
def _unpacked(text: bytes) -> bytes:
    return bytes(decode_huffman(text))


def metadata(pairs: Sequence[Pair]) -> Metadata:
    """What handlers are told of a client's own headers.

    Raises:
        ValueError: one is no text, or not what its name promises.
    """
    found: list[tuple[str, str | bytes]] = []
    for name, value in pairs:
        key = name.decode("ascii")
        if key.endswith(_BINARY):
            found += [(key, _bytes_of(part)) for part in value.split(b",")]
        else:
            found.append((key, value.decode("ascii")))
    return tuple(found)


def _bytes_of(value: bytes) -> bytes:
    value = value.strip()
    try:
        return base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _written(name: bytes, value: bytes) -> bytes:
    """One header, neither indexed nor compressed."""
    return b"\0" + _length(len(name)) + name + _length(len(value)) + value


def _length(count: int) -> bytes:
    if count < _SEVEN:
        return bytes((count,))
    count -= _SEVEN
    encoded = bytearray((_SEVEN,))
    while count & ~_SEVEN:
        encoded.append(count & _SEVEN | _MORE)
        count >>= 7
    encoded.append(count)
    return bytes(encoded)


def _own(pairs: Metadata) -> bytes:
    """Headers that a handler wants to send."""
    parts = []
    for key, value in pairs:
        if key.endswith(_BINARY):
            data = value if isinstance(value, bytes) else value.encode()
            parts.append(_written(key.encode(), base64.b64encode(data).rstrip(b"=")))
        else:
            parts.append(_written(key.encode(), value if isinstance(value, bytes) else value.encode()))
    return b"".join(parts)


_FIRST: Final = (
    b"\x88"
    + _written(b"content-type", b"application/grpc")
    + _written(b"grpc-accept-encoding", b"identity, deflate, gzip")
)
_OK: Final = _written(b"grpc-status", b"0")


def initial_block(pairs: Metadata = ()) -> bytes:
    """The headers that begin an answer."""
    return _FIRST + _own(pairs) if pairs else _FIRST


def trailing_block(code: int, text: str, pairs: Metadata = ()) -> bytes:
    """The headers that end an answer."""
    block = _OK if not code else _written(b"grpc-status", str(code).encode())
    if text:
        escaped = urllib.parse.quote(text.encode(errors="replace"), safe=_PERCENT_FREE)
        block += _written(b"grpc-message", escaped.encode())
    return block + _own(pairs) if pairs else block


def http_error_block(status: int) -> bytes:
    """What is told to whoever does not speak gRPC."""
    return _written(b":status", str(status).encode())


def header_frames(stream: int, block: bytes, flags: int) -> bytes:
    """A header block as frames."""
    if len(block) <= frames.LONGEST_FRAME:
        return frames.frame(frames.HEADERS, flags | frames.END_HEADERS, stream, block)
    parts = [block[i : i + frames.LONGEST_FRAME] for i in range(0, len(block), frames.LONGEST_FRAME)]
    found = [frames.frame(frames.HEADERS, flags, stream, parts[0])]
    found += [frames.frame(frames.CONTINUATION, 0, stream, part) for part in parts[1:-1]]
    found.append(frames.frame(frames.CONTINUATION, frames.END_HEADERS, stream, parts[-1]))
    return b"".join(found)
