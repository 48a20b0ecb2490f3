"""The nearest of many centres: what serves every segmentation that has points in space."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from training.export.nodes import Nodes
from training.features import Features
from training.heads import DISTANCE, MARGIN, NO_SEGMENT, SEGMENT, Column, FloatArray, Labels
from training.segmentations.shaping import Shaping

CHUNK_ROWS = 1024  # so that distances to thousands of centres fit into memory


@dataclass(frozen=True, slots=True, eq=False)
class Assigner:
    """A visitor is in the segment of the nearest centre; with radii, only within that segment's radius of it.

    Attributes:
        shaping: of the features.
        centres: shape (m, d), shaped.
        segments: shape (m,), position of each centre's segment; each from 0 to count - 1 has a centre.
        radii: shape (count,), of each segment, in the unit of distances; None for no limit.
    """

    shaping: Shaping
    centres: FloatArray
    segments: Labels
    radii: FloatArray | None = None

    @property
    def count(self) -> int:
        """Number of segments."""
        return int(self.segments.max()) + 1

    @property
    def columns(self) -> Sequence[Column]:
        """See Head. There is a margin when there is a border."""
        plain = [(SEGMENT, 1), (DISTANCE, 1)]
        return [*plain, (MARGIN, 1)] if self.has_border else plain

    @property
    def has_border(self) -> bool:
        """Whether two rows can have different segments, or one of them none."""
        return self.count > 1 or self.radii is not None

    def assign(self, features: Features) -> Labels:
        """Position of each visitor's segment, shape (n,), NO_SEGMENT beyond its radius."""
        return self.scores(features)[:, 0].astype(np.int64)

    def scores(self, features: Features) -> FloatArray:
        """Segment, distance and margin, shape (n, 3), or (n, 2) without a border.

        The distance is that of the nearest centre. The margin is how much farther the nearest centre of another
        segment is, or how far the row is from the radius if that is less. Both are there for outliers too.
        """
        shaped = self.shaping.apply(features)
        chunks = [shaped[i : i + CHUNK_ROWS] for i in range(0, len(shaped), CHUNK_ROWS)]
        decided = [self.decide(cdist(chunk, self.centres)) for chunk in chunks]
        return np.concatenate(decided) if decided else np.empty((0, len(self.columns)))

    def decide(self, distances: FloatArray) -> FloatArray:
        """What scores gives, of distances to the centres, shape (n, m)."""
        to_segment = np.column_stack([distances[:, self.segments == i].min(axis=1) for i in range(self.count)])
        segment = to_segment.argmin(axis=1)
        ranked = np.sort(to_segment, axis=1)
        distance = ranked[:, 0]
        if not self.has_border:
            return np.column_stack([segment, distance])
        margin = ranked[:, 1] - distance if self.count > 1 else np.full(len(distance), np.inf)
        if self.radii is not None:
            beyond = distance - self.radii[segment]
            segment = np.where(beyond <= 0, segment, NO_SEGMENT)
            margin = np.minimum(margin, np.abs(beyond))
        return np.column_stack([segment, distance, margin])

    def emit(self, nodes: Nodes, features: str) -> str:
        """The smallest of |x|² - 2 x·c + |c|² in float64, and the smallest of those of other segments; their roots.

        Shaped features are at most a few standard deviations, so the subtraction loses no digit that matters.
        """
        squares = self._squares(nodes, self.shaping.emit(nodes, features))
        if self.radii is None and self.count > 1 and np.array_equal(self.segments, np.arange(self.count)):
            return _nearest_two(nodes, squares)
        centre = nodes.add("ArgMin", squares, axis=1, keepdims=0)  # [rows]
        segment = nodes.add("Gather", nodes.constant(self.segments[:, None], np.float64), centre)
        distance = _root_of_smallest(nodes, squares)
        if not self.has_border:
            return nodes.beside(segment, distance)
        gaps = [self._gap(nodes, squares, centre, distance)] if self.count > 1 else []
        if self.radii is None:
            return nodes.beside(segment, distance, *gaps)
        radius = nodes.add("Gather", nodes.constant(self.radii[self.segments][:, None]), centre)
        beyond = nodes.add("Sub", distance, radius)
        is_inside = nodes.add("LessOrEqual", beyond, nodes.constant(0.0))
        segment = nodes.add("Where", is_inside, segment, nodes.constant(float(NO_SEGMENT)))
        return nodes.beside(segment, distance, nodes.add("Min", nodes.add("Abs", beyond), *gaps))

    def _squares(self, nodes: Nodes, x: str) -> str:
        """Squared distances of float64 [rows, d] to the centres, float64 [rows, m]."""
        square = nodes.add("ReduceSumSquare", x, nodes.constant([1]))
        cross = nodes.add("MatMul", x, nodes.constant(-2.0 * self.centres.T))
        return nodes.add("Add", nodes.add("Add", square, cross), nodes.constant((self.centres**2).sum(axis=1)))

    def _gap(self, nodes: Nodes, squares: str, centre: str, distance: str) -> str:
        """How much farther the nearest centre is that is not of the nearest centre's segment, float64 [rows, 1]."""
        own = nodes.add("Gather", nodes.constant(self.segments), centre)
        is_own = self.segments == np.arange(self.count)[:, None]  # [count, m]
        masks = nodes.add("Gather", nodes.constant(is_own), own)
        others = nodes.add("Where", masks, nodes.constant(np.inf), squares)
        return nodes.add("Sub", _root_of_smallest(nodes, others), distance)


def _nearest_two(nodes: Nodes, squares: str) -> str:
    """Segment, distance and margin where each centre is a segment of its own."""
    two, positions = nodes.largest(squares, 2, smallest=True)
    roots = nodes.add("Sqrt", nodes.add("Max", two, nodes.constant(0.0)))  # rounding may leave less than 0
    both = nodes.add("MatMul", roots, nodes.constant([[1.0, -1.0], [0.0, 1.0]]))  # the nearer, and how much less it is
    return nodes.beside(nodes.cast(nodes.gather(positions, (0,), 2), np.float64), both)


def _root_of_smallest(nodes: Nodes, squares: str) -> str:
    smallest = nodes.add("ReduceMin", squares, nodes.constant([1]))
    return nodes.add("Sqrt", nodes.add("Max", smallest, nodes.constant(0.0)))  # rounding may leave less than 0
