"""The transports of one thread under attack: each goes on answering, and keeps nothing of it."""

import itertools
import random
from collections.abc import Iterator

import grpc
import pytest

from tests.server.transport import traces
from tests.server.transport.attacks import ATTACKS, LARGE, Attack
from tests.server.transport.conftest import Asked, Make, asking
from tests.server.transport.frames import Connection, call
from tests.server.transport.stub import TURN, Lane, method

_GROWTH_BYTES = 64 << 20  # what allocators keep for later (measured with tests.server.transport.rehearsal)
# With the core's older listener a connection whose client left in the middle of a flood stays until it is asked for a
# sign of life, or until its age.
_AGES = {"connection_age_s": 1, "connection_grace_s": 1}


@pytest.fixture(params=["inline", "sockets"])
def transport(request: pytest.FixtureRequest) -> str:
    """Those that answer from one thread."""
    name: str = request.param
    return name


@pytest.fixture
def asked(make: Make, lane: Lane) -> Iterator[Asked]:
    """A server that has a method with a large reply, and limits that can be reached."""
    methods = [method(lane), method(lane, LARGE, finish=lambda _: b"x" * 1_000_000)]
    server = make(methods, most_calls=200, most_connections=200, default_deadline_s=1, **_AGES)
    with asking(server) as one:
        yield one


def _is_sound(asked: Asked, sockets: set[str]) -> None:
    """Whether the server answers others, and has forgotten the attack."""
    traces.eventually(lambda: _turns(asked), "the client is answered")
    traces.eventually(lambda: bool(asked.server.is_idle), "the calls are forgotten")
    traces.eventually(lambda: len(traces.sockets()) <= len(sockets), "the connections are closed")
    with Connection(asked.port) as connection:
        connection.send(call(TURN, b"ab", 1))
        assert connection.wait_for_end(1)[1].endswith(b"ba")


def _turns(asked: Asked) -> bool:
    """Whether the client is answered. Its connection ends with its age, and during a flood there may be no room."""
    try:
        return asked.turn(b"ab") == b"ba"
    except grpc.RpcError as error:
        busy = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.RESOURCE_EXHAUSTED
        if error.code() not in busy:
            raise
        return False


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: str(attack.__name__))
def test_attack(asked: Asked, attack: Attack) -> None:
    """The server answers during it and after it; no connection, call or thread stays of it."""
    assert asked.turn(b"ab") == b"ba"
    sockets, threads = traces.sockets(), traces.threads()
    attack(asked.port, ATTACKS[attack], random.Random(7))  # noqa: S311  # the same every time
    _is_sound(asked, sockets)
    assert traces.threads() <= threads  # a thread of an earlier test may have ended since


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: str(attack.__name__))
def test_memory(asked: Asked, attack: Attack) -> None:
    """The same attack again and again does not make the server larger."""
    assert asked.turn(b"ab") == b"ba"
    sockets = traces.sockets()
    for seed in range(3):
        attack(asked.port, ATTACKS[attack], random.Random(seed))  # noqa: S311  # the same every time
    _is_sound(asked, sockets)
    seeds = itertools.count(3)

    def again() -> None:
        for seed in itertools.islice(seeds, 6):
            attack(asked.port, ATTACKS[attack], random.Random(seed))  # noqa: S311  # the same every time
        _is_sound(asked, sockets)

    assert traces.growth_bytes(again, _GROWTH_BYTES) <= _GROWTH_BYTES
