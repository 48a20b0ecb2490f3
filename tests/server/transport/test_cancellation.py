"""Clients that change their mind, on both transports."""

import threading
from collections.abc import Iterator

import grpc
import pytest

from tests.server.transport.conftest import PATIENCE_S, Ask
from tests.server.transport.frames import CANCEL, RST_STREAM, Connection, call, frame, message, opening
from tests.server.transport.stub import TURN, Lane
from tests.server.transport.traces import eventually


def test_before_the_message(ask: Ask, lane: Lane) -> None:
    """A call that is cancelled before its message is forgotten."""
    asked = ask()
    has_gone = threading.Event()

    def nothing_yet() -> Iterator[bytes]:
        has_gone.wait(PATIENCE_S)
        yield from ()

    cancelled = asked.channel.stream_unary(TURN).future(nothing_yet(), timeout=PATIENCE_S)
    cancelled.cancel()
    has_gone.set()
    assert cancelled.code() is grpc.StatusCode.CANCELLED
    assert asked.turn(b"cd") == b"dc"
    assert lane.scored == [b"cd"]


def test_while_it_is_scored(ask: Ask, lane: Lane) -> None:
    """A call that is cancelled while it is scored harms nobody."""
    asked = ask()
    lane.gate.clear()
    cancelled = asked.call().future(b"ab", timeout=PATIENCE_S)
    lane.entered.acquire()
    cancelled.cancel()
    lane.gate.set()
    assert asked.turn(b"cd") == b"dc"
    assert cancelled.code() is grpc.StatusCode.CANCELLED


@pytest.mark.parametrize(
    "transport", ["inline", "sockets"], indirect=True
)  # the other takes calls from a queue of its own
def test_while_it_waits(ask: Ask, lane: Lane) -> None:
    """A call that is cancelled while it waits for its turn is not scored."""
    asked = ask(most_rows=1)
    lane.gate.clear()
    with Connection(asked.port) as connection:
        connection.send(call(TURN, b"first", 1))
        lane.entered.acquire()
        connection.send(call(TURN, b"gone", 3), call(TURN, b"last", 5), frame(RST_STREAM, 0, 3, CANCEL))
        lane.gate.set()
        assert set(connection.wait_for_end(1, 5)) == {1, 5}
    assert lane.scored == [b"first", b"last"]


def test_after_the_reply(ask: Ask) -> None:
    """Cancelling what has been answered changes nothing."""
    asked = ask()
    future = asked.call().future(b"ab", timeout=PATIENCE_S)
    assert future.result() == b"ba"
    future.cancel()
    assert asked.turn(b"cd") == b"dc"


def test_many(ask: Ask) -> None:
    """Calls that are cancelled at any moment leave nothing behind, and the others get their own replies."""
    asked = ask()
    futures = [asked.call().future(b"a%d" % n, timeout=PATIENCE_S) for n in range(100)]
    for future in futures[::2]:
        future.cancel()
    assert [future.result() for future in futures[1::2]] == [(b"a%d" % n)[::-1] for n in range(1, 100, 2)]


@pytest.mark.parametrize("transport", ["inline", "sockets"], indirect=True)
def test_client_that_is_killed(ask: Ask) -> None:
    """Calls of a connection that breaks are forgotten, in whatever state they are."""
    asked = ask()
    connection = Connection(asked.port)
    connection.send(opening(TURN, 1), opening(TURN, 3), message(b"ab", 3)[:-1], call(TURN, b"cd", 5))
    connection.reset()
    assert asked.turn(b"ab") == b"ba"
    eventually(lambda: bool(asked.server.is_idle), "the calls are forgotten")
