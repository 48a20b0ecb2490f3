"""Sends load by the project's own engine and says what came back. The only module that knows the engine."""

from dataclasses import dataclass
from fractions import Fraction

from loadtest import engine
from loadtest.errors import NoAnswer
from loadtest.load import Load
from loadtest.payloads import Payloads
from tests.benchmarks.errors import WrongAnswer
from tests.benchmarks.outcome import Outcome, outcome
from tests.benchmarks.wire import Judge

DEADLINE_S = 1.0  # where deadlines are not what is measured


@dataclass(frozen=True, slots=True)
class Asked:
    """One method of one server, and what it is asked.

    Attributes:
        name: of the server, for people.
        target: its host:port.
        path: of the method.
        requests: serialized, sent in turn.
        judge: what a right reply is.
    """

    name: str
    target: str
    path: str
    requests: tuple[bytes, ...]
    judge: Judge


def closed(asked: Asked, *, connections: int, seconds: float) -> Outcome:
    """As many requests as the server takes, one in flight on each connection.

    Raises:
        WrongAnswer: a reply was OK and is no answer, or nothing was answered OK.
    """
    found = _run(asked, connections=connections, seconds=seconds, concurrency=1)
    if found.ok_per_s == 0:
        raise WrongAnswer(f"{asked.name}: nothing was answered OK in {seconds:g} s: {found.counts}")
    return found


def paced(asked: Asked, *, connections: int, seconds: float, rate_hz: float, deadline_s: float = DEADLINE_S) -> Outcome:
    """So many requests per second, whatever becomes of them.

    Raises:
        WrongAnswer: a reply was OK and is no answer.
    """
    rate = Fraction(rate_hz).limit_denominator(1000)
    return _run(asked, connections=connections, seconds=seconds, rate_hz=rate, deadline_s=deadline_s)


def _run(  # noqa: PLR0913  # what a load is made of
    asked: Asked,
    *,
    connections: int,
    seconds: float,
    rate_hz: Fraction | None = None,
    concurrency: int | None = None,
    deadline_s: float = DEADLINE_S,
) -> Outcome:
    wanted = Load(
        target=asked.target,
        payloads=Payloads(asked.name, asked.requests),
        duration_s=Fraction(seconds).limit_denominator(1000),
        rate_hz=rate_hz,
        concurrency=concurrency,
        connections=connections,
        deadline_s=deadline_s,
        path=asked.path,
        judge=asked.judge,
    )
    try:
        return outcome(asked.name, engine.run(wanted))
    except NoAnswer as error:
        raise WrongAnswer(f"{asked.name}: {error}") from error
