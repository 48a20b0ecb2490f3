import tomllib
from dataclasses import replace
from itertools import pairwise

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.events.generated import AS_OF_MS, AS_OF_US, FILE, LABELS, generate, label_of, log_of, order_of
from tests.training.events.plain import DAY_US, Event, History, once
from training.configuration.section import Section
from training.events.log import EventLog
from training.events.order import EventsOrder, read_events
from training.events.query import BadLog
from training.table import Table

WEEK = "function = 'count', window_days = 7"
DAY_MS = DAY_US // 1000


def _event(at_us: int, visitor: str = "v", id_: int | None = None, kind: str = "buy", spend: float = 1.0) -> Event:
    return Event(visitor, at_us, id_, kind, spend, "red")


def _order(features: dict[str, str], changes: str = "") -> EventsOrder:
    return order_of(features, FILE.replace("[dates]", f"{changes}\n[dates]"))


def _value(said: str, *events: Event, as_of_ms: int = AS_OF_MS) -> float:
    """The only feature of the only visitor."""
    seen = _event(as_of_ms * 1000 - 1, kind="seen")  # makes the visitor one of the rows, and has no other effect
    where = said if "where" in said else f"{said}, where = \"kind <> 'seen'\""
    table = log_of([*events, seen], _order({"one": where})).snapshots([as_of_ms])
    assert table.visitors.tolist() == ["v"]
    return float(table.features[0, 0])


@pytest.mark.parametrize(
    ("at_us", "count"),
    [
        (AS_OF_US, 0),
        (AS_OF_US - 1, 1),
        (AS_OF_US + 1, 0),
        (AS_OF_US - 7 * DAY_US, 1),
        (AS_OF_US - 7 * DAY_US - 1, 0),
    ],
    ids=["at the moment", "just before", "after", "as the window begins", "before the window"],
)
def test_a_window_ends_before_the_moment(at_us: int, count: int) -> None:
    """The event at the moment is not in the window of seven times 24 hours, that at its first instant is."""
    assert _value(WEEK, _event(at_us)) == count


@pytest.mark.parametrize(
    ("at_us", "count"),
    [(AS_OF_US - 1, 0), (AS_OF_US, 1), (AS_OF_US + 7 * DAY_US - 1, 1), (AS_OF_US + 7 * DAY_US, 0)],
    ids=["just before", "at the moment", "just before the end", "at the end"],
)
def test_a_label_begins_at_the_moment(at_us: int, count: int) -> None:
    """The event at the moment is part of the outcome, that at the horizon's end is not."""
    labels = {"orders": label_of("function = 'count', where = \"kind = 'order'\", within_days = 7")}
    events = [_event(AS_OF_US - 5), _event(at_us, kind="order"), _event(AS_OF_US + 30 * DAY_US)]
    table = log_of(events, _order({"one": WEEK}), labels).snapshots([AS_OF_MS])
    assert table.outcomes["orders"].tolist() == [count]


def test_equal_times_all_count() -> None:
    """Three events of one instant are three events; the last value among them is the greatest."""
    events = [_event(AS_OF_US - 5, spend=spend) for spend in (2.0, 7.0, 3.0)]
    assert _value(WEEK, *events) == 3
    assert _value("function = 'last', of = 'spend', window_days = 7, default = 0", *events) == 7


def test_copies_count_once() -> None:
    """Events of one id are one, the earliest of them; the same id of another visitor is another event."""
    events = [_event(AS_OF_US - 9, id_=1, spend=4), _event(AS_OF_US - 3, id_=1, spend=5), _event(AS_OF_US - 2, id_=2)]
    assert _value(WEEK, *events) == 2
    assert _value("function = 'maximum', of = 'spend', window_days = 7, default = 0", *events) == 4
    assert _value(WEEK, *events, _event(AS_OF_US - 9, visitor="v", id_=None), _event(AS_OF_US - 9)) == 4
    others = [replace(event, visitor="w") for event in events]
    table = log_of(events + others, _order({"one": WEEK})).snapshots([AS_OF_MS])
    assert table.features[:, 0].tolist() == [2, 2]


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shuffle=st.randoms(use_true_random=False))
def test_order_and_copies_do_not_matter(seed: int, shuffle: "np.random.Generator") -> None:
    """However the events lie in the log, and however often they came, every row is the same to the last bit."""
    events = generate(seed, count=80, visitors=4)
    arrived = events + [event for event in events[::3] if event.id is not None]
    shuffle.shuffle(arrived)
    dates = [AS_OF_MS, AS_OF_MS - 8 * DAY_MS]
    _same(log_of(events).snapshots(dates), log_of(arrived).snapshots(dates))


