import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.customer_value.purchases import DAY_MS, NoBaseline, Purchases, summarize

LOG = Purchases.of(
    ["b", "a", "a", "a", "a", "c", "d"],
    [0, 7 * DAY_MS + 5, DAY_MS, 7 * DAY_MS, 14 * DAY_MS, 20 * DAY_MS, 3 * DAY_MS],
    [5.0, 10.0, 99.0, 20.0, 50.0, 1.0, -4.0],
)


def test_summary_by_hand() -> None:
    """Two payments of one day are one purchase; what is not before the moment, or was brought back, is none."""
    summary = summarize(LOG, 14 * DAY_MS)
    assert summary.visitors.tolist() == ["a", "b"]
    assert summary.frequency.tolist() == [1, 0]
    assert summary.recency.tolist() == [6 / 7, 0]
    assert summary.age.tolist() == [12 / 7, 13 / 7]  # day 13 is the last that is watched
    assert summary.mean_spend.tolist() == [30, 0]


def test_nobody_yet() -> None:
    """Before the first purchase there are no customers."""
    assert len(summarize(LOG, 0)) == 0


def test_published_summary(cdnow: Purchases) -> None:
    """CDNOW's first customers of the sample are as published: purchases, weeks to the last one, weeks watched, mean."""
    until = 10134 * DAY_MS + DAY_MS  # the end of 30 September 1997
    summary = summarize(cdnow, until)
    assert (len(summary), int((summary.frequency > 0).sum())) == (2357, 946)
    assert summary.frequency[:3].tolist() == [2, 1, 0]
    np.testing.assert_allclose(summary.recency[:3], [30.43, 1.71, 0], atol=0.005)
    np.testing.assert_allclose(summary.age[:3], 38.86, atol=0.005)
    np.testing.assert_allclose(summary.mean_spend[:2], [22.345, 11.77], atol=0.001)


@given(st.permutations(range(7)), st.integers(0, 22))
def test_order_of_the_log_means_nothing(order: list[int], day: int) -> None:
    """The same purchases in another order give the same summary."""
    other = Purchases(LOG.visitors[order], LOG.at_ms[order], LOG.amounts[order])
    one, two = summarize(LOG, day * DAY_MS), summarize(other, day * DAY_MS)
    assert one.visitors.tolist() == two.visitors.tolist()
    for name in ("frequency", "recency", "age", "mean_spend"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name))
    assert (one.recency <= one.age).all()


def test_from_query() -> None:
    """A query gives the log; NULL in it, or other columns than three, are refused in a sentence."""
    connection = duckdb.connect()
    log = Purchases.from_query(connection, "SELECT 'v' || i, i * 1000, i / 2 FROM range(3) AS r(i)")
    assert log.visitors.tolist() == ["v0", "v1", "v2"]
    assert log.at_ms.tolist() == [0, 1000, 2000]
    assert log.amounts.tolist() == [0, 0.5, 1]
    with pytest.raises(NoBaseline, match="gives NULL"):
        Purchases.from_query(connection, "SELECT 'v', 1, CASE WHEN i > 1 THEN 1.0 END FROM range(3) AS r(i)")
    with pytest.raises(NoBaseline, match="gives 2 columns"):
        Purchases.from_query(connection, "SELECT 'v', 1")


def test_columns_that_do_not_fit() -> None:
    """Columns of different lengths, and amounts that are no numbers, are refused."""
    with pytest.raises(NoBaseline, match="are 1, 1 and 2"):
        Purchases.of(["a"], [1], [1.0, 2.0])
    with pytest.raises(NoBaseline, match="not a finite number"):
        Purchases.of(["a"], [1], [float("nan")])
