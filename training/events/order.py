"""What a file says of a log of events: where it is read, what is computed of it, and as of which dates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from training.configuration.section import Section
from training.events.expressions import columns, read_expression
from training.events.feature import EventFeature, read_event_feature

RESERVED: Final = ("as_of", "as_of_us", "age_us", "at_us", "hour", "weekday")  # columns that the log is given


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOrder:
    """Where the log comes from.

    Attributes:
        title: what the records are, for people.
        files: path of a file, or "package:path" of one within a Python package, by the name that the query gives it.
        query: SQL of DuckDB over the files, whose rows are events: visitor, time, and where wanted id and others.
        time_zone: of hours, days of the week and dates, such as "Europe/London".
        since_ms: where the records begin, None for the earliest event.
        until_ms: where the records end: what is not before it is left out. None for just after the latest event.
    """

    title: str
    files: Mapping[str, str]
    query: str
    time_zone: str
    since_ms: int | None
    until_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatesOrder:
    """As of when the rows are, and whom they are about.

    Attributes:
        every_days: from one date to the next, in days of the log's zone.
        window_days: a visitor is in a row who has an event in so long a time before the date; and as long a time lies
            between the beginning of the records and the first date.
        where: which events make a visitor one of the rows, SQL over their columns, "" for any.
        first_ms: no date is before it, None for no limit but the window.
        last_ms: the last date, from which the others are counted back. None for the end of the records.
    """

    every_days: int
    window_days: float
    where: str
    first_ms: int | None
    last_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsOrder:
    """All that a file says of events; labels stand with the outcomes."""

    log: LogOrder
    dates: DatesOrder
    features: tuple[EventFeature, ...]


def read_events(section: Section) -> EventsOrder:
    """The tables [data] and [dates] and the array [[features]] of a file whose data have the shape of events.

    Args:
        section: the whole file; its other keys are left to others.

    Raises:
        BadConfig: a key is absent, wrong, or unknown. The text names it.
    """
    data, dates = section.table("data"), section.table("dates")
    if data is None:
        raise section.fault("data is needed, a table [data] with files and a query that makes events of them")
    if dates is None:
        raise section.fault("dates is needed, a table [dates] with every_days and window_days")
    features = tuple(read_event_feature(feature) for feature in section.tables("features"))
    names = [feature.spec.name.lower() for feature in features]
    if not features:
        raise section.fault("features: there is none; needed is at least one [[features]]")
    for name in names:
        if names.count(name) > 1:
            raise section.fault(f"features: {name} is there twice; needed are distinct names")
    return EventsOrder(log=read_log(data), dates=read_dates(dates), features=features)


def read_log(section: Section) -> LogOrder:
    """The table [data]."""
    section.choice("shape", ("events",))
    time_zone = section.text("time_zone", "UTC")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise section.fault(f"time_zone is {time_zone!r}; needed is one such as 'Europe/London'") from None
    files = section.table("files")
    order = LogOrder(
        title=section.text("title"),
        files={name: files.text(name) for name in files.names()} if files else {},
        query=section.text("query"),
        time_zone=time_zone,
        since_ms=section.moment_ms("since"),
        until_ms=section.moment_ms("until"),
    )
    if order.since_ms is not None and order.until_ms is not None and order.since_ms >= order.until_ms:
        raise section.fault("since is not before until; needed is the beginning of the records and then their end")
    section.finish()
    return order


def read_dates(section: Section) -> DatesOrder:
    """The table [dates]."""
    every_days, window_days = section.whole("every_days"), section.number("window_days")
    if not every_days:
        raise section.fault("every_days is needed, a whole number of days from 1, such as every_days = 7")
    if window_days is None or window_days <= 0:
        raise section.fault("window_days is needed, a number of days above 0, such as window_days = 84")
    order = DatesOrder(
        every_days=every_days,
        window_days=window_days,
        where=read_expression(section, "where"),
        first_ms=section.moment_ms("first"),
        last_ms=section.moment_ms("last"),
    )
    if order.first_ms is not None and order.last_ms is not None and order.first_ms > order.last_ms:
        raise section.fault("first is after last; needed is the first date and then the last")
    section.finish()
    return order


def mentioned(order: EventsOrder) -> Mapping[str, frozenset[str]]:
    """The columns that each feature and the dates speak of, by the place in the file."""
    said = {
        f"features ({feature.spec.name!r})": frozenset[str]().union(
            *(columns(text) for text in (feature.of, feature.where, feature.part, feature.whole))
        )
        for feature in order.features
    }
    return {"dates": columns(order.dates.where), **said}
