"""How sure a figure is."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from training.heads import FloatArray

Interval = tuple[float, float]
Visitors = npt.NDArray[np.str_]

_Z = 1.959963984540054  # of 95 %, on both sides
_SHARES = (0.025, 0.975)
_NOTHING_KNOWN: Interval = (0.0, 1.0)


def wilson(successes: float, count: float) -> Interval:
    """Between which rates the true one is, with 95 %.

    Args:
        successes: of count; need not be whole, as where rows of one visitor count for one together.
        count: of independent trials; (0, 1) for none.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    """
    if count <= 0:
        return _NOTHING_KNOWN
    rate = successes / count
    centre = rate + _Z**2 / (2 * count)
    half = _Z * np.sqrt(rate * (1 - rate) / count + _Z**2 / (4 * count**2))
    widened = 1 + _Z**2 / count
    return max(0.0, float((centre - half) / widened)), min(1.0, float((centre + half) / widened))


def resamples(visitors: Visitors, count: int, seed: int) -> Iterator[FloatArray]:
    """Bootstrap samples of visitors, each as how often it holds each row, shape (n,).

    Rows of one visitor are alike, so they come and go together: samples of rows would look surer than one is.
    """
    generator = np.random.default_rng(seed)
    distinct, codes = np.unique(visitors, return_inverse=True)
    for _ in range(count):
        drawn = np.bincount(generator.integers(0, distinct.size, distinct.size), minlength=distinct.size)
        yield drawn[codes].astype(np.float64)


def bootstrap(
    statistics: Callable[[FloatArray], dict[str, float]], visitors: Visitors, count: int, seed: int
) -> dict[str, Interval]:
    """Between which values 95 % of the bootstrap samples have each statistic; one that was never defined is left out.

    Args:
        statistics: of rows with these weights, shape (n,), by name.
        visitors: shape (n,).
        count: of samples; none gives no intervals.
        seed: of the samples.

    Source: percentile interval, B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993.
    """
    found: dict[str, list[float]] = {}
    for weights in resamples(visitors, count, seed):
        for name, value in statistics(weights).items():
            if np.isfinite(value):
                found.setdefault(name, []).append(value)
    return {name: _interval(np.array(values)) for name, values in found.items()}


def _interval(values: FloatArray) -> Interval:
    low, high = np.quantile(values, _SHARES)
    return float(low), float(high)


def mean_interval(amounts: FloatArray, visitors: Visitors, count: int, seed: int) -> Interval | None:
    """Of a mean, by bootstrap; None where nothing was drawn."""

    def mean(weights: FloatArray) -> dict[str, float]:
        return {"mean": float(amounts @ weights / weights.sum())}

    return bootstrap(mean, visitors, count, seed).get("mean") if amounts.size else None
