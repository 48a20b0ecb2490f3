"""What many ordinary calls leave behind in the transports of one thread: nothing."""

import gc
from collections.abc import Callable

import grpc
import pytest

from server.errors import InvalidRequest
from tests.server.transport import traces
from tests.server.transport.conftest import PATIENCE_S, Ask, Asked
from tests.server.transport.frames import Connection, call
from tests.server.transport.stub import TURN, Lane, method

ROUND = 1000
_SOCKETS = 4  # the listener's, the client's and the server's end of a connection, and one that is being tried
_GROWTH_BYTES = 8 << 20
_GROWTH_OBJECTS = 100


@pytest.fixture(params=["inline", "sockets"])
def transport(request: pytest.FixtureRequest) -> str:
    """Those that answer from one thread."""
    name: str = request.param
    return name


def _ask_many(asked: Asked, text: bytes = b"ab") -> None:
    for _ in range(ROUND // 50):
        for future in [asked.call().future(text, timeout=PATIENCE_S) for _ in range(50)]:
            future.exception()


def _cancel_many(asked: Asked) -> None:
    for _ in range(ROUND // 50):
        futures = [asked.call().future(b"ab", timeout=PATIENCE_S) for _ in range(50)]
        for future in futures:
            future.cancel()
        asked.turn(b"ab")


def _fail_many(asked: Asked) -> None:
    _ask_many(asked, b"bad")


def _connect_many(asked: Asked) -> None:
    for _ in range(ROUND // 10):
        with Connection(asked.port) as connection:
            connection.send(call(TURN, b"ab", 1))
            connection.wait_for_end(1)


def _ask_for_nothing(asked: Asked) -> None:
    for _ in range(ROUND // 50):
        nothing = asked.call("/no.Such/Method")
        for future in [nothing.future(b"ab", timeout=PATIENCE_S) for _ in range(50)]:
            assert future.exception().code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("use", [_ask_many, _fail_many, _cancel_many, _connect_many, _ask_for_nothing])
def test_nothing_is_kept(ask: Ask, lane: Lane, use: Callable[[Asked], None]) -> None:
    """Objects, memory, sockets and threads are after thousands of calls what they were after the first ones."""
    most_sockets = len(traces.sockets()) + _SOCKETS  # other tests' servers have some
    asked = ask([method(lane, failures={b"bad": InvalidRequest("bad")})])
    for _ in range(2):
        use(asked)
    before = _held(asked, lane, most_sockets)

    def again() -> None:
        for _ in range(5):
            use(asked)
        _held(asked, lane, most_sockets)

    assert traces.growth_bytes(again, _GROWTH_BYTES) <= _GROWTH_BYTES
    most_objects = before["objects"] + _GROWTH_OBJECTS
    traces.eventually(lambda: _held(asked, lane, most_sockets)["objects"] <= most_objects, "objects have gone")
    traces.eventually(lambda: len(traces.sockets()) <= before["sockets"], "the client tries no other connection")
    after = _held(asked, lane, most_sockets)
    assert after["sockets"] <= before["sockets"]
    assert after["threads"] <= before["threads"]


def _held(asked: Asked, lane: Lane, most_sockets: int) -> dict[str, int]:
    lane.forget()
    traces.eventually(lambda: bool(asked.server.is_idle), "no call is open")
    traces.eventually(lambda: len(traces.sockets()) <= most_sockets, "connections are closed")
    gc.collect()
    return {
        "objects": len(gc.get_objects()),
        "sockets": len(traces.sockets()),
        "threads": len(traces.threads()),
    }
