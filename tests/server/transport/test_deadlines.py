"""Deadlines on both transports: the client's, and the server's own."""

import grpc
import pytest

from tests.server.transport.conftest import PATIENCE_S, Ask
from tests.server.transport.frames import Connection, opening
from tests.server.transport.stub import TURN, Lane
from tests.server.transport.traces import eventually


def test_enough_time(ask: Ask) -> None:
    """A call with a deadline far off, or none at all, is answered."""
    asked = ask()
    assert asked.turn(b"ab", timeout=PATIENCE_S) == b"ba"
    assert asked.turn(b"ab", timeout=10**9) == b"ba"
    assert asked.call()(b"ab") == b"ba"


def test_passed_already(ask: Ask, lane: Lane) -> None:
    """A call whose deadline has passed is not scored."""
    asked = ask()
    assert asked.refusal(b"ab", timeout=-1).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert asked.turn(b"cd") == b"dc"
    assert lane.scored == [b"cd"]


def test_passes_while_it_is_scored(ask: Ask, lane: Lane) -> None:
    """The client hears of its deadline at once, though the model is not done; the next call is answered."""
    asked = ask()
    lane.gate.clear()
    assert asked.refusal(b"ab", timeout=0.2).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    lane.gate.set()
    assert asked.turn(b"cd") == b"dc"


def test_default_deadline(ask: Ask, lane: Lane) -> None:
    """A call that comes without a deadline gets the server's, and fails once that has passed."""
    asked = ask(default_deadline_s=0)
    with pytest.raises(grpc.RpcError) as caught:
        asked.call()(b"ab")
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert caught.value.details() == "the deadline passed before the answer was ready"
    assert not lane.runs


def test_own_deadline_before_the_default(ask: Ask) -> None:
    """A call that has a deadline is not bound by the server's."""
    assert ask(default_deadline_s=0).turn(b"ab", timeout=PATIENCE_S) == b"ba"


@pytest.mark.parametrize("transport", ["inline", "sockets"], indirect=True)  # the other holds a thread for each
@pytest.mark.parametrize("timeout", [(), ((b"grpc-timeout", b"1H"),)])
def test_silent_call(ask: Ask, lane: Lane, timeout: tuple[tuple[bytes, bytes], ...]) -> None:
    """Calls that send headers and nothing else end by the default deadline, and block nobody meanwhile."""
    asked = ask(default_deadline_s=0.5)
    streams = range(1, 61, 2)
    with Connection(asked.port) as connection:
        connection.send(*[opening(TURN, stream, *timeout) for stream in streams])
        assert asked.turn(b"ab") == b"ba"
        assert connection.wait_for_end(*streams) == {}
        eventually(lambda: bool(asked.server.is_idle), "the silent calls are forgotten")
    assert lane.scored == [b"ab"]


@pytest.mark.parametrize("transport", ["inline", "sockets"], indirect=True)  # as above
def test_silent_call_with_a_deadline(ask: Ask) -> None:
    """A call that sends headers and nothing else ends by its own deadline when that comes first."""
    asked = ask()
    with Connection(asked.port) as connection:
        connection.send(opening(TURN, 1, (b"grpc-timeout", b"50m")))
        assert connection.wait_for_end(1) == {}
        eventually(lambda: bool(asked.server.is_idle), "the silent call is forgotten")
