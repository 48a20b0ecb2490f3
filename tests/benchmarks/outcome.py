"""What came back from one load, counted once and in the window alone."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadtest.load import Recording
from loadtest.results import NEVER_NS, Status
from tests.benchmarks.errors import WrongAnswer
from tests.benchmarks.population import FloatArray
from tests.benchmarks.throughput import Throughput


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back from one load.

    Attributes:
        seconds: the window: how long requests were sent.
        counts: requests by how they ended.
        ok_ms: shape (n,), from when each request that was answered OK was due to its answer.
        is_in_window: shape (n,), whether that answer came while requests were still sent. Rates count only those:
            what is answered afterwards had more time than the window.
        late_p99_ms: 99th percentile of how late requests were sent: the generator's own fault.
        busy_share: of the time that the generator was on its core.
    """

    seconds: float
    counts: dict[str, int]
    ok_ms: FloatArray
    is_in_window: npt.NDArray[np.bool_]
    late_p99_ms: float
    busy_share: float

    @property
    def ok_per_s(self) -> float:
        """Requests answered OK, per second."""
        return int(self.is_in_window.sum()) / self.seconds

    def within(self, deadline_ms: float) -> float:
        """Requests answered OK and in time, per second."""
        return int((self.is_in_window & (self.ok_ms <= deadline_ms)).sum()) / self.seconds

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


def outcome(name: str, recording: Recording) -> Outcome:
    """What a recording of this server's answers comes to.

    Raises:
        WrongAnswer: a reply was OK and is no answer.
    """
    statuses, numbers = np.unique(recording.status, return_counts=True)
    counts = {Status(int(s)).name: int(n) for s, n in zip(statuses, numbers, strict=True)}
    if bad_count := counts.get(Status.BAD_REPLY.name, 0):
        raise WrongAnswer(f"{name}: {bad_count} replies were OK and are no answers")
    is_ok = recording.status == Status.OK
    is_sent = recording.sent_ns != NEVER_NS
    late_ms = (recording.sent_ns - recording.due_ns)[is_sent] / 1e6
    return Outcome(
        seconds=recording.window_ns / 1e9,
        counts=counts,
        ok_ms=(recording.done_ns - recording.due_ns)[is_ok] / 1e6,
        is_in_window=recording.done_ns[is_ok] <= recording.window_ns,
        late_p99_ms=float(np.percentile(late_ms, 99)) if len(late_ms) else 0.0,
        busy_share=recording.busy_share,
    )
