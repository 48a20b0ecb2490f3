"""A connection that is ready, and what a server could answer on it, as bytes."""

import hpack

from loadtest import frames
from loadtest.frames import Kind, frame
from loadtest.headers import ReplyHeads, request_block
from loadtest.http2 import Connection
from loadtest.outbox import HELLO, Request

BLOCK = request_block(path="/a.B/C", authority="somewhere:1", timeout_s=1.0)
SETTINGS = frames.settings({})
PLAIN = [(":status", "200"), ("content-type", "application/grpc")]
FINE = [("grpc-status", "0")]


def block(*fields: tuple[str, str]) -> bytes:
    """A header block that needs no table, as a server writes it that was told to keep none."""
    return hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(*field) for field in fields])


def headers(stream: int, *fields: tuple[str, str], flags: int = 0) -> bytes:
    """A whole header block in one frame."""
    return frame(Kind.HEADERS, flags | frames.END_HEADERS, stream, block(*fields))


def message(content: bytes, *, compressed: int = 0) -> bytes:
    """A message as gRPC frames it."""
    return bytes([compressed]) + len(content).to_bytes(4, "big") + content


def reply(stream: int, content: bytes, *, piece_bytes: int = 1 << 14) -> bytes:
    """A good answer, its message in pieces."""
    whole = message(content)
    pieces = [whole[at : at + piece_bytes] for at in range(0, len(whole), piece_bytes)]
    data = b"".join(frame(Kind.DATA, 0, stream, piece) for piece in pieces)
    return headers(stream, *PLAIN) + data + headers(stream, *FINE, flags=frames.END_STREAM)


def connection(*contents: bytes) -> Connection:
    """A connection that is ready and has sent these messages, on the streams 1, 3, … as the calls 0, 1 and so on."""
    made = Connection(ReplyHeads())
    assert made.receive(SETTINGS) == []
    for number, content in enumerate(contents):
        made.begin(number, Request.of(BLOCK, content))
    return made


def sent(made: Connection) -> list[tuple[int, int, int, bytes]]:
    """Type, flags, stream and payload of every frame that was sent and not asked for yet."""
    data = b"".join(made.out.pending).removeprefix(HELLO)
    made.out.pending.clear()
    found = []
    while data:
        high, low, kind, flags, stream = frames.HEAD.unpack_from(data)
        end = frames.HEAD_BYTES + (high << 16 | low)
        found.append((kind, flags, stream, data[frames.HEAD_BYTES : end]))
        data = data[end:]
    return found
