"""A run in stretches: what happened when, and what requests met in each."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from loadtest.results import NEVER_NS, Status
from tests.benchmarks.witness import Seen

_NS_PER_MS = 1e6

Milliseconds = npt.NDArray[np.float64]


class Kind(StrEnum):
    """What is done to the server in a stretch."""

    PUBLISH = "publish"  # a newer version appears
    LABEL = "label"  # "stable" moves between two versions that are loaded
    QUIET = "quiet"  # nothing


@dataclass(frozen=True, slots=True)
class Step:
    """One swap: when it was asked for, by CLOCK_MONOTONIC, and the version that is to answer from then on."""

    at_ns: int
    version: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the run.

    Attributes:
        kind: what was done.
        begun_ns: by CLOCK_MONOTONIC.
        ended_ns: likewise.
        steps: the swaps, none of a quiet one.
        rss_mb: resident memory of the worker, before each step and at the end.
        stolen_share: of the machine's processors, what others took meanwhile.
    """

    kind: Kind
    begun_ns: int
    ended_ns: int
    steps: tuple[Step, ...]
    rss_mb: tuple[float, ...]
    stolen_share: float


class Course:
    """What a whole load met, by time."""

    def __init__(self, seen: Seen) -> None:
        self.replies, recording = seen.replies, seen.recording
        self.status, self.busy_share = recording.status, recording.busy_share
        self.is_ok = recording.status == Status.OK
        self.due_ns = recording.started_ns + recording.due_ns
        self._done_ns = recording.started_ns + recording.done_ns
        self._latency_ms = (recording.done_ns - recording.due_ns) / _NS_PER_MS
        self._late_ms = np.where(
            recording.sent_ns == NEVER_NS, math.inf, (recording.sent_ns - recording.due_ns) / _NS_PER_MS
        )

    def percentile_ms(self, stretch: Stretch, q: float) -> float:
        """Latency from due times of what was due in the stretch and answered OK; infinite when nothing was."""
        return _percentile(self._latency_ms[self._due_in(stretch) & self.is_ok], q)

    def late_ms(self, stretch: Stretch, q: float) -> float:
        """How late what was due in the stretch was sent: the generator's own fault."""
        return _percentile(self._late_ms[self._due_in(stretch)], q)

    def failed_count(self, begun_ns: int, ended_ns: int) -> int:
        """Requests due within this time that did not end OK."""
        return int((~self.is_ok & (self.due_ns >= begun_ns) & (self.due_ns < ended_ns)).sum())

    def answered_count(self, begun_ns: int, ended_ns: int) -> int:
        """Requests due within this time that ended OK."""
        return int((self.is_ok & (self.due_ns >= begun_ns) & (self.due_ns < ended_ns)).sum())

    def longest_pause_ms(self, begun_ns: int, ended_ns: int) -> float:
        """The longest time within this one without a reply; all of it when there was none."""
        done = self._done_ns[self.is_ok]
        within = np.sort(done[(done >= begun_ns) & (done < ended_ns)])
        return float(np.diff([begun_ns, *within, ended_ns]).max()) / _NS_PER_MS

    def swap_ms(self, stretch: Stretch) -> list[float]:
        """From each swap until the first reply by its version; of those that were answered by it before the next."""
        ends = [*(step.at_ns for step in stretch.steps[1:]), stretch.ended_ns]
        return [
            first / _NS_PER_MS
            for step, end_ns in zip(stretch.steps, ends, strict=False)
            if (first := self._first_ns(step, end_ns)) is not None
        ]

    def versions(self, begun_ns: int, ended_ns: int) -> list[int]:
        """Those that answered within this time."""
        times = self.replies.times_ns
        return [int(one) for one in np.unique(self.replies.versions[(times >= begun_ns) & (times < ended_ns)])]

    def _first_ns(self, step: Step, end_ns: int) -> int | None:
        times = self.replies.times_ns
        found = times[(times >= step.at_ns) & (times < end_ns) & (self.replies.versions == step.version)]
        return int(found[0]) - step.at_ns if len(found) else None

    def _due_in(self, stretch: Stretch) -> npt.NDArray[np.bool_]:
        within: npt.NDArray[np.bool_] = (self.due_ns >= stretch.begun_ns) & (self.due_ns < stretch.ended_ns)
        return within


@dataclass(frozen=True, slots=True)
class Pair:
    """A stretch with swaps and the quiet one after it, under one load.

    Attributes:
        course: of the load, which went on a little before, between, and after.
        swaps: with them.
        quiet: without.
        rate_hz: requests per second that were asked for.
    """

    course: Course
    swaps: Stretch
    quiet: Stretch
    rate_hz: float


def of_kind(pairs: Iterable[Pair], kind: Kind) -> list[Pair]:
    """Those in which this was done."""
    return [pair for pair in pairs if pair.swaps.kind is kind]


def _percentile(values: Milliseconds, q: float) -> float:
    return float(np.percentile(values, q)) if len(values) else math.inf
