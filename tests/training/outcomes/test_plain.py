import dataclasses
import math

import numpy as np
import pytest

from training.heads import Question
from training.outcomes import plain
from training.outcomes.figures import judge_amounts, judge_probabilities
from training.outcomes.plain import Rows, fit_propensity, fit_value

EVENT = Question("buys_7d", "buys within 7 days", 7)
AMOUNT = Question("spend_30d", "spend in 30 days", 30, "USD")


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


def _rows(count: int, seed: int) -> tuple[Rows, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Five rows of each household, and the probability that each was drawn with."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(count, 3)).astype(np.float32)
    truth = 1 / (1 + np.exp(-(features[:, 0] + 0.5 * features[:, 1])))
    outcomes = (generator.random(count) < truth).astype(float)
    return Rows(features, outcomes, np.arange(count) // 5), truth


def test_propensity_is_calibrated() -> None:
    """Where the truth is known, probabilities are near it, one by one and in total."""
    (train, _), (test, truth) = _rows(4000, 0), _rows(2000, 1)
    head = fit_propensity(EVENT, train, test, seed=0)
    probabilities = head.scores(test.features)[:, 0]
    assert np.abs(probabilities - truth).mean() < 0.08
    assert abs(probabilities.mean() - truth.mean()) < 0.03
    assert isinstance(head.evaluation["calibration_error"], float)
    assert head.evaluation["calibration_error"] < 0.06
    assert head.evaluation["train_rows"] == 4000
    assert head.evaluation["test_rows"] == 2000


def test_evaluated_on_test_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures are those of the test rows, and these change nothing in the model."""
    monkeypatch.setattr(plain, "_BOOSTING", {"max_iter": 15})
    (train, _), (test, _) = _rows(1500, 0), _rows(500, 1)
    opposite = dataclasses.replace(test, outcomes=1 - test.outcomes)
    head, other = fit_propensity(EVENT, train, test, seed=0), fit_propensity(EVENT, train, opposite, seed=0)
    np.testing.assert_array_equal(head.scores(test.features), other.scores(test.features))
    for one, rows in ((head, test), (other, opposite)):
        figures = judge_probabilities(rows.outcomes, one.scores(rows.features)[:, 0])
        assert {name: one.evaluation[name] for name in figures} == figures
    assert head.evaluation["roc_auc"] != other.evaluation["roc_auc"]


def test_folds_keep_households_apart() -> None:
    """Probabilities are calibrated on other households: that rows of one are alike does not make them surer.

    Every household has its own point and its own outcome, drawn with one half: the best answer about another is 0.5.
    """
    generator = np.random.default_rng(0)
    points, drawn = generator.normal(size=(300, 2)), generator.integers(0, 2, 300).astype(float)
    rows = Rows(np.repeat(points, 10, axis=0).astype(np.float32), np.repeat(drawn, 10), np.repeat(np.arange(300), 10))
    head = fit_propensity(EVENT, rows, rows, seed=0)
    others = head.scores(generator.normal(size=(500, 2)).astype(np.float32))
    assert np.abs(others - 0.5).max() < 0.3


def test_value_has_the_right_total() -> None:
    """Expected amounts are never negative, add up to what came, and order the visitors."""
    generator = np.random.default_rng(0)

    def draw(count: int) -> Rows:
        features = generator.normal(size=(count, 3)).astype(np.float32)
        mean = np.exp(3 + features[:, 0].astype(float))
        return Rows(features, generator.gamma(2, mean / 2), np.arange(count) // 5)

    train, test = draw(4000), draw(2000)
    naive = test.outcomes + 10
    head = fit_value(AMOUNT, train, test, naive, seed=0)
    expected = head.scores(test.features)[:, 0]
    assert (expected > 0).all()
    assert expected.sum() / test.outcomes.sum() == pytest.approx(1, abs=0.1)
    assert head.evaluation["baseline"] == {
        "what": "the spend of the window before, scaled to the horizon",
        **judge_amounts(test.outcomes, naive),
    }
    figures = judge_amounts(test.outcomes, expected)
    assert {name: head.evaluation[name] for name in figures} == figures
