import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from training.judging.intervals import bootstrap, mean_interval, resamples, wilson


@given(count=st.integers(1, 10_000), share=st.floats(0, 1))
def test_wilson_is_scipys(count: int, share: float) -> None:
    """The interval is the one that SciPy gives, from no success to nothing but successes."""
    successes = round(share * count)
    expected = binomtest(successes, count).proportion_ci(0.95, method="wilson")
    assert wilson(successes, count) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_nothing_seen_nothing_known() -> None:
    """Without a trial every rate is possible."""
    assert wilson(0, 0) == (0, 1)


def test_rows_of_a_visitor_come_and_go_together() -> None:
    """A bootstrap sample holds all rows of a visitor as often as each other, and as many visitors as there are."""
    visitors = np.repeat([f"v{i}" for i in range(40)], 5)
    for weights in resamples(visitors, 10, seed=0):
        by_visitor = weights.reshape(40, 5)
        assert (by_visitor == by_visitor[:, :1]).all()
        assert by_visitor[:, 0].sum() == 40


def test_interval_of_a_mean() -> None:
    """It is as wide as the normal distribution says, and wider by root 5 where each of five rows says the same."""
    drawn = np.random.default_rng(1).normal(10, 2, 2000)
    low, high = mean_interval(drawn, np.arange(2000).astype(str), 400, seed=0) or (0, 0)
    assert high - low == pytest.approx(2 * 1.96 * 2 / np.sqrt(2000), rel=0.15)
    assert low < 10 < high
    again = mean_interval(np.repeat(drawn, 5), np.repeat(np.arange(2000), 5).astype(str), 400, seed=0)
    assert again == pytest.approx((low, high), abs=0.02)


def test_what_is_never_defined_is_left_out() -> None:
    """A statistic that no sample has gets no interval; neither does one without samples or rows."""
    visitors = np.array(["a", "b"])
    assert bootstrap(lambda _: {"never": np.nan}, visitors, 5, seed=0) == {}
    assert mean_interval(np.array([1.0, 2.0]), visitors, 0, seed=0) is None
    assert mean_interval(np.array([]), np.array([], dtype=str), 5, seed=0) is None
