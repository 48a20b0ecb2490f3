"""What a process counts, bound to its row. Cells are found when a method is registered or a model loaded, not later."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from server import series
from server.counters import Row
from server.series import Durations, Metric

CountVector = npt.NDArray[np.int64]

_LARGEST = (1 << 63) - 1

# Every status that a call may end with here, by gRPC's name; any other is counted as UNKNOWN.
CODES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "RESOURCE_EXHAUSTED",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
)


class Count:
    """One counter."""

    __slots__ = ("_cells", "_index")

    def __init__(self, cells: memoryview, index: int) -> None:
        self._cells = cells
        self._index = index

    def inc(self, count: int = 1) -> None:
        """Adds."""
        self._cells[self._index] += count

    @property
    def total(self) -> int:
        """What this process has added, and those before it that wrote the same row."""
        return self._cells[self._index]

    def inc_to_limit(self, count: int) -> None:
        """Adds as much as there is room for in 64 bits, where sums may become so large."""
        self._cells[self._index] = min(self._cells[self._index] + count, _LARGEST)


class Observed:
    """One histogram of durations."""

    __slots__ = ("_bounds_ns", "_cells")

    def __init__(self, metric: Durations, cells: memoryview) -> None:
        self._bounds_ns = metric.bounds_ns
        self._cells = cells

    def observe(self, duration_ns: int) -> None:
        """Counts one duration."""
        self._cells[bisect_left(self._bounds_ns, duration_ns)] += 1
        self._cells[-1] += duration_ns


class MethodCounters:
    """What one method counts."""

    __slots__ = ("_cells", "_codes", "_ok", "_seconds", "_unknown")

    def __init__(self, row: Row, path: str) -> None:
        self._cells = row.cells
        self._codes = {code: row.cell(series.REQUESTS.name, (path, code)) for code in CODES}
        self._ok, self._unknown = self._codes["OK"], self._codes["UNKNOWN"]
        self._seconds = observed(row, series.REQUEST_SECONDS, path)

    def answered(self, duration_ns: int) -> None:
        """Counts a call that got a reply, and how many nanoseconds it took."""
        self._cells[self._ok] += 1
        self._seconds.observe(duration_ns)

    def failed(self, code_name: str) -> None:
        """Counts a call that ended without a reply, by its status as gRPC names it, such as "NOT_FOUND"."""
        self._cells[self._codes.get(code_name, self._unknown)] += 1


@dataclass(frozen=True, slots=True)
class ModelCounters:
    """What one version counts as it scores.

    Attributes:
        rows: visitors scored.
        remapped: of them, with another version's vector.
        degraded: visitors answered without being scored, for want of time.
        held_out: visitors of the holdout.
        missing: features not given.
        out_of_range: features outside their range.
        default_counts: for each feature, the times that it took its default, shape (width,):
            `np.add(counts, more, out=counts)`.
    """

    rows: Count
    remapped: Count
    degraded: Count
    held_out: Count
    missing: Count
    out_of_range: Count
    default_counts: CountVector


@dataclass(frozen=True, slots=True)
class ShadowCounters:
    """What a shadow version counts.

    Attributes:
        rows: visitors that it scored.
        dropped: visitors that it was to score, when there was no room or no time.
        failures: visitors that it could not score.
    """

    rows: Count
    dropped: Count
    failures: Count


@dataclass(frozen=True, slots=True)
class Compared:
    """What is counted of one head of a shadow version.

    Attributes:
        rows: visitors whose answers were compared.
        difference: the sum of how they differ.
    """

    rows: Count
    difference: Count


class Metrics:
    """What the methods and models of one process count.

    Args:
        row: the process's row, to which one thread at a time adds.
    """

    def __init__(self, row: Row) -> None:
        self._row = row

    def method(self, path: str) -> MethodCounters:
        """The counters of one method, named as gRPC does, such as "/audience.v1.Scoring/Score"."""
        return MethodCounters(self._row, path)

    def for_model(self, model: str, version: int, features: Sequence[str]) -> ModelCounters:
        """The counters of one version with these features, in the order of its columns."""
        labels = (model, str(version))
        cells = self._row.block(series.DEFAULTED.name, [(model, feature) for feature in features])
        return ModelCounters(
            rows=self._counter(series.ROWS, labels),
            remapped=self._counter(series.REMAPPED, labels),
            degraded=self._counter(series.DEGRADED, labels),
            held_out=self._counter(series.HELD_OUT, labels),
            missing=self._counter(series.MISSING, labels),
            out_of_range=self._counter(series.OUT_OF_RANGE, labels),
            default_counts=np.frombuffer(cells, dtype=np.int64),
        )

    def for_shadow(self, model: str, version: int) -> ShadowCounters:
        """The counters of a version that scores beside those that answer."""
        labels = (model, str(version))
        return ShadowCounters(
            rows=self._counter(series.SHADOW_ROWS, labels),
            dropped=self._counter(series.SHADOW_DROPPED, labels),
            failures=self._counter(series.SHADOW_FAILURES, labels),
        )

    def for_segments(self, model: str, version: int, head: str) -> Compared:
        """The counters of such a version's segmentation; each visitor in another segment counts 1."""
        return self._compared(series.SHADOW_DIFFERENCES, (model, str(version), head))

    def for_numbers(self, model: str, version: int, head: str) -> Compared:
        """The counters of such a version's probability or value; differences count in millionths."""
        return self._compared(series.SHADOW_DEVIATION, (model, str(version), head))

    def _compared(self, metric: Metric, labels: tuple[str, ...]) -> Compared:
        return Compared(self._counter(series.SHADOW_COMPARED, labels), self._counter(metric, labels))

    def _counter(self, metric: Metric, labels: tuple[str, ...]) -> Count:
        return counter(self._row, metric, *labels)


def counter(row: Row, metric: Metric, *labels: str) -> Count:
    """The counter with these label values, for the one thread that writes the row."""
    return Count(row.cells, row.cell(metric.name, labels))


def observed(row: Row, metric: Durations, *labels: str) -> Observed:
    """The histogram with these label values, for the one thread that writes the row."""
    return Observed(metric, row.block(metric.name, [labels], metric.width))
