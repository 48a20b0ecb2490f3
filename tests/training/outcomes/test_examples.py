import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.outcomes.records import DAY_MS
from training.features import FeatureSpec
from training.outcomes.examples import CannotLearn, Examples, later, make_folds

VISITS = (FeatureSpec(name="visits", description=""), FeatureSpec(name="spend", description=""))


def examples(actual: list[float], visitors: list[int], weeks: list[int] | None = None) -> Examples:
    """Rows with these outcomes, of these visitors, in these weeks."""
    count = len(actual)
    return Examples(
        specs=VISITS,
        features=np.arange(2.0 * count, dtype=np.float32).reshape(count, 2),
        actual=np.array(actual, dtype=float),
        visitors=np.array([f"v{visitor}" for visitor in visitors]),
        as_of_ms=None if weeks is None else 7 * DAY_MS * np.array(weeks, dtype=np.int64),
        weights=np.ones(count),
    )


@settings(deadline=None)
@given(
    visitors=st.lists(st.integers(0, 40), min_size=80, max_size=150),
    count=st.integers(2, 5),
    seed=st.integers(0, 99),
    is_timed=st.booleans(),
)
def test_no_visitor_is_in_two_folds(visitors: list[int], count: int, seed: int, *, is_timed: bool) -> None:
    """Whatever the rows, a visitor is fitted on or tested, never both, and no row is tested twice."""
    actual = [float(visitor % 2) for visitor in visitors]
    rows = examples(actual, visitors, [i % 12 for i in range(len(visitors))] if is_timed else None)
    try:
        made = make_folds(rows, count, seed, is_amount=False)
    except CannotLearn:
        assert len({v for v in visitors if v % 2}) < count or len({v for v in visitors if not v % 2}) < count
        return
    for fold in made.folds:
        assert not set(rows.visitors[fold.train]) & set(rows.visitors[fold.test])
    tested = np.concatenate([fold.test for fold in made.folds])
    assert len(np.unique(tested)) == len(tested)
    assert len(tested) == len(rows)


def test_events_are_dealt_evenly() -> None:
    """Ten events among a thousand visitors are two in each of five folds; large amounts are spread as well."""
    rows = examples([1.0] * 10 + [0.0] * 990, list(range(1000)))
    assert [rows.actual[fold.test].sum() for fold in make_folds(rows, 5, 3, is_amount=False).folds] == [2] * 5
    amounts = examples([1000.0] * 100 + [1.0] * 900, list(range(1000)))
    sums = [amounts.actual[fold.test].sum() for fold in make_folds(amounts, 5, 3, is_amount=True).folds]
    assert sums == [20_180.0] * 5


@settings(deadline=None)
@given(weeks=st.integers(14, 60), horizon_weeks=st.integers(0, 8))
def test_weekly_rows(weeks: int, horizon_weeks: int) -> None:
    """The last four dates are tested, or the last tenth; fitted is on those whose whole horizon had passed by then."""
    found = later(7 * DAY_MS * np.arange(weeks, dtype=np.int64), 7 * horizon_weeks)
    assert found is not None
    past, tested = (rows.tolist() for rows in found)
    first = weeks - max(4, weeks // 10)
    assert tested == list(range(first, weeks))
    assert past == [week for week in range(weeks) if week + horizon_weeks <= first]


def test_rows_without_times_are_not_split() -> None:
    """No times, or one moment for all, is nothing to be split by."""
    assert later(None, 30) is None
    assert later(np.full(10, 5, dtype=np.int64), 30) is None


def test_records_shorter_than_the_horizon() -> None:
    """The text says how long the records are, and how long they would have to be."""
    with pytest.raises(
        CannotLearn, match=r"a horizon of 90 days leaves no rows .* are of 63 days; needed are at least 90"
    ):
        later(7 * DAY_MS * np.arange(10, dtype=np.int64), 90)


def test_a_rare_class_and_too_many_folds() -> None:
    """Where a fold would lack an outcome, that is said, rather than learnt from."""
    rows = examples([1.0] * 2 + [0.0] * 8, list(range(10)))
    with pytest.raises(CannotLearn, match=r"with 5 folds .* a fold has not every outcome"):
        make_folds(rows, 5, 0, is_amount=False)


def test_fewer_features() -> None:
    """Rows without a feature have neither its name nor its column."""
    fewer = examples([0.0, 1.0], [0, 1]).without(["visits"])
    assert [spec.name for spec in fewer.specs] == ["spend"]
    np.testing.assert_array_equal(fewer.features, [[1], [3]])