def _same(one: Table, other: Table) -> None:
    np.testing.assert_array_equal(one.visitors, other.visitors)
    np.testing.assert_array_equal(one.features, other.features)
    np.testing.assert_array_equal(one.is_missing, other.is_missing)
    for name, outcome in one.outcomes.items():
        np.testing.assert_allclose(outcome, other.outcomes[name], rtol=1e-14, err_msg=name)


def test_no_peeking() -> None:
    """Features as of a moment are the same, bit for bit, whether or not later events are known."""
    events = generate(3)
    known = log_of(events).snapshots([AS_OF_MS])
    then = log_of([event for event in events if event.at_us < AS_OF_US]).snapshots([AS_OF_MS])
    np.testing.assert_array_equal(known.visitors, then.visitors)
    np.testing.assert_array_equal(known.features, then.features)


def test_dates_do_not_mix() -> None:
    """Rows as of several dates are the rows of each, earliest date first, then by visitor."""
    log = log_of(generate(4))
    dates = [AS_OF_MS, AS_OF_MS - 10 * DAY_MS]
    together, alone = log.snapshots([*dates, *dates]), [log.snapshots([date]) for date in sorted(dates)]
    np.testing.assert_array_equal(together.features, np.concatenate([one.features for one in alone]))
    keys = list(zip((together.as_of_ms if together.as_of_ms is not None else []), together.visitors, strict=True))
    assert all(one < other for one, other in pairwise(keys))


def test_an_outcome_that_is_not_over_is_unknown() -> None:
    """A label is known once its time lies within the records, to the microsecond."""
    until = "until = 2024-04-17T00:00:00Z"
    events = [_event(AS_OF_US - 5), _event(AS_OF_US + 3)]
    labels = {
        "week": label_of("function = 'any', within_days = 7"),
        "more": label_of("function = 'any', within_days = 8"),
    }
    table = log_of(events, _order_until(until), labels).snapshots([AS_OF_MS])
    assert table.outcomes["week"].tolist() == [1]
    assert np.isnan(table.outcomes["more"]).all()


def _order_until(until: str) -> EventsOrder:
    return order_of({"one": WEEK}, FILE.replace('title = "generated"', f'title = "generated"\n{until}'))


def test_records_end_where_the_file_says() -> None:
    """What is not before `until` is not read; without it the records end just after the last event."""
    events = [_event(AS_OF_US - 5), _event(AS_OF_US + 9 * DAY_US)]
    assert log_of(events).until_us == AS_OF_US + 9 * DAY_US + 1
    log = log_of(events, _order_until("until = 2024-04-17T00:00:00Z"))
    assert log.until_us == AS_OF_US + 7 * DAY_US
    assert log.snapshots([AS_OF_MS + 10 * DAY_MS]).features.tolist() == [[0]]


def test_who_is_in_the_rows() -> None:
    """A row is about a visitor with an event that counts in the window: not too old, not of another kind."""
    day = AS_OF_US - DAY_US
    events = [
        _event(day, "in"),
        _event(AS_OF_US - 28 * DAY_US - 1, "too_old"),
        _event(day, "other", kind="other"),
        _event(AS_OF_US, "later"),
    ]
    assert log_of(events).snapshots([AS_OF_MS]).visitors.tolist() == ["in"]


def test_nothing_known() -> None:
    """Where nothing is known the default stands and is marked; no events in a window are a count of 0."""
    table = log_of([_event(AS_OF_US - 9 * DAY_US)]).snapshots([AS_OF_MS])
    names = [spec.name for spec in table.specs]
    missing = [name for name, is_missing in zip(names, table.is_missing[0], strict=True) if is_missing]
    assert missing == ["gap"]
    assert table.features[0, names.index("gap")] == 28
    assert table.features[0, names.index("events_1d")] == 0
    assert np.isfinite(table.features).all()


def test_decay() -> None:
    """A value counts half after each half life, over all time before."""
    said = "function = 'decayed_sum', of = 'spend', half_life_days = 3"
    events = [_event(AS_OF_US - 3 * DAY_US, spend=8), _event(AS_OF_US - 60 * DAY_US, spend=2.0**20)]
    assert _value(said, *events) == pytest.approx(4 + 1)
    assert _value(said, *events, as_of_ms=AS_OF_MS + 3 * DAY_MS) == pytest.approx(2 + 0.5)


def test_values_stay_in_their_range() -> None:
    """What lies outside the stated range becomes its end, as a server would make it."""
    said = "function = 'sum', of = 'spend', window_days = 7, minimum = 0, maximum = 5"
    assert _value(said, _event(AS_OF_US - 5, spend=9)) == 5
    assert _value(said, _event(AS_OF_US - 5, spend=-9)) == 0


