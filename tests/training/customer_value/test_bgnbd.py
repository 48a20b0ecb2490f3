import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import beta as beta_function
from scipy.stats import beta, gamma

from tests.training.customer_value.cdnow import AFTER_39_WEEKS_MS
from tests.training.customer_value.cdnow import BETA_GEOMETRIC as PUBLISHED
from training.customer_value.bgnbd import BetaGeometric, fit_beta_geometric
from training.customer_value.likelihood import most_likely
from training.customer_value.purchases import NoBaseline, Purchases, Summary, summarize
from training.heads import FloatArray


def customers(frequency: list[float], recency: list[float], age: list[float]) -> Summary:
    """Customers of whom nobody spent anything."""
    names = np.array([str(i) for i in range(len(age))])
    times, last, watched = (np.array(values, dtype=np.float64) for values in (frequency, recency, age))
    return Summary(names, times, last, watched, np.zeros(len(age)))


def test_published_parameters(cdnow: Purchases) -> None:
    """CDNOW's sample over 39 weeks gives the parameters of the paper, within one per cent."""
    found = fit_beta_geometric(summarize(cdnow, AFTER_39_WEEKS_MS))
    np.testing.assert_allclose(dataclasses.astuple(found), dataclasses.astuple(PUBLISHED), rtol=0.01)


def test_published_likelihood(cdnow: Purchases) -> None:
    """The log-likelihood at the published parameters is the paper's -9582.4."""
    summary = summarize(cdnow, AFTER_39_WEEKS_MS)
    assert PUBLISHED.log_likelihood(summary).sum() == pytest.approx(-9582.4, abs=0.1)


def test_likelihood_is_an_integral() -> None:
    """It is the mean over rates and chances to leave of the likelihood of one customer, integrated numerically."""
    model = BetaGeometric(1.5, 2.0, 1.2, 2.5)
    x, last, age = 3, 4.0, 6.0

    def given_rate(rate: float) -> float:
        stays = beta_function(1.2, 2.5 + x) / beta_function(1.2, 2.5)
        leaves = beta_function(1.2 + 1, 2.5 + x - 1) / beta_function(1.2, 2.5)
        return float(rate**x * (stays * np.exp(-rate * age) + leaves * np.exp(-rate * last)))

    expected = quad(lambda rate: given_rate(rate) * gamma.pdf(rate, 1.5, scale=1 / 2.0), 0, np.inf)[0]
    found = model.log_likelihood(customers([x], [last], [age]))[0]
    assert found == pytest.approx(np.log(expected), rel=1e-7)


def _simulate(model: BetaGeometric, count: int, days: float, generator: np.random.Generator) -> FloatArray:
    """Number of repeat purchases of each customer within some time, by drawing every one of them."""
    rates = gamma.rvs(model.r, scale=1 / model.alpha, size=count, random_state=generator)
    chances = beta.rvs(model.a, model.b, size=count, random_state=generator)
    bought = np.zeros(count)
    clock = generator.exponential(1 / rates)
    active = clock < days
    while active.any():
        bought[active] += 1
        active &= generator.random(count) >= chances
        clock = clock + generator.exponential(1 / rates)
        active &= clock < days
    return bought


def test_expected_purchases_of_newcomers() -> None:
    """For a customer of whom nothing is known it is the mean of simulated ones."""
    model = BetaGeometric(0.8, 2.0, 0.9, 2.5)
    bought = _simulate(model, 40_000, 10.0, np.random.default_rng(1))
    expected = model.purchases(customers([0], [0], [0]), 10.0)[0]
    assert expected == pytest.approx(bought.mean(), abs=4 * bought.std() / np.sqrt(len(bought)))


@pytest.mark.parametrize(("x", "horizon"), [(0, 1.0), (5, 30.0), (29, 500.0), (31, 500.0), (400, 50.0)])
def test_expectation_is_an_integral(x: int, horizon: float) -> None:
    """It is P(alive) times the mean of (1 - exp(-rate p t)) / p over the rates and chances p that remain possible."""
    model, age = BetaGeometric(0.5, 3.0, 0.7, 2.0), 20.0
    summary = customers([x], [age if x else 0], [age])

    def given_chance(p: float) -> float:
        kept = ((3.0 + age) / (3.0 + age + p * horizon)) ** (0.5 + x)
        return float((1 - kept) / p * beta.pdf(p, 0.7, 2.0 + x))

    expected = sum(quad(given_chance, *ends, limit=200)[0] for ends in ((0, 1e-3), (1e-3, 0.05), (0.05, 1)))
    assert model.purchases(summary, horizon)[0] == pytest.approx(expected * model.alive(summary)[0], rel=1e-5)


def test_published_expectation() -> None:
    """Customer 1 of CDNOW (2 repeat purchases, the last after 30.43 of 38.86 weeks) buys 1.226 times in 39 weeks."""
    assert PUBLISHED.purchases(customers([2], [30.43], [38.86]), 39)[0] == pytest.approx(1.226, abs=0.002)


@given(
    st.integers(0, 2000),
    st.floats(0, 1),
    st.tuples(st.floats(0.1, 1000), st.floats(0, 1000)),
    st.sampled_from([0.05, 0.5, 0.999999, 1.0, 1.000001, 1.5, 5.0]),
    st.sampled_from([0.05, 0.5, 0.95, 3.0]),
)
def test_expectations_are_sane(x: int, share: float, times: tuple[float, float], a: float, b: float) -> None:
    """Whatever the customer: finite, never below 0, never falling with the horizon, and alive with a probability."""
    model = BetaGeometric(0.5, 3.0, a, b)
    age, horizon = times
    summary = customers([x], [share * age if x else 0], [age])
    near, far = (model.purchases(summary, time)[0] for time in (horizon, 2 * horizon))
    assert np.isfinite(far)
    assert 0 <= near <= far * (1 + 1e-6) + 1e-6
    assert 0 <= model.alive(summary)[0] <= 1
    assert np.isfinite(model.log_likelihood(summary)[0])


def test_alive() -> None:
    """Who never came back cannot have left; who came often and stays away probably has."""
    alive = PUBLISHED.alive(customers([0, 10, 10], [0, 38, 5], [38, 38.86, 38.86]))
    assert alive[0] == 1
    assert alive[1] > 0.8
    assert alive[2] < 0.01


def test_too_few_repeaters() -> None:
    """Without customers who came back nothing is learned, and a sentence says so."""
    with pytest.raises(NoBaseline, match="1 of 3 customers bought on two days; BG/NBD needs 10"):
        fit_beta_geometric(customers([0, 0, 1], [0, 0, 1], [2, 2, 2]))


def test_likelihood_without_a_maximum() -> None:
    """A parameter that runs away is named, not returned."""
    with pytest.raises(NoBaseline, match=r"BG/NBD does not fit .*: r = 1e\+05 has run away"):
        most_likely(lambda p: float(np.log(p[0]) - p[1] ** 2 + p[1]), np.ones(2), ("r", "b"), "BG/NBD")
