import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pytest

import training
from tests.house.project import ROOT
from tests.training.conftest import HOUSEHOLDS
from tests.training.receipts import Receipts
from training.configuration.section import Section
from training.events.files import open_events
from training.events.label import EventLabel, read_event_label
from training.events.log import EventLog
from training.events.order import EventsOrder, read_events
from training.table import Table

SHARED = ROOT / ".." / "shared" / "data"
SHIPPED = Path(training.__file__).parent / "configurations"
NEW_YORK = ZoneInfo("America/New_York")


def _read(name: str) -> tuple[EventsOrder, Mapping[str, EventLabel]]:
    section = Section(tomllib.loads((SHIPPED / f"{name}.toml").read_text(encoding="utf-8")))
    labels = {}
    for outcome in section.tables("outcomes"):
        label = outcome.table("label")
        assert label is not None
        labels[outcome.text("name")] = read_event_label(label)
    return read_events(section), labels


@pytest.fixture(scope="module")
def groceries() -> EventLog:
    """The grocery records as grocery.toml has them."""
    order, labels = _read("grocery")
    return EventLog(open_events(order.log, ROOT), order, labels)


def _snapshot(groceries: EventLog, midnight: datetime) -> Table:
    return groceries.snapshots([round(midnight.replace(tzinfo=NEW_YORK).timestamp() * 1000)])


@pytest.mark.parametrize("day", [datetime(2017, 6, 25), datetime(2017, 10, 1)], ids=str)  # noqa: DTZ001  # the store's
def test_groceries_equal_receipts(groceries: EventLog, receipts: Receipts, day: datetime) -> None:
    """Every feature and outcome of a household is what adding up its receipts by hand gives.

    The days are such that no clock changes in what is compared: receipts are added up by the wall clock.
    """
    table = _snapshot(groceries, day)
    present = [one for one in HOUSEHOLDS if receipts.baskets(one, day - timedelta(days=84), day)]
    assert sorted(set(table.visitors.tolist()) & {str(one) for one in HOUSEHOLDS}, key=int) == [str(p) for p in present]
    for household in present:
        (row,) = np.flatnonzero(table.visitors == str(household))
        actual = dict(zip([spec.name for spec in table.specs], table.features[row].tolist(), strict=True))
        assert actual == pytest.approx(receipts.features(household, day), rel=1e-4, abs=1e-4), household
        week, month = day + timedelta(days=7), day + timedelta(days=30)
        assert table.outcomes["shops_again_7d"][row] == bool(receipts.baskets(household, day, week))
        assert table.outcomes["redeems_coupon_30d"][row] == (receipts.redeemed(household, day, month) > 0)
        if day.month < 8:  # in the 90 days after the other one the clock changes
            spend = receipts.spend(household, day, day + timedelta(days=90))
            assert table.outcomes["spend_90d"][row] == pytest.approx(spend)


def test_households_are_varied(receipts: Receipts) -> None:
    """No feature is the same for all the households that are added up by hand, so none is right by accident."""
    rows = [receipts.features(household, datetime(2018, 1, 1)) for household in HOUSEHOLDS]  # noqa: DTZ001  # the store's
    for name in rows[0]:
        assert len({row[name] for row in rows}) > 1, name


def test_ranges_of_groceries(groceries: EventLog) -> None:
    """Every feature of every household is finite, within its range, a code is a word's, and none is constant."""
    table = groceries.snapshots(groceries.dates()[::8])
    assert np.isfinite(table.features).all()
    for column, spec in zip(table.features.T, table.specs, strict=True):
        high = len(spec.vocabulary) - 1 if spec.vocabulary else spec.maximum
        assert column.min() >= (0.0 if spec.minimum is None else spec.minimum), spec.name
        assert high is None or column.max() <= high, spec.name
        assert column.min() < column.max(), f"{spec.name} says nothing"


def test_grocery_dates(groceries: EventLog) -> None:
    """The dates are New York's midnights a week apart, the first with a whole window of records before it."""
    dates = [datetime.fromtimestamp(date / 1000, NEW_YORK) for date in groceries.dates()]
    assert {(date.hour, date.minute, date.weekday()) for date in dates} == {(0, 0, 0)}
    assert dates[-1].date().isoformat() == "2018-01-01"
    assert dates[0].date().isoformat() == "2017-03-27"


def test_shop_orders() -> None:
    """Of the shop's records, a customer's features and outcomes are what adding up the invoices gives."""
    if not SHARED.is_dir():
        pytest.skip("the records of the shop, online_retail.parquet, are not in ../shared/data")
    order, labels = _read("shop_orders")
    log = EventLog(open_events(order.log, SHARED), order, labels)
    as_of = datetime(2011, 6, 30, 23, tzinfo=ZoneInfo("UTC"))  # midnight in London
    table = log.snapshots([round(as_of.timestamp() * 1000)])
    assert np.isfinite(table.features).all()
    assert all(column.min() < column.max() for column in table.features.T)
    lines = duckdb.connect().read_parquet(str(SHARED / "online_retail.parquet"))
    for customer in ("12748", "12431"):  # who orders most, and one abroad with returns
        row = dict(zip([spec.name for spec in table.specs], table.features[table.visitors == customer][0], strict=True))
        theirs = lines.filter(f"CustomerID = {customer}").fetchall()
        before = [x for x in theirs if datetime(2011, 4, 1) <= x[4] < datetime(2011, 7, 1)]  # noqa: DTZ001  # London's
        orders = [line for line in before if not line[0].startswith("C")]
        spend = sum(line[3] * line[5] for line in orders)
        assert row["orders_91d"] == len({line[0] for line in orders})
        assert row["spend_91d"] == pytest.approx(spend, rel=1e-6)
        assert row["pieces_91d"] == sum(line[3] for line in orders if line[1][:5].isdigit())
        back = sum(line[3] * line[5] for line in before if line[0].startswith("C"))
        assert row["return_share"] == pytest.approx(-back / spend, rel=1e-5)
        assert row["abroad_share"] == (customer == "12431")
        after = [x for x in theirs if datetime(2011, 7, 1) <= x[4] < datetime(2011, 9, 29)]  # noqa: DTZ001  # as above
        bought = sum(line[3] * line[5] for line in after if not line[0].startswith("C"))
        assert table.outcomes["spend_90d"][table.visitors == customer].tolist() == pytest.approx([bought])


def test_purchases_of_groceries(groceries: EventLog, receipts: Receipts) -> None:
    """What a sum adds up, as BG/NBD takes it: every basket that cost something, with its amount."""
    purchases = groceries.purchases(_read("grocery")[1]["spend_90d"])
    start, end = datetime(2017, 1, 1), datetime(2018, 1, 1)  # noqa: DTZ001  # the store's
    for household in HOUSEHOLDS:
        theirs = purchases.visitors == str(household)
        amounts = [sum(line["sales_value"] for line in one) for one in receipts.baskets(household, start, end)]
        assert sorted(purchases.amounts[theirs].tolist()) == pytest.approx(sorted(a for a in amounts if a > 0))
