import numpy as np

from tests.training.judging.tables import DAY_MS, table
from training.judging.dates import at, moments, newest, some_days_before

TIMES = np.array([0, 7, 14, 21, 21]) * DAY_MS


def test_moments() -> None:
    """Each once, oldest first; the newest rows, and the last moment that is long enough ago, else the oldest."""
    rows = table(np.arange(5.0)[:, None], as_of_ms=TIMES)
    assert moments(rows).tolist() == [0, 7 * DAY_MS, 14 * DAY_MS, 21 * DAY_MS]
    assert newest(rows).features[:, 0].tolist() == [3, 4]
    assert at(rows, 7 * DAY_MS).features[:, 0].tolist() == [1]
    assert [some_days_before(rows, days) for days in (7, 8, 21, 100)] == [14 * DAY_MS, 7 * DAY_MS, 0, 0]


def test_without_times() -> None:
    """All rows are the newest; there is no before."""
    rows = table(np.arange(3.0)[:, None])
    assert len(newest(rows)) == len(at(rows, 5)) == 3
    assert moments(rows).tolist() == []
    assert some_days_before(rows, 1) is None
    assert some_days_before(table(np.ones((2, 1)), as_of_ms=np.array([5, 5])), 1) is None
