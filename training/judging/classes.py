"""How good probabilities of several classes are."""

from collections.abc import Sequence

import numpy as np

from training.heads import FloatArray
from training.judging.bins import calibration, calibration_error, rate_interval
from training.judging.document import Entry, Figures
from training.judging.intervals import Visitors, bootstrap

_SMALLEST = 1e-15
_TOP = 3


def judge_classes(  # noqa: PLR0913, PLR0917  # what was said, what came, and how intervals are made
    predicted: FloatArray, actual: FloatArray, words: Sequence[str], visitors: Visitors, bootstraps: int, seed: int
) -> Entry:
    """Figures with their intervals, confusion, and the calibration of the most likely class.

    Args:
        predicted: shape (n, k), probabilities.
        actual: shape (n,), positions of the classes.
        words: the k classes.
        visitors: shape (n,).
        bootstraps: number of samples for the intervals.
        seed: of those samples.
    """
    hits = (predicted.argmax(axis=1) == actual).astype(np.float64)
    losses = _losses(predicted, actual)

    def statistics(weights: FloatArray) -> dict[str, float]:
        total = weights.sum()
        return {"accuracy": float(hits @ weights / total), "log_loss": float(losses @ weights / total)}

    return {
        "figures": class_figures(predicted, actual),
        "intervals": bootstrap(statistics, visitors, bootstraps, seed),
        "calibration": calibration(predicted.max(axis=1), hits, rate_interval(hits, visitors)),
        "confusion": _confusion(predicted, actual, words),
    }


def class_figures(predicted: FloatArray, actual: FloatArray) -> Figures:
    """Every figure of probabilities of classes; shapes (n, k) and (n,).

    largest_share is the accuracy of always naming the most frequent class; calibration_error is of the probability of
    the class that is named.
    """
    hits = (predicted.argmax(axis=1) == actual).astype(np.float64)
    positions = actual.astype(np.int64)
    shares = np.bincount(positions, minlength=predicted.shape[1]) / len(actual)
    own = np.take_along_axis(predicted, positions[:, None], axis=1)
    recalls = [hits[positions == k].mean() for k in np.unique(positions)]
    return {
        "accuracy": float(hits.mean()),
        "balanced_accuracy": float(np.mean(recalls)),
        "largest_share": float(shares.max()),
        f"top{_TOP}": float(((predicted > own).sum(axis=1) < _TOP).mean()),
        "log_loss": float(_losses(predicted, actual).mean()),
        "log_loss_of_shares": float(-(shares[shares > 0] @ np.log(shares[shares > 0]))),
        "calibration_error": calibration_error(calibration(predicted.max(axis=1), hits, lambda _: None)),
    }


def _losses(predicted: FloatArray, actual: FloatArray) -> FloatArray:
    own = np.take_along_axis(predicted, actual.astype(np.int64)[:, None], axis=1)[:, 0]
    losses: FloatArray = -np.log(np.clip(own, _SMALLEST, 1.0))
    return losses


def _confusion(predicted: FloatArray, actual: FloatArray, words: Sequence[str]) -> Entry:
    """Counts, a row for each class that came, a column for each that was named."""
    counts = np.zeros((len(words), len(words)), dtype=np.int64)
    np.add.at(counts, (actual.astype(np.int64), predicted.argmax(axis=1)), 1)
    return {"classes": list(words), "counts": counts}
