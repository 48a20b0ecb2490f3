import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from training.outcomes.calibration import Ratio, Sigmoid, Temperature, fit_ratio, fit_sigmoid, fit_temperature


@settings(max_examples=20, deadline=None)
@given(slope=st.floats(0.3, 3), offset=st.floats(-2, 2), seed=st.integers(0, 1000))
def test_sigmoid_is_the_maximum_likelihood(slope: float, offset: float, seed: int) -> None:
    """At Platt's solution the errors against his targets add up to 0, alone and times the log odds."""
    generator = np.random.default_rng(seed)
    raw = generator.normal(size=(400, 1))
    actual = (generator.random(400) < expit(slope * raw[:, 0] + offset)).astype(float)
    positives = actual.sum()
    targets = np.where(actual == 1, (positives + 1) / (positives + 2), 1 / (402 - positives))
    errors = fit_sigmoid(raw, actual).apply(raw)[:, 0] - targets
    assert abs(errors.mean()) < 1e-4
    assert abs((errors * raw[:, 0]).mean()) < 1e-4


def test_sigmoid_finds_the_law() -> None:
    """Log odds that are twice too sure and one too high are put right."""
    generator = np.random.default_rng(0)
    truth = generator.normal(size=(50_000, 1))
    actual = (generator.random(50_000) < expit(truth[:, 0])).astype(float)
    found = fit_sigmoid(2 * truth + 1, actual)
    assert found.slope == pytest.approx(0.5, abs=0.02)
    assert found.offset == pytest.approx(-0.5, abs=0.04)


def test_few_rows_make_nothing_certain() -> None:
    """Six rows that are told apart without an error give the smoothed share of their own, not 0 and 1."""
    raw = np.array([[-1.0], [-1], [-1], [1], [1], [1]])
    probabilities = fit_sigmoid(raw, (raw[:, 0] > 0).astype(float)).apply(np.array([[-1.0], [1.0]]))
    np.testing.assert_allclose(probabilities[:, 0], [1 / 5, 4 / 5], atol=1e-4)


def test_constant_log_odds_give_the_rate() -> None:
    """A model that says the same of everyone becomes the rate of the event."""
    actual = np.array([1.0] * 25 + [0.0] * 75)
    found = fit_sigmoid(np.full((100, 1), 3.0), actual).apply(np.full((1, 1), 3.0))
    assert found[0, 0] == pytest.approx(0.25, abs=0.01)


def test_worse_than_chance_says_nothing() -> None:
    """Log odds that are the wrong way round are not turned: everyone gets the rate."""
    raw = np.linspace(-1, 1, 100)[:, None]
    found = fit_sigmoid(raw, (raw[:, 0] < -0.5).astype(float))
    assert found.slope == 0
    assert found.apply(raw)[:, 0] == pytest.approx(np.full(100, 0.25), abs=0.01)


def test_temperature_and_offsets_are_found() -> None:
    """Logits that are three times too sure, and favour a class, are put right."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, size=(20_000, 3))
    shares = Temperature().apply(logits)
    actual = (generator.random((20_000, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, 2).astype(float)
    found = fit_temperature(3 * logits + [6, 0, 0], actual)
    assert found.temperature == pytest.approx(3, abs=0.1)
    np.testing.assert_allclose(found.offsets, [-4 / 3, 2 / 3, 2 / 3], atol=0.1)  # -2, 0 and 0, less their mean


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), classes=st.integers(3, 6))
def test_classes_come_as_often_as_expected(seed: int, classes: int) -> None:
    """On the rows of the fit, the probabilities of each class add up to how often it came."""
    generator = np.random.default_rng(seed)
    actual = np.concatenate([np.arange(classes), generator.integers(0, classes, 300)]).astype(float)
    raw = generator.normal(size=(len(actual), classes)) + np.eye(classes)[actual.astype(int)]
    probabilities = fit_temperature(raw, actual).apply(raw)
    np.testing.assert_allclose(probabilities.mean(axis=0), np.bincount(actual.astype(int)) / len(actual), atol=2e-3)


def test_ratio_makes_the_total_right() -> None:
    """Amounts add up to what came, and none is negative."""
    raw, actual = np.array([[1.0], [3.0], [-1.0]]), np.array([2.0, 5.0, 1.0])
    ratio = fit_ratio(raw, actual)
    np.testing.assert_allclose(ratio.apply(raw)[:, 0], [2, 6, 0])
    assert fit_ratio(np.zeros((3, 1)), actual) == Ratio(1.0)


def test_without_a_fit() -> None:
    """Without calibration, log odds are taken at their word."""
    assert Sigmoid().apply(np.array([[np.log(3)]]))[0, 0] == pytest.approx(0.75)