def test_clocks_are_the_zones() -> None:
    """Hours and days of the week are London's, also after its clocks went forward."""
    for at_us, hour in ((AS_OF_US - 5 * DAY_US, 1), (AS_OF_US - 20 * DAY_US, 0)):  # midnight UTC, in April and in March
        said = f"function = 'count', window_days = 28, where = \"hour = {hour} AND kind <> 'seen'\""
        assert _value(said, _event(at_us)) == 1
    sunday = AS_OF_US - 10 * DAY_US - DAY_US // 24  # 30 March 23:00 UTC, a Saturday; London changes two hours later
    assert (
        _value("function = 'count', window_days = 28, where = \"weekday = 6 AND kind <> 'seen'\"", _event(sunday)) == 1
    )


def test_rows_of_chosen_pairs() -> None:
    """Any visitor as of any moment has a row, in the order asked, equal to the row of the snapshot; strangers too."""
    events = generate(5)
    log = log_of(events)
    dates = [AS_OF_MS, AS_OF_MS - 9 * DAY_MS]
    table = log.snapshots(dates)
    order = np.random.default_rng(0).permutation(len(table))
    chosen = table.where(order)
    assert chosen.as_of_ms is not None
    found = log.at(chosen.visitors.tolist(), chosen.as_of_ms.tolist())
    _same(found, chosen)
    stranger = log.at(["nobody", "v1", "v1"], [AS_OF_MS, AS_OF_MS + 1, AS_OF_MS + 1])
    assert stranger.visitors.tolist() == ["nobody", "v1", "v1"]
    assert stranger.features[0, [spec.name for spec in stranger.specs].index("events_1d")] == 0
    one = History([e for e in once(events) if e.visitor == "v1"], AS_OF_US + 1000)
    assert stranger.features[1, 1] == stranger.features[2, 1] == len(one.before(1))


@pytest.mark.parametrize(
    ("events", "features", "said"),
    [
        ("SELECT 'v' AS visitor", WEEK, "no column time"),
        ("SELECT 'v' AS visitor, TIMESTAMP '2024-01-01' AS time, 1 AS hour", WEEK, "have a column hour"),
        ("SELECT 'v' AS visitor, TIMESTAMP '2024-01-01' AS time", "function = 'sum', of = 'spent', window_days = 1",
         r"features \('one'\): spent is no column of the events; there are time, visitor"),
        ("SELECT NULL AS visitor, TIMESTAMP '2024-01-01' AS time", WEEK, "there is no event"),
    ],
    ids=["no time", "own name taken", "unknown column", "no event"],
)  # fmt: skip
def test_events_that_do_not_fit(events: str, features: str, said: str) -> None:
    """Events without what is asked for are refused with the name of what is not there."""
    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW events AS {events}")
    order = replace(_order({"one": features}), dates=replace(_order({"one": WEEK}).dates, where=""))
    with pytest.raises(BadLog, match=said):
        EventLog(connection, order, {})


def test_a_label_of_no_column() -> None:
    """A label's columns are checked like those of features, and so are the dates'."""
    with pytest.raises(BadLog, match=r"outcomes \('buys'\): colour is no column"):
        log_of([_event(AS_OF_US)], labels={"buys": replace(LABELS["buys"], where="colour = 1")})
    dates = tomllib.loads(FILE.replace("kind <> 'other'", "colour = 1")) | {"features": []}
    dates["features"] = [{"name": "one", "description": "of one", "function": "count", "window_days": 1}]
    with pytest.raises(BadLog, match="dates: colour is no column"):
        log_of([_event(AS_OF_US)], read_events(Section(dates)))


def test_no_dates() -> None:
    """Records too short for a date are said to be so."""
    log = log_of([_event(AS_OF_US)])
    assert log.dates() == []
    with pytest.raises(BadLog, match="there is no date"):
        log.snapshots(log.dates())


def test_times_without_zone_are_utc() -> None:
    """A TIMESTAMP is read as UTC, a DATE as its midnight, and one with a zone as the instant that it is."""
    for time in ("TIMESTAMP '2024-04-01'", "DATE '2024-04-01'", "TIMESTAMPTZ '2024-04-01 02:00:00+02'"):
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        connection.execute(f"CREATE VIEW events AS SELECT 'v' AS visitor, {time} AS time, 'buy' AS kind")
        assert EventLog(connection, _order({"one": WEEK}), {}).since_us == 1711929600 * 1_000_000


def test_the_same_definition_gives_the_same_defaults() -> None:
    """The defaults are those that the file states, in the order of the features."""
    log = log_of([_event(AS_OF_US)])
    names = [feature.spec.name for feature in order_of().features]
    assert log.defaults[names.index("favourite")] == 2
    assert log.defaults[names.index("recency")] == 28
    assert log.defaults.dtype == np.float32
