"""Rows in ten parts by their score: whether what was foretold came, and how much of it the best of them hold."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from training.heads import FloatArray
from training.judging.document import Entry
from training.judging.intervals import Interval, Visitors, mean_interval, wilson

BINS = 10

Rows = npt.NDArray[np.int64]
IntervalOf = Callable[[Rows], Interval | None]


def quantile_bins(scores: FloatArray) -> list[Rows]:
    """Positions of the rows in ten parts of equal size, lowest scores first; fewer parts where there are fewer rows."""
    order = np.argsort(scores, kind="stable")
    return np.array_split(order, min(BINS, max(1, len(order))))


def calibration(predicted: FloatArray, actual: FloatArray, interval_of: IntervalOf) -> list[Entry]:
    """What was foretold and what came in each part, lowest scores first.

    Args:
        predicted: shape (n,).
        actual: shape (n,).
        interval_of: between which values the mean of these rows' outcomes is.
    """
    return [_calibrated(predicted[rows], actual[rows], interval_of(rows)) for rows in quantile_bins(predicted)]


def _calibrated(predicted: FloatArray, actual: FloatArray, interval: Interval | None) -> Entry:
    low, high = interval or (None, None)
    return {
        "predicted": float(predicted.mean()),
        "observed": float(actual.mean()),
        "low": low,
        "high": high,
        "count": len(actual),
    }


def rate_interval(actual: FloatArray, visitors: Visitors) -> IntervalOf:
    """Wilson's interval, with as many trials as there are visitors: their rows are not independent."""

    def interval(rows: Rows) -> Interval:
        trials = np.unique(visitors[rows]).size
        return wilson(float(actual[rows].mean()) * trials, trials)

    return interval


def amount_interval(actual: FloatArray, visitors: Visitors, bootstraps: int, seed: int) -> IntervalOf:
    """The bootstrap's interval, by visitors."""
    return lambda rows: mean_interval(actual[rows], visitors[rows], bootstraps, seed)


def calibration_error(bins: list[Entry]) -> float:
    """Mean distance between what was foretold and what came, over the rows.

    Source: expected calibration error (ECE), Naeini, Cooper and Hauskrecht 2015, here over parts of equal size.
    """
    sizes = np.array([one["count"] for one in bins])
    distances = np.array([abs(one["predicted"] - one["observed"]) for one in bins])
    return float(distances @ sizes / sizes.sum())


def deciles(predicted: FloatArray, actual: FloatArray, kind: str) -> list[Entry]:
    """Highest scores first: what came, how many times the mean of all that is, and the share of all that came so far.

    Args:
        predicted: shape (n,).
        actual: shape (n,), events or amounts.
        kind: "rate" or "mean", as which the outcome's mean is written.
    """
    parts = [part for part in np.array_split(np.argsort(-predicted, kind="stable"), BINS) if len(part)]
    totals = np.cumsum([actual[rows].sum() for rows in parts])
    overall = actual.mean()
    return [
        {"decile": position + 1, "rate": None, "mean": None}
        | {kind: float(actual[rows].mean()), "predicted": float(predicted[rows].mean())}
        | {
            "lift": float(actual[rows].mean() / overall) if overall else None,
            "gain": float(total / totals[-1]) if totals[-1] else None,
            "size": len(rows),
        }
        for position, (rows, total) in enumerate(zip(parts, totals, strict=True))
    ]
