"""The figures of a run, computed from its results alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtest.results import NEVER_NS, Facts, Results, Status
from loadtest.schedule import NS_PER_S

LATE_NS = 1_000_000
PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9, 100.0)

Latencies = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run measured.

    Attributes:
        facts: what the run was.
        due_count: requests that were due.
        from_due_ns: sorted, float64, one for each of them: the end minus the due time of those that were answered OK
            (corrected for coordinated omission), infinity for all others, which were never answered.
        ok_from_due_ns: the same for those that were answered OK.
        ok_from_sent_ns: sorted, from when they were really sent (uncorrected): hides the wait of those sent late.
        lateness_ns: sorted, from due to sent, for those that were sent.
        counts: requests by status, only those that occurred.
        rate_hz: answers OK within the window, by its length.
    """

    facts: Facts
    due_count: int
    from_due_ns: Latencies
    ok_from_due_ns: Latencies
    ok_from_sent_ns: Latencies
    lateness_ns: Latencies
    counts: Mapping[Status, int]
    rate_hz: float

    @property
    def error_share(self) -> float:
        """Share of the requests that were due and not answered OK, in [0, 1]; not a number when none was due."""
        return 1 - self.counts.get(Status.OK, 0) / self.due_count if self.due_count else float("nan")

    @property
    def late_share(self) -> float:
        """Share of the requests that were due and sent more than 1 ms late or not at all, in [0, 1]."""
        on_time = np.searchsorted(self.lateness_ns, LATE_NS, side="right")
        return 1 - float(on_time) / self.due_count if self.due_count else float("nan")


def summarize(results: Results) -> Summary:
    """The figures of a run."""
    is_ok = results.status == Status.OK
    ok_from_due = np.sort(results.done_ns[is_ok] - results.due_ns[is_ok]).astype(np.float64)
    is_sent = results.sent_ns != NEVER_NS
    in_window = results.done_ns[is_ok] <= results.facts.window_ns
    return Summary(
        facts=results.facts,
        due_count=len(is_ok),
        from_due_ns=np.append(ok_from_due, np.full(int((~is_ok).sum()), np.inf)),
        ok_from_due_ns=ok_from_due,
        ok_from_sent_ns=np.sort(results.done_ns[is_ok] - results.sent_ns[is_ok]).astype(np.float64),
        lateness_ns=np.sort(results.sent_ns[is_sent] - results.due_ns[is_sent]).astype(np.float64),
        counts={
            Status(int(code)): int(n) for code, n in zip(*np.unique(results.status, return_counts=True), strict=True)
        },
        rate_hz=int(in_window.sum()) * NS_PER_S / results.facts.window_ns,
    )


def percentile(latencies: Latencies, q: float) -> float:
    """The smallest latency that `q` per cent of the sorted `latencies` do not exceed; not a number when there are none.

    The nearest rank, never between two latencies: one that was measured, and well defined beside infinity. Counted in
    integers, `q` to 0.001, because 0.999 * 1000 need not be 999.

    >>> percentile(np.array([1.0, 2.0, 3.0, np.inf]), 75.0)
    3.0
    """
    if not len(latencies):
        return float("nan")
    rank = -(-round(q * 1000) * len(latencies) // 100_000)
    return float(latencies[max(rank, 1) - 1])
