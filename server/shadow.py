"""A version that scores a part of the requests as well, and answers none: what is compared, and how much of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from server.heads import Head, Number, Segmentation
from server.metrics import Compared, Metrics, ShadowCounters
from server.model import Model
from server.traffic import WHOLE, Route

LARGEST_DIFFERENCE: Final = 1e9  # what a larger one counts for, so that no single row fills a counter
MILLION: Final = 1_000_000
MOST_ROWS: Final = 8  # scored at once
PIECE_S: Final = 0.001  # what they may take together; whoever asks meanwhile waits for it (assumed)
LONGEST_ROW_S: Final = 0.01  # a version that takes longer would be noticed by callers (assumed)
_SLOW_IN_A_ROW = 3  # until it is believed
# Prime to 10,000, so that so many steps meet every place once; near the golden section of it, so that they are spread.
_STEP = 6181


class Turns:
    """Which requests are taken: of each 10,000 as many as there are basis points, spread evenly.

    Two threads that ask at once may get the same answer, and nothing worse.
    """

    __slots__ = ("_basis_points", "_place")

    def __init__(self, basis_points: int) -> None:
        self._basis_points = basis_points
        self._place = 0

    def next_is_taken(self) -> bool:
        """Whether the next one is."""
        place = self._place = (self._place + _STEP) % WHOLE
        return place < self._basis_points


class Portion:
    """How many rows to score at once, by the time that the last ones took.

    Attributes:
        rows: that many, at least one.
        is_too_slow: whether several in a row took longer than anybody can be kept waiting; for good.
    """

    def __init__(self) -> None:
        self.rows = 1
        self.is_too_slow = False
        self._slow_count = 0

    def took(self, count: int, seconds: float) -> None:
        """Learns how long so many rows took."""
        row_s = seconds / count
        self._slow_count = self._slow_count + 1 if row_s > LONGEST_ROW_S else 0
        self.is_too_slow = self.is_too_slow or self._slow_count >= _SLOW_IN_A_ROW
        self.rows = MOST_ROWS if row_s * MOST_ROWS <= PIECE_S else max(1, int(PIECE_S / row_s))


class Difference(Protocol):
    """How differently two versions answer one question."""

    @property
    def counters(self) -> Compared:
        """Where it is counted."""
        ...

    def between(self, answered: Sequence[float], shadow: Sequence[float]) -> int | None:
        """The difference for one visitor, from all scores of both; None when it cannot be told.

        Raises:
            LookupError: a score is no position of a segment. The model's fault.
        """
        ...


class SegmentDifference:
    """1 where they name another segment: of another key, which is the same for the same segment in every version."""

    def __init__(self, answered: Segmentation, shadow: Segmentation, counters: Compared) -> None:
        self.counters = counters
        self._columns = answered.segment, shadow.segment
        self._keys = answered.key_at, shadow.key_at

    def between(self, answered: Sequence[float], shadow: Sequence[float]) -> int | None:
        """See Difference."""
        (first, second), (keys, shadow_keys) = self._columns, self._keys
        return int(keys[answered[first]] != shadow_keys[shadow[second]])


class NumberDifference:
    """How far their numbers are apart, in millionths: of a probability, or of the value's unit."""

    def __init__(self, answered: Number, shadow: Number, counters: Compared) -> None:
        self.counters = counters
        self._columns = answered.column, shadow.column

    def between(self, answered: Sequence[float], shadow: Sequence[float]) -> int | None:
        """See Difference."""
        first, second = self._columns
        apart = abs(answered[first] - shadow[second])
        return None if math.isnan(apart) else round(min(apart, LARGEST_DIFFERENCE) * MILLION)


@dataclass(frozen=True, slots=True, eq=False)
class Shadow:
    """The shadow of one model. It holds no graph, so that what waits for it keeps none in memory.

    Attributes:
        model: the model's name.
        version: the one that scores beside.
        counters: what it counts.
        differences: what is compared, by the version that answered; at least every other one that is loaded.
        turns: which requests it gets.
        portion: how many of them at once.
    """

    model: str
    version: int
    counters: ShadowCounters
    differences: Mapping[int, Sequence[Difference]]
    turns: Turns
    portion: Portion = field(default_factory=Portion)

    @classmethod
    def of(cls, loaded: Mapping[int, Model], route: Route, metrics: Metrics) -> Self | None:
        """The shadow that the route names, if it is among the versions that are loaded.

        Args:
            loaded: the model's versions, by number.
            route: who gets which of them.
            metrics: where it counts.
        """
        shadow = loaded.get(route.targets.get(route.shadow.label, 0)) if route.shadow else None
        if route.shadow is None or shadow is None:
            return None
        others = [model for version, model in loaded.items() if version != shadow.version]
        return cls(
            shadow.name,
            shadow.version,
            metrics.for_shadow(shadow.name, shadow.version),
            {model.version: _differences(model, shadow, metrics) for model in others},
            Turns(route.shadow.basis_points),
        )


def _differences(answered: Model, shadow: Model, metrics: Metrics) -> Sequence[Difference]:
    """Of each head that both have and that means the same in both."""
    mine, theirs = shadow.description.heads, answered.description.heads
    found = [_difference(theirs[name], mine[name], shadow, metrics) for name in theirs if name in mine]
    return [difference for difference in found if difference is not None]


def _difference(answered: Head, shadow: Head, model: Model, metrics: Metrics) -> Difference | None:
    if isinstance(answered, Segmentation) and isinstance(shadow, Segmentation):
        counters = metrics.for_segments(model.name, model.version, shadow.name)
        return SegmentDifference(answered, shadow, counters)
    if isinstance(answered, Number) and isinstance(shadow, Number) and answered.measure == shadow.measure:
        return NumberDifference(answered, shadow, metrics.for_numbers(model.name, model.version, shadow.name))
    return None
