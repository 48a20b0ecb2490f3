"""What a hostile client does to a port. Each attack returns once it is over, or once the server broke it off.

python -m tests.server.transport.attacks    # all of them, longer than in the tests, with how memory went
"""

import random
import struct
from collections.abc import Callable
from contextlib import ExitStack
from itertools import islice

from tests.server.transport.frames import (
    CANCEL,
    CONTINUATION,
    DATA,
    END_HEADERS,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Connection,
    call,
    call_headers,
    frame,
    header,
    message,
    opening,
)
from tests.server.transport.stub import TURN

LARGE = "/stub.Scoring/Large"  # a method with a large reply
_LONGEST_FRAME = 16_384
_STREAMS = range(1, 1 << 31, 2)

Attack = Callable[[int, int, random.Random], None]


def noise(port: int, count: int, generator: random.Random) -> None:
    """Random bytes, with and without the beginning of HTTP/2."""
    for number in range(count):
        with Connection(port, is_polite=number % 2 == 0) as connection:
            connection.send(generator.randbytes(generator.randrange(1, 3000)))


def frames(port: int, count: int, generator: random.Random) -> None:
    """A valid beginning, then frames at random: kinds, flags, streams, and contents that are sometimes right."""
    for _ in range(count):
        with Connection(port) as connection:
            connection.send(*[_frame(generator) for _ in range(generator.randrange(1, 40))])


def _frame(generator: random.Random) -> bytes:
    stream = generator.choice((0, 1, 1, 3, 5, 7, 2, generator.randrange(1 << 31)))
    contents = (
        generator.randbytes(generator.randrange(60)),
        call_headers(TURN, (b"grpc-timeout", generator.choice((b"1S", b"99999999999S", b"-1S", b"1n", b"x")))),
        call_headers(generator.choice((TURN, "/no", "", "/" * 3000)))[: generator.randrange(1, 300)],
        struct.pack(">I", generator.randrange(1 << 32)),
        struct.pack(">HI", generator.randrange(8), generator.randrange(1 << 32)),
        b"\0" + struct.pack(">I", generator.choice((0, 3, 1 << 31))) + b"abc",
        b"\1\0\0\0\3abc",
    )
    kind = generator.choice((DATA, HEADERS, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, 2, 5, 9, 77))
    return frame(kind, generator.choice((0, 1, 4, 5, generator.randrange(256))), stream, generator.choice(contents))


def halves(port: int, count: int, _generator: random.Random) -> None:
    """A call that ends after any of its bytes, in every way that a connection can end."""
    whole = PREFACE + frame(SETTINGS) + call(TURN, b"ab cd", 1)
    for cut in islice(range(len(whole)), 0, len(whole), max(1, len(whole) // count)):
        connection = Connection(port, is_polite=False)
        connection.send(whole[:cut])
        if cut % 2:
            connection.reset()
        else:
            connection.close()


def drops(port: int, count: int, _generator: random.Random) -> None:
    """Connections that are opened and dropped."""
    for number in range(count):
        connection = Connection(port, is_polite=number % 3 == 0)
        if number % 2:
            connection.reset()
        else:
            connection.close()


def resets(port: int, count: int, _generator: random.Random) -> None:
    """Connections that break in the middle of many calls, some of them being answered."""
    for _ in range(count):
        connection = Connection(port)
        connection.send(*[call(TURN, b"ab", stream) for stream in islice(_STREAMS, 20)], opening(TURN, 99))
        connection.reset()


def slow_readers(port: int, count: int, _generator: random.Random) -> None:
    """Clients that ask for large replies and take nothing of them."""
    with ExitStack() as stack:
        for number in range(count):
            connection = stack.enter_context(Connection(port, window=0 if number % 2 else 65_535))
            connection.send(*[call(LARGE, b"ab", stream) for stream in islice(_STREAMS, 4)])


def slow_writers(port: int, count: int, _generator: random.Random) -> None:
    """Clients that send their calls byte by byte."""
    content = call(TURN, b"ab", 1)
    with ExitStack() as stack:
        connections = [stack.enter_context(Connection(port)) for _ in range(count)]
        for position in range(len(content)):
            for connection in connections:
                connection.send(content[position : position + 1])
        for connection in connections:
            connection.wait_for_end(1)


def endless_headers(port: int, count: int, _generator: random.Random) -> None:
    """Headers that go on and on, frame after frame."""
    more = frame(CONTINUATION, 0, 1, header(b"x-bomb", b"a" * 1000) * 16)
    with Connection(port) as connection:
        connection.send(frame(HEADERS, 0, 1, call_headers(TURN)))
        for _ in range(count):
            if not connection.send(more):
                return


def packed_headers(port: int, count: int, _generator: random.Random) -> None:
    """Headers that are a byte each on the wire, and thousands once they are unpacked."""
    kept = b"\x40\x06x-bomb\x7f" + bytes([(4000 - 127) & 127 | 128, (4000 - 127) >> 7]) + b"a" * 4000
    with Connection(port) as connection:
        for stream in islice(_STREAMS, count):
            content = call_headers(TURN) + (kept if stream == 1 else b"") + b"\xbe" * 10_000
            if not connection.send(frame(HEADERS, END_HEADERS, stream, content)):
                return


def streams(port: int, count: int, _generator: random.Random) -> None:
    """Many more calls on one connection than allowed, which send nothing more."""
    with Connection(port) as connection:
        connection.send(*[opening(TURN, stream) for stream in islice(_STREAMS, count)])
        connection.send(frame(PING, content=b"whoisit?"))
        while (received := connection.receive()) and received[0] != PING:
            pass


def rapid_resets(port: int, count: int, _generator: random.Random) -> None:
    """Calls that are cancelled as soon as they are made, by the thousand."""
    with Connection(port) as connection:
        for stream in islice(_STREAMS, count):
            whole = call(TURN, b"ab", stream) if stream % 4 == 1 else opening(TURN, stream)
            if not connection.send(whole, frame(RST_STREAM, 0, stream, CANCEL)):
                return


def floods(port: int, count: int, _generator: random.Random) -> None:
    """Frames that ask for an answer which nobody reads."""
    for content in (frame(PING, content=b"whoisit?"), frame(SETTINGS), message(b"", 1)):
        with Connection(port) as connection:
            for _ in range(count):
                if not connection.send(content * 10):
                    break


# How many times each is done in a test, so that it takes a second at most.
ATTACKS: dict[Attack, int] = {
    noise: 60,
    frames: 60,
    halves: 400,
    drops: 500,
    resets: 20,
    slow_readers: 10,
    slow_writers: 5,
    endless_headers: 200,
    packed_headers: 20,
    streams: 500,
    rapid_resets: 1000,
    floods: 300,
}
