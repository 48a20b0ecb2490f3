import dataclasses

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import gamma

from tests.training.customer_value.cdnow import AFTER_39_WEEKS_MS
from tests.training.customer_value.cdnow import GAMMA_GAMMA as PUBLISHED
from training.customer_value.gamma_gamma import GammaGamma, fit_gamma_gamma
from training.customer_value.purchases import NoBaseline, Purchases, Summary, summarize


def spenders(frequency: list[float], mean_spend: list[float]) -> Summary:
    """Customers of whom only how often and how much they bought is known."""
    zeros = np.zeros(len(frequency))
    return Summary(np.array([""] * len(zeros)), np.array(frequency), zeros, zeros, np.array(mean_spend))


def test_published_parameters(cdnow: Purchases) -> None:
    """CDNOW's repeat customers of 39 weeks give the parameters of the paper, within one per cent."""
    found = fit_gamma_gamma(summarize(cdnow, AFTER_39_WEEKS_MS))
    np.testing.assert_allclose(dataclasses.astuple(found), dataclasses.astuple(PUBLISHED), rtol=0.01)


def test_any_currency(cdnow: Purchases) -> None:
    """In a hundredth of the unit v alone is a hundred times as large."""
    summary = summarize(cdnow, AFTER_39_WEEKS_MS)
    cents = fit_gamma_gamma(dataclasses.replace(summary, mean_spend=100 * summary.mean_spend))
    np.testing.assert_allclose(dataclasses.astuple(cents), (6.25, 3.74, 1544), rtol=0.01)


def test_likelihood_is_an_integral() -> None:
    """It is the mean over customers' rates of the gamma density of a mean of x amounts, integrated numerically."""
    model, x, mean = GammaGamma(2.0, 3.0, 10.0), 4, 7.0
    expected = quad(
        lambda rate: gamma.pdf(mean, 2.0 * x, scale=1 / (rate * x)) * gamma.pdf(rate, 3.0, scale=1 / 10.0), 0, np.inf
    )[0]
    found = model.log_likelihood(np.array([float(x)]), np.array([mean]))[0]
    assert found == pytest.approx(np.log(expected), rel=1e-7)


def test_expected_spend() -> None:
    """Of newcomers the population's mean; of customers their own, the more so the more they bought."""
    population = 6.25 * 15.44 / (3.74 - 1)
    spend = PUBLISHED.spend(spenders([0, 1, 100], [0, 100, 100]))
    assert spend[0] == pytest.approx(population)
    assert population < spend[1] < spend[2] < 100
    assert spend[2] == pytest.approx(100, rel=0.01)


def test_too_few_spenders() -> None:
    """Without customers who spent again nothing is learned."""
    with pytest.raises(NoBaseline, match="1 of 2 customers spent on a second day; Gamma-Gamma needs 10"):
        fit_gamma_gamma(spenders([1, 0], [5, 0]))


def test_amounts_without_a_mean() -> None:
    """Amounts of a tail so heavy that the population has no mean are refused, not averaged."""
    generator = np.random.default_rng(0)
    rates = gamma.rvs(0.5, size=3000, random_state=generator)
    spend = gamma.rvs(3.0, scale=1 / rates, random_state=generator)
    with pytest.raises(NoBaseline, match=r"amounts without a mean \(q = 0\.\d+"):
        fit_gamma_gamma(spenders([1.0] * 3000, spend.tolist()))
