"""Clients that take replies when they like: how much is sent, and when."""

import struct
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from server.transport import inline
from tests.server.transport.conftest import Asked, Make, asking
from tests.server.transport.frames import (
    CONTINUATION,
    DATA,
    END_STREAM,
    HEADERS,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Connection,
    call,
    call_headers,
    frame,
    message,
    opening,
)
from tests.server.transport.stub import TURN, Lane, method

LARGE = "/stub.Scoring/Large"
SIZE = 100_000
_INITIAL_WINDOW = 4


@pytest.fixture
def transport() -> str:
    """This one alone."""
    return "sockets"


@pytest.fixture
def asked(make: Make, lane: Lane) -> Iterator[Asked]:
    """A server with a reply that is larger than a window."""
    with asking(make([method(lane), method(lane, LARGE, finish=lambda _: b"x" * SIZE)])) as one:
        yield one


def _widen(stream: int, count: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", count))


def _until_ping(connection: Connection) -> dict[int, int]:
    """How many bytes of DATA came for each stream before the answer to a ping."""
    connection.send(frame(PING, content=b"tell me!"))
    found: dict[int, int] = {}
    while received := connection.receive():
        kind, _, stream, content = received
        if kind == DATA:
            found[stream] = found.get(stream, 0) + len(content)
        if kind == PING and content == b"tell me!":
            return found
    raise AssertionError("the server closed the connection")


def test_a_closed_window(asked: Asked) -> None:
    """Nothing of a reply is sent before its stream has a window, and then as much as fits; others go on meanwhile."""
    with Connection(asked.port, window=0) as connection:
        connection.send(call(LARGE, b"ab", 1))
        assert asked.turn(b"ab") == b"ba"
        assert _until_ping(connection) == {}
        connection.send(_widen(1, 10))
        assert _until_ping(connection) == {1: 10}
        connection.send(_widen(0, SIZE), _widen(1, SIZE))
        assert len(connection.wait_for_end(1)[1]) == SIZE + 5 - 10


def test_the_window_of_all(asked: Asked) -> None:
    """Several streams share the connection's window; what waits for it comes once there is more."""
    with Connection(asked.port, window=SIZE * 2) as connection:
        connection.send(call(LARGE, b"ab", 1), call(LARGE, b"ab", 3))
        total = 0
        while total < 65_535:
            received = connection.receive()
            assert received is not None
            total += len(received[3]) if received[0] == DATA else 0
        assert (total, _until_ping(connection)) == (65_535, {})
        connection.send(_widen(0, SIZE * 3))
        assert set(connection.wait_for_end(1, 3)) <= {1, 3}


def test_a_later_window(asked: Asked) -> None:
    """A larger first window, said later, is one of streams that are open already too."""
    with Connection(asked.port, window=0) as connection:
        connection.send(call(TURN, b"ab", 1))
        assert _until_ping(connection) == {}
        connection.send(frame(SETTINGS, content=struct.pack(">HI", _INITIAL_WINDOW, 1000)))
        assert connection.wait_for_end(1)[1].endswith(b"ba")


def test_a_message_in_pieces(asked: Asked) -> None:
    """A message that comes in many frames, and two calls whose pieces take turns, are put together."""
    one, other = message(b"ab" * 10_000, 1)[9:], message(b"cd" * 10_000, 3)[9:]
    with Connection(asked.port) as connection:
        connection.send(opening(TURN, 1), opening(TURN, 3))
        for at in range(0, len(one), 4_001):
            connection.send(frame(DATA, 0, 1, one[at : at + 4_001]), frame(DATA, 0, 3, other[at : at + 4_001]))
        connection.send(frame(DATA, END_STREAM, 1), frame(DATA, END_STREAM, 3))
        found = connection.wait_for_end(1, 3)
    assert (found[1][5:], found[3][5:]) == (b"ba" * 10_000, b"dc" * 10_000)


def test_more_messages_than_the_window(asked: Asked) -> None:
    """One connection may send any number of bytes in all: the server gives back what it took."""
    with Connection(asked.port) as connection:
        connection.send(_widen(0, SIZE * 100))
        for stream in range(1, 201, 2):
            connection.send(call(TURN, b"a" * 9_000, stream))
            assert len(connection.wait_for_end(stream)[stream]) == 9_005


@pytest.mark.parametrize(
    "wrong",
    [
        _widen(0, 0),
        _widen(0, (1 << 31) - 1),
        frame(WINDOW_UPDATE, 0, 0, b"abc"),
        frame(SETTINGS, content=struct.pack(">HI", _INITIAL_WINDOW, 1 << 31)),
        frame(SETTINGS, content=b"abc"),
        frame(PING, content=b"short"),
        frame(DATA, 0, 7, b"of nobody"),
        frame(HEADERS, 4, 2, b""),
        frame(RST_STREAM, 0, 9, struct.pack(">I", 8)),
        frame(5, 4, 1, b"a promise"),
        frame(9, 4, 1, b"goes on from nothing"),
        frame(HEADERS, 4, 1, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        frame(99, 0, 0, b"x" * 20_000),
    ],
)
def test_what_http_2_does_not_allow(asked: Asked, wrong: bytes) -> None:
    """Ends this connection, and no other."""
    with Connection(asked.port) as connection:
        connection.send(wrong)
        connection.wait_for_close()
    assert asked.turn(b"ab") == b"ba"


def test_a_slow_reader_gets_all_of_it(make: Make, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a socket does not take at once is sent later, also when the server is told to stop meanwhile.

    It is no lost call, however long it takes.
    """
    monkeypatch.setattr(inline, "_LOST_S", 0.0)
    server = make([method(lane, LARGE, finish=lambda _: b"x" * (SIZE * 80))])
    with asking(server) as one, Connection(one.port, window=1 << 30) as connection:
        connection.send(_widen(0, 1 << 30), call(LARGE, b"ab", 1))
        assert connection.receive() is not None
        has_ended = server.stop(30)
        assert not has_ended.wait(1)
        assert len(connection.wait_for_end(1)[1]) == SIZE * 80 + 5
        connection.wait_for_close()
        assert has_ended.wait(30)


def _watched(make: Make, lane: Lane) -> Any:
    """A server with a stream that is never answered, whose client has nothing more to say."""
    server = make([method(lane)])

    def watch(_request: bytes, _context: grpc.ServicerContext, _send: Any) -> None:
        pass

    watch.experimental_non_blocking = True  # type: ignore[attr-defined]  # as grpcio marks it
    handler: Any = grpc.unary_stream_rpc_method_handler(watch)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("plain.Service", {"Watch": handler}),))
    return server


@pytest.mark.parametrize("content", [b"x" * 1000, b""])
def test_messages_that_nobody_asks_for(make: Make, lane: Lane, content: bytes) -> None:
    """They get no window back, so that they end with it; others are answered."""
    with asking(_watched(make, lane)) as asked, Connection(asked.port) as connection:
        connection.send(opening("/plain.Service/Watch", 1), message(b"first", 1, 0))
        more = message(content, 1, 0) * 100
        while connection.send(more) and not (found := _reset_of(connection, 1)):
            pass
        assert found == struct.pack(">I", 3)  # FLOW_CONTROL_ERROR
        assert asked.turn(b"ab") == b"ba"


def _reset_of(connection: Connection, stream: int) -> bytes:
    """The reason why a stream was reset before a ping was answered, if it was."""
    connection.send(frame(PING, content=b"how far?"))
    found = b""
    while received := connection.receive():
        kind, _, number, content = received
        if kind == RST_STREAM and number == stream:
            found = content
        if kind == WINDOW_UPDATE:
            assert number == 0, "the stream got a window back"
        if kind == PING and content == b"how far?":
            break
    return found


def test_pieces_of_nothing(asked: Asked) -> None:
    """Empty frames in the middle of a message change nothing, however many there are."""
    content = message(b"ab", 1)[9:]
    with Connection(asked.port) as connection:
        connection.send(opening(TURN, 1), frame(DATA, 0, 1, content[:3]), frame(DATA, 0, 1) * 10_000)
        connection.send(frame(DATA, 0, 1, content[3:]), frame(DATA, END_STREAM, 1))
        assert connection.wait_for_end(1)[1].endswith(b"ba")


def test_headers_byte_by_byte(asked: Asked) -> None:
    """Headers may come in any number of pieces."""
    block = call_headers(TURN, (b"x-own", b"a" * 5_000))
    with Connection(asked.port) as connection:
        connection.send(frame(HEADERS, 0, 1, block[:1]))
        connection.send(*[frame(CONTINUATION, 0, 1, block[at : at + 1]) for at in range(1, len(block))])
        connection.send(frame(CONTINUATION, 4, 1), message(b"ab", 1))
        assert connection.wait_for_end(1)[1].endswith(b"ba")


def test_padding_counts(asked: Asked) -> None:
    """A message with padding is read without it, and its window comes back with it: more than fits once."""
    padded = 8  # a flag
    with Connection(asked.port) as connection:
        connection.send(_widen(0, SIZE * 10), opening(TURN, 1))
        content = message(b"a" * 50_000, 1)[9:]
        for at in range(0, len(content), 100):
            connection.send(frame(DATA, padded, 1, bytes([250]) + content[at : at + 100] + bytes(250)))
        connection.send(frame(DATA, END_STREAM, 1))
        assert len(connection.wait_for_end(1)[1]) == 50_005
