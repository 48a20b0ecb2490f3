"""Servers of both transports on real ports, asked by real clients."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from server.counters import Counters, Shape
from server.metrics import Metrics
from server.transport import inline, threads
from server.transport.limits import Limits
from server.transport.seam import AnyMethod, Spare
from tests.server.transport import traces
from tests.server.transport.stub import TURN, Lane, method

LIMITS = Limits(
    largest_message_bytes=100_000,
    most_calls=100,
    most_streams=100,
    most_connections=100,
    connection_age_s=1000,
    connection_grace_s=10,
)
PATIENCE_S = 60  # deadline of calls that are to be answered


@dataclass(frozen=True, slots=True)
class Asked:
    """A server that listens, and a client of it.

    Attributes:
        server: it.
        port: where it listens.
        channel: the client's.
    """

    server: Any
    port: int
    channel: Any

    def call(self, path: str = TURN) -> Any:
        """A method, which takes and gives bytes."""
        return self.channel.unary_unary(path)

    def turn(self, text: bytes, **options: Any) -> bytes:
        """What the stub answers."""
        reply: bytes = self.call()(text, **{"timeout": PATIENCE_S, **options})
        return reply

    def refusal(self, text: bytes, path: str = TURN, **options: Any) -> grpc.RpcError:
        """How a call fails that must."""
        with pytest.raises(grpc.RpcError) as caught:
            self.call(path)(text, **{"timeout": PATIENCE_S, **options})
        return caught.value


Make = Callable[..., Any]
Ask = Callable[..., Asked]


@pytest.fixture(params=["threads", "inline", "sockets"])
def transport(request: pytest.FixtureRequest) -> str:
    """Which of them."""
    name: str = request.param
    return name


@pytest.fixture
def lane() -> Lane:
    """What the stub scores with."""
    return Lane()


@pytest.fixture
def counting(tmp_path: Path) -> Metrics:
    """What calls are counted in."""
    return Metrics(Counters.create(tmp_path / "transport-counters", Shape(rows=1)).row(0))


@pytest.fixture
def make(transport: str, lane: Lane, counting: Metrics) -> Iterator[Make]:
    """Makes servers that are not started; afterwards they are stopped, and nothing of them is left."""
    made: list[Any] = []

    def make_one(
        methods: Sequence[AnyMethod] | None = None, *, default_deadline_s: float = PATIENCE_S, **settings: Any
    ) -> Any:
        wanted = [method(lane)] if methods is None else methods
        server = _make(transport, wanted, counting, default_deadline_s=default_deadline_s, **settings)
        made.append(server)
        return server

    before = traces.sockets()
    yield make_one
    lane.gate.set()
    for server in made:
        server.stop(None).wait()
        if transport != "threads":
            assert server.is_idle
    made.clear()
    del server
    traces.eventually(lambda: traces.sockets() <= before, "the server's sockets are closed")


def _make(  # noqa: PLR0913  # keyword-only knobs of either transport
    transport: str,
    methods: Sequence[AnyMethod],
    metrics: Metrics,
    *,
    default_deadline_s: float,
    most_rows: int = 64,
    most_wait_s: float = PATIENCE_S,
    pool: int = 4,
    spare: Spare | None = None,
    rest_s: Callable[[float], float] = lambda _: 0.0,
    **limits: Any,
) -> Any:
    bounds = replace(LIMITS, **limits)
    if transport == "threads":
        plain = threads.make_server(bounds, threads=pool)
        threads.add_methods(plain, methods, metrics, default_deadline_s=default_deadline_s)
        if spare is not None:
            threads.work_beside(plain, spare)
        return plain
    is_own = transport == "sockets"
    server = inline.make_server(
        bounds, most_rows=most_rows, most_wait_s=most_wait_s, spare=spare, rest_s=rest_s, is_own=is_own
    )
    inline.add_methods(server, methods, metrics, default_deadline_s=default_deadline_s)
    return server


@contextmanager
def asking(server: Any) -> Iterator[Asked]:
    """Starts the server, and has a client of it."""
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=(("grpc.use_local_subchannel_pool", 1),)) as channel:
        yield Asked(server, port, channel)


@pytest.fixture
def ask(make: Make) -> Iterator[Ask]:
    """Starts servers, each with a client."""
    with ExitStack() as stack:

        def ask_one(*arguments: Any, **settings: Any) -> Asked:
            return stack.enter_context(asking(make(*arguments, **settings)))

        yield ask_one
