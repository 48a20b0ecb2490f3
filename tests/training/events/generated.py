"""Events with everything that events do: ties, duplicates, any order, gaps, and the file that speaks of them."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import duckdb
import numpy as np
import pyarrow as pa

from tests.training.events.plain import DAY_US, WORDS, Event
from training.configuration.section import Section
from training.events.label import EventLabel, read_event_label
from training.events.log import EventLog
from training.events.order import EventsOrder, read_events

# The window before has the night of 31 March 2024, when London's clocks went forward.
AS_OF = datetime(2024, 4, 10, tzinfo=UTC)
AS_OF_MS = round(AS_OF.timestamp() * 1000)
AS_OF_US = AS_OF_MS * 1000

FILE = """
[data]
shape = "events"
title = "generated"
time_zone = "Europe/London"
query = "FROM generated"

[dates]
every_days = 5
window_days = 28
where = "kind <> 'other'"
"""
_FEATURES = {
    "buys_28d": "function = 'count', where = \"kind = 'buy'\", window_days = 28",
    "events_1d": "function = 'count', window_days = 1",
    "spend_28d": "function = 'sum', of = 'spend', where = \"kind = 'buy'\", window_days = 28",
    "spend_mean": "function = 'mean', of = 'spend', window_days = 28, default = 0",
    "spend_least": "function = 'minimum', of = 'spend', window_days = 28, default = -1",
    "spend_most": "function = 'maximum', of = 'spend', window_days = 28, default = -1",
    "words_28d": "function = 'distinct', of = 'word', window_days = 28",
    "visits_decayed": "function = 'decayed_count', where = \"kind = 'visit'\", half_life_days = 2",
    "spend_decayed": "function = 'decayed_sum', of = 'spend', half_life_days = 5",
    "spend_decayed_mean": "function = 'decayed_mean', of = 'spend', where = \"kind = 'buy'\", half_life_days = 3.5,"
    " default = 0",
    "recency": "function = 'since_last', where = \"kind = 'buy'\", window_days = 28",
    "tenure": "function = 'since_first', window_days = 28",
    "gap": "function = 'mean_gap', where = \"kind = 'buy'\", window_days = 28",
    "red_share": "function = 'share', of = 'spend', part = \"word = 'red'\", where = \"kind = 'buy'\","
    " window_days = 28",
    "morning_share": "function = 'share', part = 'hour BETWEEN 5 AND 11', window_days = 28",
    "weekend_share": "function = 'share', part = 'weekday >= 6', window_days = 28",
    "trend": "function = 'trend', of = 'spend', where = \"kind = 'buy'\", window_days = 28, recent_days = 7",
    "favourite": "function = 'most_frequent', of = 'word', window_days = 28, default = 'blue',"
    ' vocabulary = ["red", "green", "blue", "it\'s"]',
    "last_word": "function = 'last', of = 'word', window_days = 28, default = 'green',"
    ' vocabulary = ["red", "green", "blue", "it\'s"]',
    "last_spend": "function = 'last', of = 'spend', window_days = 28, default = 0",
    "running": "function = 'count', where = 'ends >= as_of', window_days = 28",
    "back_again": "function = 'journey', of = 'kind', steps = ['buy', 'visit', 'buy'], window_days = 10,"
    " maximum_gap_hours = 30",
    "colours": "function = 'journey', of = 'word', where = \"kind <> 'other'\","
    " steps = ['red', 'green', 'red', 'blue'], window_days = 28, maximum_gap_hours = 90, maximum_gap_events = 3",
    "any_way": "function = 'journey', of = 'word', steps = ['blue', \"it's\"], window_days = 2",
    "halves": "function = 'sum', of = 'spend / 2 / 4', window_days = 28",
}
LABELS = {
    "buys": EventLabel(function="any", where="kind = 'buy'", within_days=7),
    "visits": EventLabel(function="count", where="kind = 'visit'", within_days=10),
    "spend": EventLabel(function="sum", of="spend", where="kind = 'buy'", within_days=14),
}


def order_of(features: Mapping[str, str] = _FEATURES, file: str = FILE) -> EventsOrder:
    """The order that a file with these features gives; each is the inside of a TOML table."""
    inline = ", ".join(f'{{ name = "{name}", description = "of {name}", {said} }}' for name, said in features.items())
    return read_events(Section(tomllib.loads(f"features = [{inline}]\n{file}")))


def label_of(said: str) -> EventLabel:
    """The label that the inside of a TOML table gives."""
    return read_event_label(Section(tomllib.loads(f"label = {{ {said} }}")["label"], "label"))


def generate(seed: int, count: int = 900, visitors: int = 12) -> list[Event]:
    """Events of three months around AS_OF, in no order, with copies and equal times."""
    rng = np.random.default_rng(seed)
    hours = rng.integers(-70 * 24, 30 * 24, count)  # whole ones, so that many times are equal
    times = AS_OF_US + hours * (DAY_US // 24)
    times[::7] += rng.integers(-(10**9), 10**9, len(times[::7]))
    times[:5] = AS_OF_US
    events = [
        Event(
            visitor=f"v{int(visitors * rng.random() ** 2)}",
            at_us=int(at_us),
            id=None if rng.random() < 0.1 else i,
            kind=str(rng.choice(["buy", "visit", "other"], p=[0.4, 0.5, 0.1])),
            spend=None if rng.random() < 0.3 else round(float(rng.normal(20, 15)), 2),
            word=str(rng.choice([*WORDS, "violet"])) if rng.random() < 0.8 else None,
            ends_us=int(at_us + rng.integers(0, 30 * DAY_US)) if rng.random() < 0.3 else None,
        )
        for i, at_us in enumerate(times)
    ]
    copies = [events[i] for i in rng.integers(0, count, count // 10) if events[i].id is not None]
    altered = [Event(e.visitor, e.at_us + 1_000_000, e.id, "buy", 1000.0, "red") for e in copies[::3]]
    equally_early = [Event(e.visitor, e.at_us, e.id, e.kind, e.spend, "zebra", e.ends_us) for e in copies[1::3]]
    days = rng.integers(-70, 0, visitors).tolist()  # when each begins, so that some are new
    begins = {f"v{i}": AS_OF_US + DAY_US * day for i, day in enumerate(days)}
    everything = [e for e in events + copies + altered + equally_early if e.at_us >= begins[e.visitor]]
    return [everything[i] for i in rng.permutation(len(everything))]


def to_arrow(events: Sequence[Event]) -> pa.Table:
    """The events as columns."""
    moment = pa.timestamp("us", tz="UTC")
    return pa.table(
        {
            "visitor": pa.array([event.visitor for event in events], pa.string()),
            "time": pa.array([event.at_us for event in events], pa.int64()).cast(moment),
            "id": pa.array([event.id for event in events], pa.int64()),
            "kind": pa.array([event.kind for event in events], pa.string()),
            "spend": pa.array([event.spend for event in events], pa.float64()),
            "word": pa.array([event.word for event in events], pa.string()),
            "ends": pa.array([event.ends_us for event in events], pa.int64()).cast(moment),
        }
    )


def log_of(
    events: Sequence[Event], order: EventsOrder | None = None, labels: Mapping[str, EventLabel] = LABELS
) -> EventLog:
    """The events in DuckDB."""
    connection = duckdb.connect()
    connection.register("generated", to_arrow(events))
    connection.execute("CREATE VIEW events AS FROM generated")
    return EventLog(connection, order or order_of(), labels)
