import pytest

from tests.benchmarks.figures import BARS, Bar, Figure
from tests.benchmarks.spread import difference, ratio, spread


def test_spread_is_the_median_and_the_range() -> None:
    """The middle of an odd number of rounds, the mean of both middles of an even one, and every round is kept."""
    assert spread([5, 1, 3]).median == 3
    assert spread([4, 1, 3, 2]).median == 2.5
    assert (spread([5, 1, 3]).lowest, spread([5, 1, 3]).highest) == (1, 5)
    assert spread([5, 1, 3]).rounds == (5, 1, 3)


def test_spread_of_nothing_is_refused() -> None:
    """Without a round there is no median to invent."""
    with pytest.raises(ValueError, match="at least one round"):
        spread([])


def test_ratio_is_of_medians_with_the_range_of_the_rounds() -> None:
    """A round that was slow for both servers does not widen the range."""
    over = ratio(spread([10, 20, 40]), spread([5, 10, 10]))

    assert over.median == 2
    assert (over.lowest, over.highest) == (2, 4)


def test_difference_is_within_rounds() -> None:
    """A moment that was slow for both counts for neither."""
    over = difference(spread([1.5, 9.0, 2.5]), spread([1.0, 8.0, 2.0]))

    assert over.median == 0.5
    assert over.highest == 1.0


def test_rounds_that_do_not_match_are_refused() -> None:
    """Rounds are compared with the ones that ran beside them, so there must be as many."""
    with pytest.raises(ValueError, match="zip"):
        ratio(spread([1, 2]), spread([1]))


@pytest.mark.parametrize(
    ("relation", "value", "holds"),
    [(">=", 2.0, True), (">=", 1.9, False), ("<=", 2.0, True), ("<=", 2.1, False), ("<", 2.0, False), ("<", 1.9, True)],
)
def test_bar_compares(relation: str, value: float, *, holds: bool) -> None:
    """Each relation means what it says, also on the limit."""
    assert Bar(relation, 2.0).holds(value) is holds


def test_figure_without_a_number_neither_holds_nor_misses() -> None:
    """What could not be measured is not known, and what has no bar is information."""
    name = next(iter(BARS))

    assert Figure(name, "", None, "why").holds is None
    assert Figure("unheard_of", "", spread([1.0])).holds is None
    assert Figure("closed32_over_floor", "", spread([1.0])).holds is True
    assert Figure("closed32_over_floor", "", spread([0.9])).holds is False
