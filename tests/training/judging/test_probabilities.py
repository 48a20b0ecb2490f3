import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from tests.training.judging.tables import events
from training.judging.probabilities import event_figures, judge_events


def test_figures_are_scikit_learns() -> None:
    """Each figure that scikit-learn knows is as it says; skills and totals follow from them."""
    _, head = events(3000, 0)
    predicted, actual = head.tested.predicted[:, 0], head.tested.actual
    found = event_figures(predicted, actual)
    base = actual.mean()
    assert found["roc_auc"] == pytest.approx(roc_auc_score(actual, predicted))
    assert found["average_precision"] == pytest.approx(average_precision_score(actual, predicted))
    assert found["brier"] == pytest.approx(brier_score_loss(actual, predicted))
    assert found["log_loss"] == pytest.approx(log_loss(actual, predicted))
    assert found["brier_skill"] == pytest.approx(1 - brier_score_loss(actual, predicted) / (base * (1 - base)))
    assert found["log_loss_skill"] == pytest.approx(
        1 - log_loss(actual, predicted) / log_loss(actual, actual * 0 + base)
    )
    assert found["calibration_in_the_large"] == pytest.approx(predicted.mean() - base)
    assert found["total_ratio"] == pytest.approx(predicted.mean() / base)
    best = actual[np.argsort(-predicted)[:300]]
    assert found["lift_top_decile"] == pytest.approx(best.mean() / base)
    assert found["gain_top_decile"] == pytest.approx(best.sum() / actual.sum())


def test_truth_is_calibrated() -> None:
    """Who says the true probability is off by chance alone; who says half of it is off by half the base rate."""
    _, head = events(20_000, 1)
    predicted, actual = head.tested.predicted[:, 0], head.tested.actual
    assert event_figures(predicted, actual)["calibration_error"] < 0.015
    halved = event_figures(predicted / 2, actual)
    assert halved["calibration_error"] == pytest.approx(actual.mean() / 2, abs=0.01)
    assert halved["roc_auc"] == event_figures(predicted, actual)["roc_auc"]


def test_certainties_that_were_wrong_are_finite() -> None:
    """A probability of 0 for what came costs much, not everything."""
    found = event_figures(np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    assert found["log_loss"] == pytest.approx(-np.log(1e-15), rel=1e-4)
    assert found["roc_auc"] == 0


def test_the_whole_of_it() -> None:
    """Intervals hold the figures, and repeated rows make them no narrower."""
    table, head = events(1500, 2)
    predicted, actual = head.tested.predicted[:, 0], head.tested.actual
    judged = judge_events(predicted, actual, table.visitors, 100, 0)
    for name in ("roc_auc", "average_precision", "brier"):
        low, high = judged["intervals"][name]
        assert low < judged["figures"][name] < high
    repeated = judge_events(np.repeat(predicted, 4), np.repeat(actual, 4), np.repeat(table.visitors, 4), 100, 0)
    width = np.ptp(judged["intervals"]["roc_auc"])
    assert np.ptp(repeated["intervals"]["roc_auc"]) == pytest.approx(width, rel=1e-9)
    assert len(judged["calibration"]) == len(judged["deciles"]) == 10
