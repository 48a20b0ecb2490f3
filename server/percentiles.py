"""Where a score stands among others."""

import bisect
import math

import numpy as np
import numpy.typing as npt

FloatVector = npt.NDArray[np.float64]


class Percentiles:
    """Where scores stand among the training population.

    Args:
        quantiles: the population's quantiles in equal steps from 0 to 1, at least 2 numbers that never fall.
    """

    def __init__(self, quantiles: npt.ArrayLike) -> None:
        scores = np.asarray(quantiles, dtype=np.float64)
        self._quantiles: list[float] = scores.tolist()
        self._last = len(self._quantiles) - 1
        # Where many share one score, the line rises between that score and the next number there is.
        differs = scores[1:] != scores[:-1]
        first, last = np.flatnonzero(np.append(True, differs)), np.flatnonzero(np.append(differs, True))
        steps = np.sort(np.concatenate((first, last[last > first])))
        is_end = np.append(False, scores[steps][1:] == scores[steps][:-1])
        self._points = np.where(is_end, np.nextafter(scores[steps], math.inf), scores[steps])
        self._shares = 100.0 * steps / self._last

    def of(self, score: float) -> float:
        """Share of the population with a lower score, in [0, 100].

        Source: linear interpolation between the quantiles in the manifest. Where many share one score, the share
        below all of them.

        >>> Percentiles(range(101)).of(12.5)
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

    def of_all(self, scores: FloatVector) -> FloatVector:
        """The same for each score, shape (n,) to shape (n,); NaN for NaN, which `of` is not asked about."""
        shares: FloatVector = np.interp(scores, self._points, self._shares)
        return shares
