"""Sends load by the project's own engine and says what came back. The only module that knows the engine."""

import math
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from loadtest import engine
from loadtest.errors import NoAnswer
from loadtest.load import Load, Recording
from loadtest.payloads import Payloads
from loadtest.results import NEVER_NS, Status
from tests.benchmarks.errors import WrongAnswer
from tests.benchmarks.population import FloatArray
from tests.benchmarks.throughput import Throughput
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back from one load.

    Attributes:
        seconds: how long it was sent.
        counts: requests by how they ended.
        ok_ms: shape (n,), from when each answered request was due to its answer, ascending.
        late_p99_ms: 99th percentile of how late requests were sent: the generator's own fault.
        busy_share: of the time that the generator was on its core.
    """

    seconds: float
    counts: dict[str, int]
    ok_ms: FloatArray
    late_p99_ms: float
    busy_share: float

    @property
    def ok_per_s(self) -> float:
        """Requests answered OK, per second."""
        return len(self.ok_ms) / self.seconds

    def within(self, deadline_ms: float) -> float:
        """Requests answered OK and in time, per second."""
        return int(np.searchsorted(self.ok_ms, deadline_ms, "right")) / self.seconds

    def percentile_ms(self, q: float) -> float:
        """Latency of the answered requests, infinite when there is none."""
        return float(np.percentile(self.ok_ms, q)) if len(self.ok_ms) else math.inf

    @property
    def sent_per_s(self) -> float:
        """Requests that were really sent, per second."""
        return (sum(self.counts.values()) - self.counts.get(Status.NOT_SENT.name, 0)) / self.seconds

    @property
    def failed_count(self) -> int:
        """Requests that did not end OK."""
        return sum(self.counts.values()) - len(self.ok_ms)

    @property
    def throughput(self) -> Throughput:
        """What of it others can count too."""
        p50_ms, p99_ms = self.percentile_ms(50), self.percentile_ms(99)
        return Throughput(self.ok_per_s, p50_ms, p99_ms, self.failed_count, self.busy_share)


def closed(asked: Asked, *, connections: int, seconds: float) -> Outcome:
    """As many requests as the server takes, one in flight on each connection.

    Raises:
        WrongAnswer: a reply was OK and is no answer.
    """
    return _run(asked, connections=connections, seconds=seconds, concurrency=1)


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
        return _outcome(asked.name, engine.run(wanted))
    except NoAnswer as error:
        raise WrongAnswer(f"{asked.name}: {error}") from error


def _outcome(name: str, recording: Recording) -> Outcome:
    statuses, numbers = np.unique(recording.status, return_counts=True)
    counts = Counter({Status(int(s)).name: int(n) for s, n in zip(statuses, numbers, strict=True)})
    if counts[Status.BAD_REPLY.name]:
        raise WrongAnswer(f"{name}: {counts[Status.BAD_REPLY.name]} replies were OK and are no answers")
    is_ok = recording.status == Status.OK
    is_sent = recording.sent_ns != NEVER_NS
    late_ms = (recording.sent_ns - recording.due_ns)[is_sent] / 1e6
    return Outcome(
        seconds=recording.window_ns / 1e9,
        counts=dict(counts),
        ok_ms=np.sort((recording.done_ns - recording.due_ns)[is_ok] / 1e6),
        late_p99_ms=float(np.percentile(late_ms, 99)) if len(late_ms) else 0.0,
        busy_share=recording.busy_share,
    )
