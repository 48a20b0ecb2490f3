import dataclasses

import numpy as np
import pytest

from training.heads import Question
from training.outcomes import plain
from training.outcomes.figures import judge_amounts, judge_probabilities
from training.outcomes.plain import Rows, fit_propensity, fit_value

EVENT = Question("buys_7d", "buys within 7 days", 7)
AMOUNT = Question("spend_30d", "spend in 30 days", 30, "USD")


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
