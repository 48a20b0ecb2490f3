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
        # Turned round and negated, since np.interp takes the last of several equal quantiles, and not the first.
        self._falling = -np.array(self._quantiles[::-1])
        self._percentiles = np.linspace(100.0, 0.0, len(self._quantiles))

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

    def of_all(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The same for each score, shape (n,) to shape (n,); NaN for NaN, which `of` is not asked about."""
        percentiles: npt.NDArray[np.float64] = np.interp(-scores, self._falling, self._percentiles)
        return percentiles
