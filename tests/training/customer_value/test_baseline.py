import numpy as np
import pytest
from scipy.stats import spearmanr

from tests.training.customer_value.cdnow import ms
from training.customer_value.baseline import expected_for, fit_baseline, fit_customer_value
from training.customer_value.purchases import DAY_MS, NoBaseline, Purchases

CALIBRATION_END = ms(1997, 10, 1)
HORIZON_DAYS = 273  # 39 weeks


def test_later_spend(cdnow: Purchases) -> None:
    """On CDNOW's next 39 weeks it ranks customers, and expects their total, better than the mean of all does."""
    baseline = fit_baseline(cdnow, CALIBRATION_END, HORIZON_DAYS)
    later = cdnow.at_ms >= CALIBRATION_END
    place = np.searchsorted(baseline.visitors, cdnow.visitors[later])
    actual = np.bincount(place, cdnow.amounts[later], len(baseline.visitors))
    assert spearmanr(actual, baseline.amounts).statistic > 0.4
    assert 0.8 < baseline.amounts.sum() / actual.sum() < 1.1
    assert np.abs(actual - baseline.amounts).mean() < 0.75 * np.abs(actual - actual.mean()).mean()


def test_facts(cdnow: Purchases) -> None:
    """The parameters are told, and no warning where how often and how much are hardly correlated."""
    facts = fit_customer_value(cdnow, CALIBRATION_END).facts()
    assert facts["correlation"] == pytest.approx(0.1139, abs=0.001)
    assert "warning" not in facts
    assert facts["what"] == "BG/NBD and Gamma-Gamma on the dates and amounts of earlier purchases"


def test_rows_of_a_table(cdnow: Purchases) -> None:
    """Each row gets what was known at its own moment; who had not bought by then is expected to spend nothing."""
    baseline = fit_baseline(cdnow, CALIBRATION_END, 30)
    visitors = np.array(["0001", "0001", "nobody"])
    moments = np.array([CALIBRATION_END, ms(1997, 1, 1), CALIBRATION_END])
    expected = expected_for(baseline.model, cdnow, visitors, moments, 30)
    assert expected[0] == baseline.of(np.array(["0001"]))[0] > 0
    assert expected[1:].tolist() == [0, 0]


def _regulars(count: int) -> Purchases:
    """Customers of whom every second comes back, the oftener the more they spend."""
    generator = np.random.default_rng(2)
    rows = [
        (f"v{i:04}", int(day) * DAY_MS, 5.0 * times + generator.random())
        for i in range(count)
        for times in [int(generator.geometric(0.4)) - 1]
        for day in [0, *generator.integers(1, 90, times)]
    ]
    visitors, days, amounts = zip(*rows, strict=True)
    return Purchases.of(visitors, days, amounts)


def test_warns_of_correlation() -> None:
    """Where who buys often spends more at a time, the models' assumption is broken, and the facts say so."""
    model = fit_customer_value(_regulars(400), 120 * DAY_MS)
    assert model.correlation > 0.9
    assert "biased" in str(model.facts()["warning"])


def test_nobody() -> None:
    """Before anybody bought there is no baseline."""
    with pytest.raises(NoBaseline, match="nobody bought before"):
        fit_baseline(Purchases.of(["a"], [5], [1.0]), 5, 30)
