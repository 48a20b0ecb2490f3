import numpy as np
import pytest

from tests.training.judging.tables import DAY_MS, table
from training import heads
from training.judging.drift import drift, population_stability


def test_index_by_hand() -> None:
    """Shares 1/2 and 1/2 that become 1/4 and 3/4: (a - b) ln(a / b), summed."""
    before, after = np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 1, 1])
    expected = -0.25 * np.log(0.5) + 0.25 * np.log(1.5)
    assert population_stability(before, after, is_category=True) == pytest.approx(expected)


def test_equal_populations_are_stable_and_shifted_ones_are_not() -> None:
    """By chance the index is some 9 (1/n + 1/m); half a standard deviation makes it a quarter, as in the books."""
    generator = np.random.default_rng(0)
    before = generator.normal(size=20_000)
    same = population_stability(before, generator.normal(size=20_000), is_category=False)
    assert same < 4 * 9 * 2 / 20_000
    moved = population_stability(before, generator.normal(0.5, 1, 20_000), is_category=False)
    assert moved == pytest.approx(0.25, abs=0.03)  # of two normals with one spread, in the limit of many bins: 0.5 ** 2


def test_mostly_zero() -> None:
    """A value that is several quantiles has one bin; what is above it has the others."""
    before = np.append(np.zeros(95), np.arange(1.0, 6.0))
    assert population_stability(before, before, is_category=False) == 0
    gone = population_stability(before, np.zeros(100), is_category=False)
    assert gone == pytest.approx((1 - 0.95) * np.log(1 / 0.95) + (1e-4 - 0.05) * np.log(1e-4 / 0.05))


def test_new_word_of_a_category() -> None:
    """A word that nobody had before is a bin of its own, not its neighbour."""
    found = population_stability(np.array([0.0, 2.0]), np.array([0.0, 1.0]), is_category=True)
    assert found == pytest.approx(2 * (0.5 - 1e-4) * np.log(0.5 / 1e-4))


def _tested(rows: list[int]) -> heads.Tested:
    return heads.Tested(np.array(rows), np.zeros((len(rows), 1)), np.zeros(len(rows)), "")


def test_before_the_test_or_the_oldest() -> None:
    """The test's rows are compared with earlier ones; where all are tested, the newest dates with the oldest."""
    times = np.repeat(np.arange(6) * DAY_MS, 50)
    features = np.column_stack([np.where(times >= 4 * DAY_MS, 1, 0), np.arange(300) % 50])
    rows = table(features, as_of_ms=times)
    later = drift(rows, _tested(list(range(200, 300))))
    assert [one["feature"] for one in later["drift"]] == ["a", "b"]
    assert later["drift"][0]["psi"] > 5
    assert later["drift"][1]["psi"] == 0
    assert later["drift_between"] == "the dates before the test and the dates tested on"
    folds = drift(rows, _tested(list(range(300))))
    assert folds["drift_between"] == "the oldest and the newest third of the dates"
    assert folds["drift"][0]["psi"] > 5


@pytest.mark.parametrize("times", [None, np.zeros(4, dtype=np.int64)])
def test_without_times_nothing_drifts(times: np.ndarray[tuple[int], np.dtype[np.int64]] | None) -> None:
    """Rows of one moment, or of none, have no before."""
    found = drift(table(np.ones((4, 1)), as_of_ms=times), _tested([0, 1, 2, 3]))
    assert found == {"drift": [], "drift_between": None}
