# ruff: noqa: DTZ001  # as in training/grocery.py: local time, which carries no zone here
import itertools
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.conftest import HOUSEHOLDS
from tests.training.receipts import Receipts, local
from training import grocery
from training.grocery import DAY_AFTER_LAST, FEATURES, FIRST_DAY, REDEEMS, SHOPS_AGAIN, SPEND, Records, Snapshots

NAMES = [spec.name for spec in FEATURES]
IN_SPRING = datetime(2017, 4, 2)  # its window has the night of 12 March, when clocks went forward
IN_AUTUMN = datetime(2017, 11, 12)  # and this one that of 5 November, when they went back
AFTER_ALL = datetime(2018, 1, 1)
LABELS = {"shops": SHOPS_AGAIN, "redeems": REDEEMS, "spend": SPEND}


def _one(household: int, as_of: datetime) -> Snapshots:
    when = np.array([as_of], dtype="datetime64[us]")
    return Snapshots(when, np.array([household]), np.zeros((1, len(NAMES)), dtype=np.float32))


def _value(snapshots: Snapshots, household: int, name: str) -> float:
    return float(snapshots.features[snapshots.visitors == household, NAMES.index(name)][0])


@pytest.mark.parametrize("as_of", [IN_SPRING, IN_AUTUMN, AFTER_ALL], ids=str)
def test_features_equal_receipts(records: Records, receipts: Receipts, as_of: datetime) -> None:
    """Every feature of a household is what adding up its receipts by hand gives."""
    snapshots = records.snapshots([as_of])
    present = [one for one in HOUSEHOLDS if receipts.baskets(one, as_of - timedelta(days=84), as_of)]
    assert np.intersect1d(snapshots.visitors, HOUSEHOLDS).tolist() == present
    for household in present:
        expected = receipts.features(household, as_of)
        actual = dict(zip(NAMES, snapshots.features[snapshots.visitors == household][0].tolist(), strict=True))
        assert actual == pytest.approx(expected, rel=1e-4, abs=1e-4), household


def test_households_are_varied(receipts: Receipts) -> None:
    """No feature is the same for all the households that are checked by hand, so none is right by accident."""
    rows = [receipts.features(household, AFTER_ALL) for household in HOUSEHOLDS]
    for name in NAMES:
        assert len({row[name] for row in rows}) > 1, name


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (datetime(2017, 3, 12, 6, 59), datetime(2017, 3, 12, 1, 59)),
        (datetime(2017, 3, 12, 7, 0), datetime(2017, 3, 12, 3, 0)),
        (datetime(2017, 11, 5, 5, 30), datetime(2017, 11, 5, 1, 30)),
        (datetime(2017, 11, 5, 6, 30), datetime(2017, 11, 5, 1, 30)),
        (datetime(2018, 1, 1, 4, 1, 20), datetime(2017, 12, 31, 23, 1, 20)),
    ],
)
def test_local_time(records: Records, stored: datetime, expected: datetime) -> None:
    """Moments are New York's wall clock, in both directions of daylight saving and over New Year."""
    sql = "SELECT ($at::TIMESTAMP AT TIME ZONE 'UTC') AT TIME ZONE $zone"
    found = records._connection.execute(sql, {"at": stored, "zone": grocery.ZONE}).fetchall()  # noqa: SLF001  # its clock
    assert found == [(expected,)]
    assert local(stored) == expected


def test_ranges(records: Records) -> None:
    """Every feature of every household at every date is finite, within its range, and a category's code is a word."""
    features = records.snapshots(grocery.dates(DAY_AFTER_LAST, 7)).features
    assert np.isfinite(features).all()
    for column, spec in zip(features.T, FEATURES, strict=True):
        high = len(spec.vocabulary) - 1 if spec.vocabulary else spec.maximum
        assert column.min() >= (0.0 if spec.minimum is None else spec.minimum), spec.name
        assert high is None or column.max() <= high, spec.name
        assert column.min() < column.max(), f"{spec.name} says nothing"


def test_no_date_leaks_into_features(records: Records) -> None:
    """The oldest customers have the same tenure at the first date as at the last: the window's length."""
    first, *_, last = grocery.dates(DAY_AFTER_LAST, 7)
    for date in (first, last):
        snapshots = records.snapshots([date])
        assert snapshots.features[:, NAMES.index("tenure_days")].max() <= grocery.WINDOW_DAYS
        assert np.quantile(snapshots.features[:, NAMES.index("tenure_days")], 0.5) > grocery.WINDOW_DAYS - 28


@pytest.mark.parametrize("as_of", [datetime(2017, 3, 26), datetime(2017, 11, 5)], ids=str)
def test_no_peeking(records: Records, as_of: datetime) -> None:
    """Features as of a moment are the same, bit for bit, whether or not later records exist."""
    known, then = records.snapshots([as_of]), Records(as_of).snapshots([as_of])
    np.testing.assert_array_equal(known.visitors, then.visitors)
    np.testing.assert_array_equal(known.features, then.features)


def test_dates_do_not_mix(records: Records) -> None:
    """A snapshot of several dates is the snapshots of each, in the order of time and household."""
    together = records.snapshots([IN_AUTUMN, IN_SPRING])
    alone = [records.snapshots([date]) for date in (IN_SPRING, IN_AUTUMN)]
    np.testing.assert_array_equal(together.features, np.concatenate([one.features for one in alone]))
    np.testing.assert_array_equal(together.visitors, np.concatenate([one.visitors for one in alone]))
    np.testing.assert_array_equal(together.as_of, np.concatenate([one.as_of for one in alone]))


