"""Where a score stands among others."""

import bisect
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


class Percentiles:
    """Where scores stand among the training population.

    Args:
        quantiles: the population's quantiles in equal steps from 0 to 1, at least 2 numbers that never fall.
    """

    def __init__(self, quantiles: Sequence[float]) -> None:
        self._quantiles = tuple(quantiles)
        self._last = len(self._quantiles) - 1
        self._array = np.array(self._quantiles)
        rises = np.diff(self._array)
        # For each gap between two quantiles, how much of it one unit is; in a gap without width nothing lies.
        self._slope = np.divide(1.0, rises, out=np.zeros_like(rises), where=rises > 0)

    def of(self, score: float) -> float:
        """Share of the population with a lower score, in [0, 100].

        Source: linear interpolation between the quantiles in the manifest. Where many share one score, the share
        below all of them.

        >>> Percentiles(tuple(float(q) for q in range(101))).of(12.5)
        12.5
        """
        quantiles = self._quantiles
        upper = bisect.bisect_left(quantiles, score)
        if upper == 0:
            return 0.0
        if upper > self._last:
            return 100.0
        low = quantiles[upper - 1]
        return 100.0 * (upper - 1 + (score - low) / (quantiles[upper] - low)) / self._last

    def of_all(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The same for each score, shape (n,) to shape (n,); NaN for NaN, which `of` is not asked about."""
        quantiles = self._array
        gap = np.clip(np.searchsorted(quantiles, scores) - 1, 0, self._last - 1)
        inside = np.clip(scores, quantiles[0], quantiles[-1])  # an infinity times a slope of 0 would be no number
        shares = np.minimum((inside - quantiles[gap]) * self._slope[gap], 1.0)
        shares[scores > quantiles[-1]] = 1.0  # also where the last gap has no width
        percentiles: npt.NDArray[np.float64] = (gap + shares) * (100.0 / self._last)
        return percentiles
