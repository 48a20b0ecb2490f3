import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import mean_poisson_deviance

from training.judging.amounts import amount_figures, judge_amounts


def _amounts(count: int) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]:
    generator = np.random.default_rng(0)
    expected = np.exp(generator.normal(3, 1, count))
    return expected, np.round(generator.gamma(2, expected / 2)) * (generator.random(count) < 0.8) / 0.8


def test_figures_are_those_of_others() -> None:
    """Each figure that scikit-learn or SciPy knows is as they say."""
    expected, amounts = _amounts(2000)
    found = amount_figures(expected, amounts)
    assert found["poisson_deviance"] == pytest.approx(mean_poisson_deviance(amounts, expected))
    assert found["spearman"] == pytest.approx(spearmanr(amounts, expected).statistic)
    assert found["mean_absolute_error"] == pytest.approx(np.abs(amounts - expected).mean())
    assert found["total_ratio"] == pytest.approx(expected.sum() / amounts.sum())
    best = np.argsort(-expected)[:200]
    assert found["capture_top_decile"] == pytest.approx(amounts[best].sum() / amounts.sum())


def test_gini_by_hand() -> None:
    """One of four has all: first in the order it is 3/4 before and the largest, last the opposite."""
    amounts = np.array([0.0, 0.0, 0.0, 8.0])
    right, wrong = amount_figures(np.arange(4.0), amounts), amount_figures(-np.arange(4.0) + 4, amounts)
    assert (right["gini"], right["normalized_gini"]) == (0.75, 1)
    assert (wrong["gini"], wrong["normalized_gini"]) == (-0.75, -1)


def test_what_cannot_be_said_is_nan() -> None:
    """Negative amounts have no Poisson deviance, nothing has no total, what is the same for all has no order."""
    assert np.isnan(amount_figures(np.array([1.0, 2.0]), np.array([-1.0, 3.0]))["poisson_deviance"])
    nothing = amount_figures(np.array([1.0, 2.0]), np.zeros(2))
    assert np.isnan([nothing[name] for name in ("total_ratio", "normalized_gini", "spearman", "lift_top_decile")]).all()
    assert nothing["poisson_deviance"] == pytest.approx(3)


def test_the_whole_of_it() -> None:
    """Intervals hold the figures; calibration is of means, with bootstrapped intervals."""
    expected, amounts = _amounts(1500)
    judged = judge_amounts(expected, amounts, np.arange(1500).astype(str), 80, 0)
    for name, (low, high) in judged["intervals"].items():
        assert low < judged["figures"][name] < high
    assert judged["intervals"].keys() == {"mean_absolute_error", "total_ratio", "spearman", "normalized_gini"}
    held = [one["low"] <= one["predicted"] <= one["high"] for one in judged["calibration"]]
    assert sum(held) >= 8  # of ten: the truth is what was expected
    assert judged["deciles"][0]["mean"] > judged["deciles"][9]["mean"]
