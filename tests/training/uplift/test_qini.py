import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.campaigns import campaign
from training.uplift.qini import Campaign, auuc, intervals, qini, qini_curve

NAMES = np.array(["a", "b", "c", "d", "e", "f"])
FIVE = Campaign(np.array([1, 0, 1, 0, 1], dtype=bool), np.array([1.0, 0.0, 1.0, 1.0, 0.0]), NAMES[:5])


def test_curve_by_hand() -> None:
    """At each visitor: outcomes of the treated less those of the others in their number, per treated visitor."""
    curve = qini_curve(FIVE, np.array([5.0, 4.0, 3.0, 2.0, 1.0]))
    expected = [0, 1, 1, 2, 2 - 1 * 2 / 2, 2 - 1 * 3 / 2]
    np.testing.assert_allclose(curve, np.column_stack([np.arange(6) / 5, np.array(expected) / 3]))
    assert curve[-1, 1] == pytest.approx(FIVE.effect())
    area = (np.array(expected[:-1]) + np.array(expected[1:])).sum() / 2 / 5 / 3
    assert auuc(curve) == pytest.approx(area)
    assert qini(curve) == pytest.approx(area - 0.5 / 3 / 2)


def test_ties() -> None:
    """Visitors with the same uplift come together, so a constant says nothing: a straight line and a Qini of 0."""
    curve = qini_curve(FIVE, np.ones(5))
    assert curve.tolist() == [[0, 0], [1, pytest.approx(FIVE.effect())]]
    assert qini(curve) == pytest.approx(0)


@given(st.permutations(range(5)))
def test_order_of_rows_means_nothing(order: list[int]) -> None:
    """The same visitors in another order give the same curve."""
    uplift = np.array([3.0, 3.0, 2.0, 2.0, 1.0])
    other = Campaign(FIVE.treated[order], FIVE.happened[order], FIVE.visitors[order])
    np.testing.assert_allclose(qini_curve(FIVE, uplift), qini_curve(other, uplift[order]))


def test_truth_beats_chance_and_its_contrary() -> None:
    """Ranked by the true effect the Qini is clearly above 0, ranked against it as clearly below."""
    sample, treated, effect = campaign(3000, 5)
    made = Campaign(treated, sample.happened, sample.visitors)
    best, worst = intervals(made, effect, 0), intervals(made, -effect, 0)
    assert best["qini_low"] > 0 > worst["qini_high"]
    assert best["qini_low"] < best["qini"] < best["qini_high"]
    assert best["auuc_low"] > best["auuc_random"]
    assert best["qini"] == pytest.approx(0.5 * 0.5 * 0.5 / 2, abs=0.015)  # triangle: half of them, 0.4 against 0.15


def test_interval_covers_nothing_nine_times_of_ten_or_more() -> None:
    """Of campaigns without effect, ranked by anything, about 95 % of intervals hold 0."""
    generator = np.random.default_rng(3)
    held = 0
    for seed in range(60):
        made = Campaign(
            generator.random(400) < 0.5, (generator.random(400) < 0.3).astype(np.float64), np.arange(400).astype(str)
        )
        found = intervals(made, generator.random(400), seed)
        held += found["qini_low"] <= 0 <= found["qini_high"]
    assert 53 <= held <= 60


def test_visitors_are_drawn_whole() -> None:
    """Each row twice under the same name tells no more than once: the interval is as wide."""
    sample, treated, effect = campaign(400, 6)
    once = intervals(Campaign(treated, sample.happened, sample.visitors), effect, 0)
    rows = np.repeat(np.arange(400), 2)
    twice = intervals(Campaign(treated[rows], sample.happened[rows], sample.visitors[rows]), effect[rows], 0)
    assert twice == pytest.approx(once)
