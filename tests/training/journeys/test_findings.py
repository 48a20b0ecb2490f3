import math

import numpy as np
import pytest

from training.journeys.findings import judge
from training.journeys.patterns import Frequent

VOCABULARY = ("cart", "search")


def _outcomes(total: int, with_outcome: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """So many visitors, the first of whom have the outcome."""
    return np.arange(total) < with_outcome


def _of(*visitors: range) -> list[Frequent]:
    return [Frequent((place % 2,) * (place + 1), np.array(list(who))) for place, who in enumerate(visitors)]


def test_rates_and_intervals_by_hand() -> None:
    """40 of 100 who search, of 1,000 of whom 100 have the outcome: a rate of 0.4, and Wilson's published formula."""
    has_outcome = _outcomes(1000, 100)
    (found,) = judge(_of(range(60, 160)), VOCABULARY, has_outcome)
    assert found.words == ("cart",)
    assert (found.count, found.share, found.outcome_count, found.rate) == (100, 0.1, 40, 0.4)
    z, n, p = 1.959963984540054, 100, 0.4
    centre, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert found.rate_low == pytest.approx((centre - half) / (1 + z**2 / n))
    assert found.rate_high == pytest.approx((centre + half) / (1 + z**2 / n))
    assert (found.lift, found.lift_low) == pytest.approx((4, found.rate_low / 0.1))
    assert found.lift_high == pytest.approx(found.rate_high / 0.1)


def test_p_value_by_counting() -> None:
    """Fisher's: how likely a split at most as likely as this one is, among all splits of so many."""
    (found,) = judge(_of(range(5, 17)), VOCABULARY, _outcomes(40, 12))
    ways = [math.comb(12, hits) * math.comb(28, 12 - hits) for hits in range(13)]
    assert found.outcome_count == 7
    assert found.p_value == pytest.approx(sum(w for w in ways if w <= ways[7]) / math.comb(40, 12))
    assert found.q_value == found.p_value  # one alone


def test_many_journeys_raise_the_bar() -> None:
    """A q-value is p times the number of tests over its rank, never falling with p: Benjamini and Hochberg."""
    found = judge(_of(range(80, 180), range(85, 185), range(90, 190), range(88, 200)), VOCABULARY, _outcomes(1000, 100))
    p = [journey.p_value for journey in found]
    assert p == sorted(p)
    expected = [min(p[j] * 4 / (j + 1) for j in range(i, 4)) for i in range(4)]
    assert [journey.q_value for journey in found] == pytest.approx(expected)


def test_chance_is_seldom_taken_for_a_difference() -> None:
    """Among journeys that have nothing to do with the outcome, hardly any pass at a false discovery rate of 5 %."""
    generator = np.random.default_rng(0)
    has_outcome = generator.random(2000) < 0.1
    patterns = [Frequent((0,) * (i + 1), np.flatnonzero(generator.random(2000) < 0.2)) for i in range(60)]
    found = judge(patterns, VOCABULARY, has_outcome)
    assert min(journey.p_value for journey in found) < 0.05  # by p alone some would
    assert not [journey for journey in found if journey.q_value <= 0.05]


def test_what_everybody_does() -> None:
    """A journey that all visitors make says nothing: lift 1, no difference."""
    (found,) = judge(_of(range(50)), VOCABULARY, _outcomes(50, 5))
    assert (found.lift, found.p_value, found.q_value) == (1, 1, 1)


def test_nothing_to_judge() -> None:
    """Without patterns there are no journeys."""
    assert judge([], VOCABULARY, _outcomes(10, 5)) == []
