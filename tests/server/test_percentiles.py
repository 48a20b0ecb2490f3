import bisect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.percentiles import Percentiles
from tests.server.conftest import law

reals = st.floats(-1e6, 1e6, width=32)
quantiles = st.lists(reals | st.sampled_from([0.0, 1.0]), min_size=101, max_size=101).map(sorted).map(tuple)


@law
@given(quantiles, st.lists(reals, min_size=2, max_size=2).map(sorted))
def test_percentile_never_falls(population: tuple[float, ...], scores: list[float]) -> None:
    """A higher score never stands lower, and every percentile is in [0, 100]."""
    low, high = map(Percentiles(population).of, scores)
    assert 0 <= low <= high <= 100


@law
@given(quantiles, st.integers(0, 100))
def test_percentile_of_a_quantile_is_the_share_below(population: tuple[float, ...], position: int) -> None:
    """A score that a share of the population has stands above those with a lower one only."""
    below = bisect.bisect_left(population, population[position])
    assert Percentiles(population).of(population[position]) == pytest.approx(below)


@law
@given(st.lists(reals, min_size=1, max_size=300), st.data())
def test_percentile_is_the_share_of_a_real_population(population: list[float], data: st.DataObject) -> None:
    """The percentile agrees with counting who is below, to within the step between two quantiles and two people."""
    ranked = np.sort(np.array(population))
    levels = np.quantile(ranked, np.linspace(0, 1, 101), method="linear")
    score = data.draw(st.sampled_from(population) | reals)
    percentile = Percentiles(tuple(np.maximum.accumulate(levels).tolist())).of(score)
    # linear quantiles may differ from the members by a rounding, so neighbours count as equal
    slack = 1e-9 * max(1.0, abs(score))
    fewest, most = np.searchsorted(ranked, score - slack, "left"), np.searchsorted(ranked, score + slack, "right")
    step = 1 + 200 / len(ranked)
    assert 100 * fewest / len(ranked) - step <= percentile <= 100 * most / len(ranked) + step


@pytest.mark.parametrize(
    ("score", "percentile"),
    [
        (-1.0, 0.0),
        (0.0, 0.0),  # half the population has exactly 0
        (0.5, 50.5),
        (1.0, 51.0),
        (50.0, 100.0),
        (50.1, 100.0),
        (float("inf"), 100.0),
        (float("-inf"), 0.0),
    ],
)
def test_percentile_among_many_equals(score: float, percentile: float) -> None:
    """Half the population has 0, the other half 1 to 50: ties get the share below all of them."""
    assert Percentiles(tuple([0.0] * 51 + [float(i) for i in range(1, 51)])).of(score) == percentile


def test_percentile_of_a_constant_population() -> None:
    """Where everyone has the same score, it stands at 0, and any higher one at 100."""
    everyone = Percentiles((3.0,) * 101)
    assert [everyone.of(score) for score in (2.9, 3.0, 3.1)] == [0, 0, 100]
    assert everyone.of_all(np.array([-np.inf, 2.9, 3.0, 3.1, np.inf])).tolist() == [0, 0, 0, 100, 100]


@law
@given(quantiles, st.data())
def test_percentiles_of_many_are_those_of_each(population: tuple[float, ...], data: st.DataObject) -> None:
    """Many scores at once get what each gets alone, as precisely as a reply says it; what is no number gets none."""
    anything = reals | st.sampled_from([*population, float("inf"), float("-inf")])
    scores = data.draw(st.lists(anything, max_size=20))
    one = Percentiles(population)
    alone = np.array([one.of(score) for score in scores], np.float32)
    together = one.of_all(np.array([*scores, float("nan")]))
    np.testing.assert_array_max_ulp(together[:-1].astype(np.float32), alone, maxulp=1)
    assert ((together[:-1] >= 0) & (together[:-1] <= 100)).all()
    assert np.isnan(together[-1])


def test_percentiles_between_the_smallest_numbers() -> None:
    """Steps as small as a float can be, and scores as far from them as can be, are no fault."""
    one = Percentiles((0.0, 1e-45, 2e-45))
    scores = [-3e38, 0.0, 0.5e-45, 1e-45, 3e38]
    assert one.of_all(np.array(scores)).tolist() == [one.of(score) for score in scores] == [0, 0, 25, 50, 100]
