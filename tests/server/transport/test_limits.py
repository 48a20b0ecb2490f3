"""What bounds the work that callers can ask for, on both transports."""

import struct
from typing import Any

import grpc
import pytest

from tests.server.transport.conftest import PATIENCE_S, Ask, Make, asking
from tests.server.transport.frames import SETTINGS, Connection, call, opening
from tests.server.transport.stub import TURN, Lane
from tests.server.transport.traces import eventually

_MOST_STREAMS = 3  # its number among HTTP/2's settings


def test_calls_at_once(ask: Ask) -> None:
    """More calls at once than allowed are refused with RESOURCE_EXHAUSTED, until others have ended."""
    asked = ask(most_calls=3)
    with Connection(asked.port) as connection:
        connection.send(opening(TURN, 1), opening(TURN, 3), opening(TURN, 5), call(TURN, b"ab", 7))
        assert connection.wait_for_end(7) == {}
        refused = asked.refusal(b"ab")
        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    eventually(lambda: asked.call().future(b"ab", timeout=PATIENCE_S).exception() is None, "there is room again")


@pytest.mark.parametrize("transport", ["inline", "sockets"], indirect=True)
def test_what_a_refused_call_is_told(ask: Ask) -> None:
    """A call beyond the limit hears which limit that is, and when to try again."""
    refused: Any = ask(most_calls=0).refusal(b"ab")
    assert refused.details() == "0 calls are open; that is the limit"
    assert [key for key, _ in refused.trailing_metadata()] == ["grpc-retry-pushback-ms"]


@pytest.mark.parametrize("transport", ["inline", "sockets"], indirect=True)
def test_other_calls_at_once(make: Make) -> None:
    """Calls of other methods have a limit of their own, so that they leave room for scoring."""
    server = make(most_streams=2)
    handler: Any = grpc.unary_unary_rpc_method_handler(lambda content, _: content)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("plain.Service", {"Do": handler}),))
    path = "/plain.Service/Do"
    with asking(server) as asked:
        with Connection(asked.port) as connection:
            connection.send(opening(path, 1), opening(path, 3), call(path, b"ab", 5))
            assert connection.wait_for_end(5) == {}
            assert _is_full(asked, path)
            assert asked.turn(b"ab") == b"ba"
        eventually(lambda: not _is_full(asked, path), "there is room again")


def _is_full(asked: Any, path: str) -> bool:
    error = asked.call(path).future(b"ab", timeout=PATIENCE_S).exception()
    return error is not None and error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_streams_of_a_connection(ask: Ask) -> None:
    """A connection is told how many calls it may have at once; a client waits with the others, and none fails."""
    asked = ask(most_streams=2)
    with Connection(asked.port) as connection:
        received = connection.receive()
    assert received is not None
    kind, _, _, content = received
    assert kind == SETTINGS
    settings = dict(struct.iter_unpack(">HI", content))
    assert settings[_MOST_STREAMS] == 2
    futures = [asked.call().future(b"a%d" % n, timeout=PATIENCE_S) for n in range(50)]
    assert [future.result() for future in futures] == [(b"a%d" % n)[::-1] for n in range(50)]


def test_more_streams_than_agreed(ask: Ask, lane: Lane) -> None:
    """A client that does not keep to it harms nobody else."""
    asked = ask(most_streams=2)
    with Connection(asked.port) as connection:
        connection.send(*[opening(TURN, stream) for stream in range(1, 401, 2)])
        assert asked.turn(b"ab") == b"ba"
    assert lane.scored == [b"ab"]


def test_connections(ask: Ask) -> None:
    """Connections beyond the limit are closed without an answer; there is room again once others have gone."""
    asked = ask(most_connections=2)
    with Connection(asked.port) as one, Connection(asked.port) as another:
        for number, connection in enumerate((one, another)):
            connection.send(call(TURN, b"ab", 1))
            assert connection.wait_for_end(1).keys() == {1}, number
        with Connection(asked.port) as third:
            third.send(call(TURN, b"ab", 1))
            assert third.wait_for_end(1) == {}
    eventually(lambda: asked.call().future(b"ab", timeout=PATIENCE_S).exception() is None, "there is room again")


def test_age_of_a_connection(make: Make) -> None:
    """Connections are asked to reconnect after a while, and a client that keeps calling sees no error."""
    peers = set()

    def tell(content: bytes, context: grpc.ServicerContext) -> bytes:
        peers.add(context.peer())
        return content

    server = make(connection_age_s=0.1, connection_grace_s=PATIENCE_S)
    handler: Any = grpc.unary_unary_rpc_method_handler(tell)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("plain.Service", {"Do": handler}),))
    with asking(server) as asked:
        while len(peers) < 4:
            assert asked.call("/plain.Service/Do")(b"ab", timeout=PATIENCE_S) == b"ab"
            assert asked.turn(b"ab") == b"ba"
