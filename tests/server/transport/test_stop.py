"""How servers of both transports begin and end: what grpc.Server promises."""

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from tests.server.transport.conftest import PATIENCE_S, Ask, Make
from tests.server.transport.frames import Connection, call, opening
from tests.server.transport.stub import TURN, Lane
from tests.server.transport.traces import eventually


def test_port_zero(make: Make) -> None:
    """Port 0 is any free port, and the port that was opened is told; a server may have several."""
    server = make()
    ports = {server.add_insecure_port("127.0.0.1:0"), server.add_insecure_port("127.0.0.1:0")}
    server.start()
    assert len(ports) == 2
    for port in ports:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            turn: Any = channel.unary_unary(TURN)
            assert turn(b"ab", timeout=PATIENCE_S) == b"ba"


def test_taken_port(make: Make) -> None:
    """A port that another has to itself cannot be opened, and the error names it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RuntimeError, match=address):
            make().add_insecure_port(address)


@pytest.mark.parametrize("address", ["192.0.2.1:0", "no address"])
def test_wrong_address(make: Make, address: str) -> None:
    """An address that is not this machine's, or none at all, cannot be opened."""
    with pytest.raises(RuntimeError, match=address):
        make().add_insecure_port(address)


def test_start_twice(ask: Ask) -> None:
    """A server starts once; the second attempt raises and does no harm."""
    asked = ask()
    with pytest.raises(ValueError, match="already"):
        asked.server.start()
    assert asked.turn(b"ab") == b"ba"


def test_stop_before_start(make: Make) -> None:
    """A server that was not started has stopped already."""
    server = make()
    assert server.stop(None).is_set()
    assert server.stop(5).is_set()


def test_stop_twice(ask: Ask) -> None:
    """Stopping again does no harm, with or without grace, also when it is over."""
    server = ask().server
    first, second = server.stop(PATIENCE_S), server.stop(0)
    assert first.wait(PATIENCE_S)
    assert second.wait(PATIENCE_S)
    assert server.stop(None).wait(PATIENCE_S)
    assert server.stop(1).wait(PATIENCE_S)


def test_stop_from_many_threads(ask: Ask) -> None:
    """Several threads may stop the server at once."""
    server = ask().server
    with ThreadPoolExecutor(8) as pool:
        events = list(pool.map(server.stop, [None, 0, 1, 5] * 4))
    assert all(event.wait(PATIENCE_S) for event in events)


def test_wait_for_termination(ask: Ask) -> None:
    """It tells whether the time passed before the server ended, and returns once the server has."""
    server = ask().server
    assert server.wait_for_termination(0.01)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.wait_for_termination)
        server.stop(None)
        assert waiting.result(PATIENCE_S) is False
    assert server.wait_for_termination(PATIENCE_S) is False


def test_stop_without_grace_waits(ask: Ask) -> None:
    """Without grace the stop returns once the server has ended."""
    assert ask().server.stop(None).is_set()


def test_nobody_is_let_in_afterwards(ask: Ask) -> None:
    """A server that has stopped takes no connection."""
    asked = ask()
    assert asked.turn(b"ab") == b"ba"
    asked.server.stop(None).wait()
    assert asked.refusal(b"ab").code() is grpc.StatusCode.UNAVAILABLE
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", asked.port))


def test_calls_in_flight_are_finished(ask: Ask, lane: Lane) -> None:
    """A call that is being scored when the stop begins gets its reply within the grace, and then the server ends."""
    asked = ask()
    lane.gate.clear()
    in_flight = asked.call().future(b"ab", timeout=PATIENCE_S)
    lane.entered.acquire()
    has_ended = asked.server.stop(PATIENCE_S)
    assert not has_ended.is_set()
    lane.gate.set()
    assert in_flight.result() == b"ba"
    assert has_ended.wait(PATIENCE_S)


def test_new_calls_are_refused_meanwhile(ask: Ask, lane: Lane) -> None:
    """While calls in flight are finished, further ones on new connections are refused."""
    asked = ask()
    lane.gate.clear()
    in_flight = asked.call().future(b"ab", timeout=PATIENCE_S)
    lane.entered.acquire()
    has_ended = asked.server.stop(PATIENCE_S)
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))
    with grpc.insecure_channel(f"127.0.0.1:{asked.port}", options) as channel:
        turn: Any = channel.unary_unary(TURN)
        refused = turn.future(b"cd", timeout=PATIENCE_S)
        eventually(lambda: _refuses(asked.port), "the listener is closed")
        lane.gate.set()
        assert in_flight.result() == b"ba"
        assert has_ended.wait(PATIENCE_S)
        assert refused.exception().code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert lane.scored == [b"ab"]


def _refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("grace", [None, 0, 0.1])
@pytest.mark.parametrize(
    "transport", ["inline", "sockets"], indirect=True
)  # the other waits for its thread, whatever the client says
def test_what_is_left_is_cancelled(ask: Ask, grace: float | None) -> None:
    """A call that is still there after the grace is cancelled, and then the server ends."""
    asked = ask()
    with Connection(asked.port) as connection:
        connection.send(opening(TURN, 1), call(TURN, b"ab", 3))
        connection.wait_for_end(3)
        assert asked.server.stop(grace).wait(PATIENCE_S)
        connection.wait_for_close()


def test_shorter_grace(ask: Ask, lane: Lane) -> None:
    """The shortest grace of all stops counts."""
    asked = ask()
    lane.gate.clear()
    in_flight = asked.call().future(b"ab", timeout=PATIENCE_S)
    lane.entered.acquire()
    long, short = asked.server.stop(1000), asked.server.stop(0)
    lane.gate.set()
    assert long.wait(PATIENCE_S)
    assert short.wait(PATIENCE_S)
    assert in_flight.exception() is None or in_flight.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


@pytest.mark.parametrize("transport", ["inline", "sockets"], indirect=True)
def test_under_fire(ask: Ask) -> None:
    """Calls that keep arriving while the server stops get a reply or a status that says to try elsewhere."""
    asked = ask()
    futures = [asked.call().future(b"ab", timeout=PATIENCE_S) for _ in range(150)]
    has_ended = asked.server.stop(PATIENCE_S)
    futures += [asked.call().future(b"ab", timeout=PATIENCE_S) for _ in range(150)]
    assert has_ended.wait(PATIENCE_S)
    ended = {future.code() for future in futures}
    assert ended <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


@pytest.mark.parametrize("transport", ["inline"], indirect=True)
def test_lost_call(ask: Ask) -> None:
    """A stop does not wait for a call that never came to the loop, as grpcio's core loses some when it is shut down."""
    asked = ask()
    lost: list[Any] = []
    asked.server._core.take_calls(TURN, lambda *call: lost.append(call))  # noqa: SLF001  # as if the core did
    future = asked.call().future(b"ab", timeout=PATIENCE_S)
    eventually(lambda: bool(lost), "the call is lost")
    assert asked.server.stop(2 * PATIENCE_S).wait(2 * PATIENCE_S)
    assert future.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
