"""How well scores order those with the outcome before those without: areas and curves."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from training.heads import FloatArray

MOST_POINTS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Rows by score, highest first, sorted once, so that they can be weighed many times.

    Attributes:
        order: shape (n,), positions of the rows.
        ends: shape (t,), where in the order each group of equal scores ends.
        actual: shape (n,), 0 or 1, in the order.
    """

    order: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    actual: FloatArray

    @classmethod
    def of(cls, actual: FloatArray, scores: FloatArray) -> Self:
        """The ranking of these rows, shapes (n,), n at least 1."""
        order = np.argsort(-scores, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
        return cls(order, ends, actual[order])

    def areas(self, weights: FloatArray) -> dict[str, float]:
        """Areas under the ROC curve and under precision over recall, NaN where an outcome is absent.

        Args:
            weights: shape (n,), at least 0, of the rows as they were given.

        Source: trapezoids; average precision as the step-wise sum of precision times the gain in recall.
        """
        hits, misses = self._counts(weights)
        if not (hits[-1] and misses[-1]):
            return {"roc_auc": np.nan, "average_precision": np.nan}
        recall, false = hits / hits[-1], misses / misses[-1]
        precision = hits[1:] / np.maximum(hits + misses, np.finfo(float).tiny)[1:]
        return {
            "roc_auc": float(np.trapezoid(recall, false)),
            "average_precision": float(np.diff(recall) @ precision),
        }

    def roc(self) -> FloatArray:
        """Points (false-positive rate, true-positive rate) from (0, 0) to (1, 1), shape (at most 200, 2)."""
        hits, misses = self._counts(np.ones(len(self.order)))
        return thinned(np.column_stack([misses / misses[-1], hits / hits[-1]]))

    def precision_recall(self) -> FloatArray:
        """Points (recall, precision), highest scores first, shape (at most 200, 2)."""
        hits, misses = self._counts(np.ones(len(self.order)))
        return thinned(np.column_stack([hits / hits[-1], hits / np.maximum(hits + misses, 1)])[1:])

    def _counts(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Weight of those with and without the outcome among the first rows, from none to all: shapes (t + 1,)."""
        ordered = weights[self.order]
        hits, misses = np.cumsum(ordered * self.actual)[self.ends], np.cumsum(ordered * (1 - self.actual))[self.ends]
        return np.append(0.0, hits), np.append(0.0, misses)


def thinned(points: FloatArray, most: int = MOST_POINTS) -> FloatArray:
    """At most so many of the points of a curve, in equal steps along it, both ends among them.

    Steps are of |dx| + |dy|, so a curve within the unit square never strays further from the thinned one than a step.
    """
    if len(points) <= most:
        return points
    way = np.append(0.0, np.abs(np.diff(points, axis=0)).sum(axis=1).cumsum())
    kept = np.unique(np.searchsorted(way, np.linspace(0, way[-1], most)).clip(0, len(points) - 1))
    kept[-1] = len(points) - 1
    fewer: FloatArray = points[kept]
    return fewer
