"""The servers that are compared, as things that can be loaded and whose answers can be checked."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from loadtest.payloads import reply_status
from tests.benchmarks import answers, contract, environment, floor, load, servers, wire, wrk
from tests.benchmarks.errors import Unavailable
from tests.benchmarks.graph import Bundle
from tests.benchmarks.places import WORK
from tests.benchmarks.processor import Cores
from tests.benchmarks.throughput import Throughput

OURS, CORE, THREADS, AIO, FLOOR, ECHO = "ours", "core", "threads", "aio", "floor", "echo"
MOSEC, MOSEC_BATCHES = "mosec", "mosec_batches"
_LARGEST_BATCH = {MOSEC: 1, MOSEC_BATCHES: 32}  # its default, and one for each connection

Loop = Callable[[int, float], Throughput]


@dataclass(frozen=True, slots=True)
class Contender:
    """A server that runs.

    Attributes:
        name: for people.
        pid: of its first process.
        closed: loads it over so many connections, one request in flight on each, for so many seconds.
        check: raises WrongAnswer unless it answers a sample of rows as the estimators do.
        asked: what its engine's loads are made of; None for HTTP, which the engine does not send.
        note: what a reader has to know of it.
    """

    name: str
    pid: int
    closed: Loop
    check: Callable[[], None]
    asked: load.Asked | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Lineup:
    """Those that run, by name, and why the others do not."""

    bundle: Bundle
    cores: Cores
    running: dict[str, Contender] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def without(self, reason: str) -> list[str]:
        """Those that do not run for this reason."""
        return [name for name, why in self.missing.items() if why == reason]


@contextmanager
def lineup(bundle: Bundle, cores: Cores, *, is_complete: bool) -> Iterator[Lineup]:
    """Servers of one bundle: ours and the floor, and if it is to be complete the others too."""
    found = Lineup(bundle, cores)
    with ExitStack() as stack:
        found.running[OURS] = stack.enter_context(ours(bundle, cores, transport="inline"))
        with _said(found, FLOOR, ECHO):
            program = floor.build()
            for one in _floors(bundle, stack.enter_context(servers.floor(program, bundle, cores.servers))):
                found.running[one.name] = one
        if is_complete:
            for name in (CORE, THREADS):
                found.running[name] = stack.enter_context(ours(bundle, cores, transport=name))
            found.running[AIO] = _limit(AIO, bundle, stack.enter_context(servers.aio(bundle, cores.servers)))
            with _said(found, *_LARGEST_BATCH):
                wrk.check()
                python = environment.install()
                for name in _LARGEST_BATCH:
                    found.running[name] = stack.enter_context(_mosec(name, python, bundle, cores))
        yield found


@contextmanager
def ours(
    bundle: Bundle, cores: Cores, *, transport: str, workers: int = 1, more: Sequence[str] = ()
) -> Iterator[Contender]:
    """The project's own server, with more flags if any are given; with several workers on all cores."""
    name = OURS if transport == "inline" else transport
    place = cores.servers if workers == 1 else cores.everything
    with servers.audience(bundle, place, transport=transport, workers=workers, more=more) as server:
        asked = load.Asked(name, server.target, wire.SCORE, wire.score_requests(bundle), reply_status)
        check = partial(answers.check_audience, bundle, server.target)
        yield Contender(name, server.pid, _loop(asked), check, asked)


@contextmanager
def _said(found: Lineup, *names: str) -> Iterator[None]:
    """What is not available within is noted as the reason why these do not run."""
    try:
        yield
    except Unavailable as error:
        found.missing.update(dict.fromkeys(names, str(error)))


def _loop(asked: load.Asked) -> Loop:
    return lambda connections, seconds: load.closed(asked, connections=connections, seconds=seconds).throughput


def _limit(name: str, bundle: Bundle, server: servers.Running) -> Contender:
    judge = wire.limit_judge(bundle.scores.shape[1])
    asked = load.Asked(name, server.target, contract.SCORE, wire.limit_requests(bundle), judge)
    return Contender(name, server.pid, _loop(asked), partial(answers.check_limit, bundle, server.target), asked)


def _floors(bundle: Bundle, server: servers.Running) -> Iterator[Contender]:
    """The floor, and its echo, which runs no graph."""
    yield _limit(FLOOR, bundle, server)
    judge = wire.limit_judge(answers.ECHO_COUNT)
    asked = load.Asked(ECHO, server.target, contract.ECHO, wire.limit_requests(bundle), judge)
    check = partial(answers.check_limit, bundle, server.target, is_echo=True)
    yield Contender(ECHO, server.pid, _loop(asked), check, asked)


@contextmanager
def _mosec(name: str, python: Path, bundle: Bundle, cores: Cores) -> Iterator[Contender]:
    bodies = WORK / "bodies.jsonl"
    bodies.write_text(wire.json_lines(bundle), encoding="utf-8")
    with servers.mosec(python, bundle, cores.servers, batch=_LARGEST_BATCH[name]) as server:
        url = f"http://{server.target}{servers.MOSEC_PATH}"
        yield Contender(
            name,
            server.pid,
            lambda connections, seconds: wrk.run(url, bodies, cores.load, connections=connections, seconds=seconds),
            partial(answers.check_json, bundle, url),
            note=f"batches of at most {_LARGEST_BATCH[name]}",
        )