@pytest.mark.parametrize("horizon_days", [7, 30, 90])
@pytest.mark.parametrize("as_of", [IN_SPRING, datetime(2017, 9, 24)], ids=str)
def test_labels_equal_receipts(records: Records, receipts: Receipts, as_of: datetime, horizon_days: int) -> None:
    """Each label is what the receipts from the date to just before the horizon's end say."""
    snapshots = records.snapshots([as_of])
    snapshots = snapshots.where(np.isin(snapshots.visitors, HOUSEHOLDS))
    end = as_of + timedelta(days=horizon_days)
    expected = {
        "shops": [bool(receipts.baskets(int(one), as_of, end)) for one in snapshots.visitors],
        "redeems": [receipts.redeemed(int(one), as_of, end) > 0 for one in snapshots.visitors],
        "spend": [receipts.spend(int(one), as_of, end) for one in snapshots.visitors],
    }
    for name, sql in LABELS.items():
        actual = records.labels(snapshots, sql, horizon_days)
        np.testing.assert_allclose(actual, np.array(expected[name], dtype=float), err_msg=name)


def test_basket_at_the_moment_is_label(records: Records, receipts: Receipts) -> None:
    """A basket exactly at the date is not in the features but in the labels; a microsecond later the reverse."""
    *_, before, basket = receipts.baskets(1899, FIRST_DAY, AFTER_ALL)
    moment, amount = basket[0]["moment"], sum(line["sales_value"] for line in basket)
    after = moment + timedelta(microseconds=1)
    at, later = records.snapshots([moment]), records.snapshots([after])
    expected_s = (moment - before[0]["moment"]).total_seconds()
    assert _value(at, 1899, "recency_days") == pytest.approx(expected_s / 86400)
    assert _value(later, 1899, "recency_days") == pytest.approx(0, abs=1e-9)
    assert _value(later, 1899, "spend_84d") - _value(at, 1899, "spend_84d") <= amount + 1e-2
    assert records.labels(_one(1899, moment), SHOPS_AGAIN, 1).tolist() == [1]
    assert records.labels(_one(1899, moment), SPEND, 1).tolist() == pytest.approx([amount])
    assert records.labels(_one(1899, after), SHOPS_AGAIN, 1).tolist() == [0]
    assert records.labels(_one(1899, after), SPEND, 1).tolist() == [0]


def test_basket_at_the_horizons_end_is_no_label(records: Records, receipts: Receipts) -> None:
    """The horizon ends just before its last moment, for baskets and for redemptions."""
    basket = receipts.baskets(1899, FIRST_DAY, AFTER_ALL)[-1]
    week_before = basket[0]["moment"] - timedelta(days=1)
    between = receipts.spend(1899, week_before, basket[0]["moment"])
    assert records.labels(_one(1899, week_before), SPEND, 1).tolist() == pytest.approx([between])
    redeemed = min(row["redemption_date"] for row in receipts.redemptions)
    household = next(row["household_id"] for row in receipts.redemptions if row["redemption_date"] == redeemed)
    assert records.labels(_one(household, redeemed - timedelta(days=30)), REDEEMS, 30).tolist() == [0]
    assert records.labels(_one(household, redeemed - timedelta(days=30)), REDEEMS, 31).tolist() == [1]
    assert records.labels(_one(household, redeemed), REDEEMS, 1).tolist() == [1]


def test_labels_stand_with_their_rows(records: Records) -> None:
    """Labels follow the rows they are asked for, whatever the order of these."""
    snapshots = records.snapshots([IN_SPRING, IN_AUTUMN])
    order = np.random.default_rng(0).permutation(len(snapshots.visitors))
    shuffled = Snapshots(snapshots.as_of[order], snapshots.visitors[order], snapshots.features[order])
    for sql in LABELS.values():
        labels = records.labels(snapshots, sql, 30)
        assert 0 < np.count_nonzero(labels) < len(labels)
        np.testing.assert_allclose(records.labels(shuffled, sql, 30), labels[order], rtol=1e-12)


def test_nobody_yet() -> None:
    """Before the first basket there is nobody, and that is no error."""
    snapshots = Records(FIRST_DAY).snapshots([FIRST_DAY])
    assert snapshots.visitors.tolist() == []
    assert snapshots.features.shape == (0, len(FEATURES))


@given(
    until=st.datetimes(datetime(2016, 6, 1), DAY_AFTER_LAST),
    horizon_days=st.integers(1, 200),
)
def test_dates(until: datetime, horizon_days: int) -> None:
    """Dates are a week apart, the first with a whole window, the last with just a whole horizon, none left out."""
    found = grocery.dates(until, horizon_days)
    window, step = timedelta(days=grocery.WINDOW_DAYS), timedelta(days=grocery.STEP_DAYS)
    if not found:
        assert until - timedelta(days=horizon_days) < FIRST_DAY + window
        return
    assert found[-1] + timedelta(days=horizon_days) == until
    assert found[0] >= FIRST_DAY + window > found[0] - step
    assert all(later - earlier == step for earlier, later in itertools.pairwise(found))
