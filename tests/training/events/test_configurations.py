import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pytest

import training
from tests.house.project import ROOT
from training import grocery
from training.configuration.section import Section
from training.events.files import open_events
from training.events.label import EventLabel, read_event_label
from training.events.log import EventLog
from training.events.order import EventsOrder, read_events

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


@pytest.mark.parametrize("day", ["2017-06-25", "2017-10-01"])
def test_grocery_equals_the_statement_by_hand(groceries: EventLog, records: grocery.Records, day: str) -> None:
    """Every feature and outcome of every household is what the SQL that was written by hand gives.

    The days are such that no clock changes in the windows: the hand-written ones are of the wall clock.
    """
    midnight = datetime.fromisoformat(day)
    table = groceries.snapshots([round(midnight.replace(tzinfo=NEW_YORK).timestamp() * 1000)])
    snapshots = records.snapshots([midnight])
    order = np.argsort(snapshots.visitors.astype(np.str_))
    snapshots = grocery.Snapshots(snapshots.as_of[order], snapshots.visitors[order], snapshots.features[order])
    assert tuple(table.specs) == grocery.FEATURES
    assert table.visitors.tolist() == snapshots.visitors.astype(np.str_).tolist()
    np.testing.assert_allclose(table.features, snapshots.features, rtol=1e-6, atol=1e-6)
    horizons = {"shops_again_7d": (grocery.SHOPS_AGAIN, 7), "redeems_coupon_30d": (grocery.REDEEMS, 30)}
    horizons |= {"spend_90d": (grocery.SPEND, 90)} if day < "2017-08" else {}  # the clock changes in the 90 days
    for name, (sql, days) in horizons.items():
        labels = records.labels(snapshots, sql, days)
        np.testing.assert_allclose(table.outcomes[name], labels, rtol=1e-12, err_msg=name)
        assert labels.any()


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
