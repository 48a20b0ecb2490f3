"""How good expected amounts are."""

import numpy as np
from scipy.stats import rankdata

from training.heads import FloatArray
from training.judging.bins import amount_interval, calibration, calibration_error, deciles
from training.judging.document import Entry, Figures
from training.judging.intervals import Visitors, bootstrap

_LEAST_AMOUNT = 0.01  # a cent: the deviance of expecting exactly nothing is infinite


def judge_amounts(predicted: FloatArray, actual: FloatArray, visitors: Visitors, bootstraps: int, seed: int) -> Entry:
    """Figures with their intervals, calibration and deciles.

    Args:
        predicted: shape (n,).
        actual: shape (n,), amounts.
        visitors: shape (n,).
        bootstraps: number of samples for the intervals.
        seed: of those samples.
    """
    errors, order = np.abs(predicted - actual), np.argsort(-predicted, kind="stable")
    best = np.argsort(-actual, kind="stable")
    ranks = rankdata(predicted), rankdata(actual)

    def statistics(weights: FloatArray) -> dict[str, float]:
        total = weights.sum()
        return {
            "mean_absolute_error": float(errors @ weights / total),
            "total_ratio": _ratio(float(predicted @ weights), float(actual @ weights)),
            "spearman": _correlation(*ranks, weights),
            "normalized_gini": _ratio(_gini(actual, order, weights), _gini(actual, best, weights)),
        }

    return {
        "figures": amount_figures(predicted, actual),
        "intervals": bootstrap(statistics, visitors, bootstraps, seed),
        "calibration": calibration(predicted, actual, amount_interval(actual, visitors, bootstraps, seed)),
        "deciles": deciles(predicted, actual, "mean"),
    }


def amount_figures(predicted: FloatArray, actual: FloatArray) -> Figures:
    """Every figure of expected amounts, shapes (n,).

    Poisson deviance is least for the true mean, which is what a value is; the mean absolute error is least for the
    median, and so favours guesses that are too low in total. It is NaN where an amount is negative. The normalized Gini
    coefficient is 1 when the amounts stand in the right order, 0 when it is by chance.
    """
    every = np.ones(len(actual))
    gini = _gini(actual, np.argsort(-predicted, kind="stable"), every)
    best = deciles(predicted, actual, "mean")[0]
    return {
        "mean": float(actual.mean()),
        "mean_score": float(predicted.mean()),
        "mean_absolute_error": float(np.abs(predicted - actual).mean()),
        "root_mean_squared_error": float(np.sqrt(((predicted - actual) ** 2).mean())),
        "poisson_deviance": _poisson_deviance(predicted, actual),
        "spearman": _correlation(rankdata(predicted), rankdata(actual), every),
        "total_ratio": _ratio(float(predicted.sum()), float(actual.sum())),
        "gini": gini,
        "normalized_gini": _ratio(gini, _gini(actual, np.argsort(-actual, kind="stable"), every)),
        "calibration_error": calibration_error(calibration(predicted, actual, lambda _: None)),
        "capture_top_decile": np.nan if best["gain"] is None else best["gain"],
        "lift_top_decile": np.nan if best["lift"] is None else best["lift"],
    }


def _poisson_deviance(predicted: FloatArray, actual: FloatArray) -> float:
    """Twice the mean of y log(y / m) - y + m, where y log y is 0 for 0."""
    if (actual < 0).any():
        return np.nan
    mean = np.maximum(predicted, _LEAST_AMOUNT)
    logarithms = np.log(np.where(actual > 0, actual, mean) / mean)
    return float(2 * (actual * logarithms - actual + mean).mean())


def _gini(actual: FloatArray, order: np.ndarray[tuple[int], np.dtype[np.int64]], weights: FloatArray) -> float:
    """Twice the area between the curve of gains in this order and the diagonal."""
    ordered = weights[order]
    total = float(ordered @ actual[order])
    if not total:
        return np.nan
    gains = np.append(0.0, np.cumsum(ordered * actual[order]) / total)
    shares = np.append(0.0, np.cumsum(ordered) / ordered.sum())
    return float(2 * np.trapezoid(gains, shares) - 1)


def _correlation(one: FloatArray, other: FloatArray, weights: FloatArray) -> float:
    """Pearson's of these ranks, so Spearman's; NaN where one of them is the same everywhere."""
    total = weights.sum()
    left, right = one - one @ weights / total, other - other @ weights / total
    spread = np.sqrt((left**2 @ weights) * (right**2 @ weights))
    return float((left * right) @ weights / spread) if spread > 0 else np.nan


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else np.nan
