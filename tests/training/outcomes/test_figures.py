import math

import numpy as np
import pytest

from training.outcomes.figures import judge_amounts, judge_classes, judge_probabilities


def test_judge_probabilities() -> None:
    """Every figure by hand: ten visitors at 0.25 of whom two buy, ten at 0.75 of whom eight do."""
    probabilities = np.array([0.25] * 10 + [0.75] * 10)
    outcomes = np.array([1.0] * 2 + [0.0] * 8 + [1.0] * 8 + [0.0] * 2)
    found = judge_probabilities(outcomes, probabilities)
    bins = found.pop("calibration")
    assert found == pytest.approx(
        {
            "base_rate": 0.5,
            "roc_auc": (64 + 32 / 2) / 100,  # 8 x 8 pairs in order, 2 x 8 + 8 x 2 tied, of 10 x 10
            "pr_auc": 0.8 * 0.8 + 0.2 * 0.5,  # recall 0.8 at precision 0.8, the rest at 0.5
            "brier": (16 * 0.25**2 + 4 * 0.75**2) / 20,
            "log_loss": -(16 * math.log(0.75) + 4 * math.log(0.25)) / 20,
            "calibration_error": (0.75 + 4 * 0.25 + 4 * 0.25 + 0.75) / 10,  # ten bins of two in the order above
            "lift_top_decile": 2.0,
            "total_ratio": 1.0,
        }
    )
    assert bins == [
        {"predicted": predicted, "observed": observed}
        for predicted, observed in [(0.25, 1), *[(0.25, 0)] * 4, *[(0.75, 1)] * 4, (0.75, 0)]
    ]


def test_perfect_and_useless_probabilities() -> None:
    """A perfect ranking has an AUC of 1 and the largest lift there is; equal guesses have 0.5, calibrated."""
    outcomes = np.array([0.0] * 80 + [1.0] * 20)
    perfect = judge_probabilities(outcomes, np.linspace(0.01, 0.99, 100))
    assert (perfect["roc_auc"], perfect["lift_top_decile"]) == (1, 5)
    useless = judge_probabilities(outcomes[np.random.default_rng(0).permutation(100)], np.full(100, 0.2))
    assert (useless["roc_auc"], useless["base_rate"]) == (0.5, 0.2)
    assert useless["brier"] == pytest.approx(0.16)


def test_judge_amounts() -> None:
    """Every figure by hand: amounts 0 to 9, each expected to be one more."""
    amounts = np.arange(10.0)
    found = judge_amounts(amounts, amounts + 1)
    bins = found.pop("calibration")
    deviances = [2 * (y * math.log(y / (y + 1)) - y + (y + 1)) if y else 2.0 for y in range(10)]
    assert found == pytest.approx(
        {
            "mean": 4.5,
            "mean_absolute_error": 1,
            "poisson_deviance": sum(deviances) / 10,
            "spearman": 1,
            "total_ratio": 55 / 45,
        }
    )
    assert bins == [{"predicted": y + 1, "observed": y} for y in range(10)]


def test_nothing_expected() -> None:
    """Who expects exactly nothing, as the baseline does of those who did not spend, is judged as if by a cent."""
    found = judge_amounts(np.array([0.0] * 9 + [1.0]), np.array([0.0] * 9 + [1.0]))
    assert found["poisson_deviance"] == pytest.approx(9 * 2 * 0.01 / 10)


def test_the_same_amount_for_all() -> None:
    """Amounts that are expected to be the same for all have no ranks: they order nobody."""
    found = judge_amounts(np.arange(10.0), np.full(10, 4.5))
    assert (found["spearman"], found["total_ratio"], found["mean_absolute_error"]) == (0.0, 1.0, 2.5)


def test_judge_classes() -> None:
    """Every figure by hand: of four visitors two are told right at once, three among the first three of four."""
    probabilities = np.array([[0.7, 0.1, 0.1, 0.1], [0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]])
    found = judge_classes(np.array([0.0, 1.0, 3.0, 0.0]), probabilities)
    assert found == pytest.approx(
        {
            "accuracy": 0.5,
            "top3": 0.75,
            "log_loss": -(math.log(0.7) + math.log(0.3) + math.log(0.4) + math.log(0.1)) / 4,
        }
    )
