"""How good probabilities, amounts and classes are, in a few figures that need nothing but what came."""

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    mean_poisson_deviance,
    roc_auc_score,
)

from training.heads import FloatArray

LEAST_AMOUNT = 0.01  # a cent: the deviance of expecting exactly nothing is infinite
_BINS = 10
_FEW = 3  # classes that a page has room for


def judge_probabilities(outcomes: FloatArray, probabilities: FloatArray) -> dict[str, object]:
    """How good probabilities are, for outcomes 0 and 1. Shapes (n,).

    Source: calibration_error is the mean distance between rate and probability over ten bins of equal size (ECE).
    """
    top = np.argsort(-probabilities, kind="stable")[: max(1, len(outcomes) // 10)]
    bins = _bins(probabilities, outcomes)
    return {
        "base_rate": float(outcomes.mean()),
        "roc_auc": float(roc_auc_score(outcomes, probabilities)),
        "pr_auc": float(average_precision_score(outcomes, probabilities)),
        "brier": float(brier_score_loss(outcomes, probabilities)),
        "log_loss": float(log_loss(outcomes, probabilities)),
        "calibration_error": float(np.mean([abs(row["predicted"] - row["observed"]) for row in bins])),
        "lift_top_decile": float(outcomes[top].mean() / outcomes.mean()),
        "total_ratio": float(probabilities.sum() / outcomes.sum()),
        "calibration": bins,
    }


def judge_amounts(amounts: FloatArray, expected: FloatArray) -> dict[str, object]:
    """How good expected amounts are. Shapes (n,).

    Poisson deviance is least for the true mean, which is what a value is; the mean absolute error is least for the
    median, and so favours guesses that are too low in total.
    """
    is_constant = np.ptp(expected) == 0 or np.ptp(amounts) == 0  # no ranks to compare
    return {
        "mean": float(amounts.mean()),
        "mean_absolute_error": float(np.abs(amounts - expected).mean()),
        "poisson_deviance": float(mean_poisson_deviance(amounts, np.maximum(expected, LEAST_AMOUNT))),
        "spearman": 0.0 if is_constant else float(spearmanr(amounts, expected).statistic),
        "total_ratio": float(expected.sum() / amounts.sum()),
        "calibration": _bins(expected, amounts),
    }


def judge_classes(actual: FloatArray, probabilities: FloatArray) -> dict[str, object]:
    """How good probabilities of classes are.

    Args:
        actual: shape (n,), positions.
        probabilities: shape (n, classes), rows that add up to 1.
    """
    classes = probabilities.shape[1]
    positions = actual.astype(np.int64)
    ranked = np.argsort(-probabilities, axis=1, kind="stable")
    return {
        "accuracy": float((ranked[:, 0] == positions).mean()),
        "top3": float((ranked[:, :_FEW] == positions[:, None]).any(axis=1).mean()),
        "log_loss": float(log_loss(positions, probabilities, labels=np.arange(classes))),
    }


def _bins(predicted: FloatArray, observed: FloatArray) -> list[dict[str, float]]:
    """Means of ten bins of equal size, lowest predictions first."""
    return [
        {"predicted": float(predicted[rows].mean()), "observed": float(observed[rows].mean())}
        for rows in np.array_split(np.argsort(predicted, kind="stable"), _BINS)
    ]
