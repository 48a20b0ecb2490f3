"""Attributes from elsewhere, such as a CRM: what was known of a visitor at the row's moment, and still held then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from training.configuration.section import Section
from training.quality.checks import Finding, unreadable_findings
from training.quality.order import QualityOrder
from training.quality.refusal import BadData
from training.quality.set_aside import Aside
from training.sources.features import FeatureOrder, read_feature
from training.sources.order import SourceOrder, read_null_words, read_sources, read_time_zone
from training.sources.records import open_records
from training.sources.values import Bools, Column, Positions, Values

_NONE = -1
_DAY_MS = 86_400_000
_NEWEST = """
    WITH one AS (SELECT visitor, moment, max(place) AS place FROM known GROUP BY ALL)
    SELECT coalesce(one.place, -1) AS place
    FROM asked ASOF LEFT JOIN one ON asked.visitor = one.visitor AND asked.moment >= one.moment
    ORDER BY asked.number
"""
_LAST_MS = np.iinfo(np.int64).max // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeOrder:
    """A table of attributes.

    Attributes:
        place: the table [[attributes]], for errors.
        name: for people and for what is set aside.
        sources: the files, each by the name that the query gives it.
        query: SQL over them, "" for the records of the only one as they are.
        null_words: texts that mean that a value is missing.
        entity: column of the visitor.
        time: column of the moment from which the attributes were known, "" when they always were.
        time_format: see RowsOrder.
        time_zone: see RowsOrder.
        valid_days: how long they hold from then on, None for no limit.
        valid_until: column of the moment from which they do not hold any more, "" for none.
        purpose: what a visitor must have consented to for them to be used.
        features: made of its columns.
    """

    place: Section
    name: str
    sources: Mapping[str, SourceOrder]
    query: str
    null_words: tuple[str, ...]
    entity: str
    time: str
    time_format: str
    time_zone: str
    valid_days: int | None
    valid_until: str
    purpose: str
    features: tuple[FeatureOrder, ...]


def read_attribute(section: Section) -> AttributeOrder:
    """One [[attributes]] with its [[attributes.features]].

    Raises:
        BadConfig: something in it is absent, wrong or unknown.
    """
    name = section.text("name")
    section.called(name)
    sources, query = read_sources(section)
    order = AttributeOrder(
        place=section,
        name=name,
        sources=sources,
        query=query,
        null_words=read_null_words(section),
        entity=section.text("entity"),
        time=section.text("time", ""),
        time_format=section.text("time_format", ""),
        time_zone=read_time_zone(section),
        valid_days=section.whole("valid_days"),
        valid_until=section.text("valid_until", ""),
        purpose=section.text("purpose"),
        features=tuple(read_feature(feature) for feature in section.tables("features")),
    )
    section.finish()
    if not order.features:
        raise section.fault("features: there is none; needed is at least one [[attributes.features]]")
    if order.valid_days is not None and order.valid_until:
        raise section.fault("valid_days and valid_until say the same; needed is one of them")
    if order.valid_days is not None and not order.time:
        raise section.fault('valid_days counts from the column `time`, which is needed, such as time = "known_since"')
    return order


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Joined:
    """Attributes of rows.

    Attributes:
        columns: one for each feature of the attribute, of the rows of the table.
        asides: of the attribute's own records.
        findings: about the join.
    """

    columns: Sequence[Column]
    asides: Sequence[Aside]
    findings: Sequence[Finding]


def join_attribute(
    order: AttributeOrder,
    visitors: npt.NDArray[np.str_],
    as_of_ms: Positions | None,
    folders: Sequence[Path],
    limits: QualityOrder,
) -> Joined:
    """What was known of each visitor as of each row: the newest not after it, missing when that does not hold any more.

    Args:
        order: which attributes.
        visitors: shape (n,), whom the rows are about.
        as_of_ms: shape (n,), moments of the rows; None: the newest of all, with no expiry.
        folders: where the file is looked up.
        limits: of what may be wrong.

    Raises:
        BadConfig: the file cannot be read, or attributes expire and the rows have no moment.
        BadData: a column is absent, or a visitor is there twice and there is no time to tell which is newer.
    """
    if as_of_ms is None and (order.valid_days is not None or order.valid_until):
        raise order.place.fault("the attributes expire, but the rows have no moment: [data] needs time = …")
    wanted = [order.entity, order.time, order.valid_until, *(feature.column for feature in order.features)]
    with open_records(order.sources, order.place, order.query, folders) as records:
        rows = records.fetch([column for column in wanted if column])
        rejects = records.rejects()
    values = Values(rows, order.null_words, order.name)
    whose, nobody = values.names(order.entity)
    since, until, wrong = _validity(order, values)
    asides = [
        *rejects,
        values.aside(order.entity, nobody, "has no visitor"),
        *wrong,
    ]
    usable = ~nobody
    for aside in wrong:
        usable[aside.rows] = False
    if not order.time:
        _check_single(order, whose[usable])
    moments = np.full(len(visitors), _LAST_MS, dtype=np.int64) if as_of_ms is None else as_of_ms
    found = newest(visitors, moments, whose, since, np.flatnonzero(usable))
    expired = (found != _NONE) & (np.append(until, 0)[found] <= moments)
    found = np.where(expired, _NONE, found)
    columns = [values.read(f.column, f.kind or values.kind(f.column)) for f in order.features]
    return Joined(
        columns=[column.take(found) for column in columns],
        asides=[*asides, *(column.unreadable for column in columns if column.unreadable is not None)],
        findings=[*_findings(order, found, expired), *_unreadable(order, columns, len(values), limits)],
    )


def newest(
    visitors: npt.NDArray[np.str_],
    as_of_ms: Positions,
    whose: npt.NDArray[np.str_],
    since_ms: Positions,
    usable: Positions,
) -> Positions:
    """Position of each row's attributes, shape (n,): the visitor's newest not after the row, -1 for none.

    Of two of the same moment it is the later in the file.

    Args:
        visitors: shape (n,), of the rows.
        as_of_ms: shape (n,), of the rows.
        whose: shape (m,), of the attributes.
        since_ms: shape (m,), of the attributes.
        usable: positions of the attributes that may be used.
    """
    connection = duckdb.connect(config={"enable_external_access": False})
    rows = {"number": pa.array(np.arange(len(visitors))), "visitor": pa.array(visitors), "moment": pa.array(as_of_ms)}
    known = {"place": pa.array(usable), "visitor": pa.array(whose[usable]), "moment": pa.array(since_ms[usable])}
    connection.register("asked", pa.table(rows))
    connection.register("known", pa.table(known))
    found = connection.sql(_NEWEST).to_arrow_table()
    positions: Positions = found["place"].to_numpy().astype(np.int64)
    return positions


def _validity(order: AttributeOrder, values: Values) -> tuple[Positions, Positions, list[Aside]]:
    """From when and until when each of the attributes holds, and those whose moments cannot be read."""
    wrong = []
    since = np.zeros(len(values), dtype=np.int64)
    until = np.full(len(values), np.iinfo(np.int64).max)
    if order.time:
        since, aside = values.moments(order.time, order.time_format, order.time_zone)
        wrong.append(aside)
    if order.valid_days is not None:
        until = since + order.valid_days * _DAY_MS
    if order.valid_until:
        until, aside = values.moments(order.valid_until, order.time_format, order.time_zone)
        wrong.append(aside)
    return (since if order.time else np.full(len(values), -_LAST_MS)), until, wrong


def _check_single(order: AttributeOrder, whose: npt.NDArray[np.str_]) -> None:
    visitors, counts = np.unique(whose, return_counts=True)
    if len(visitors) and counts.max() > 1:
        visitor = str(visitors[counts.argmax()])
        raise BadData(
            f"attribute {order.name!r}: visitor {visitor!r} is there {counts.max()} times; needed is "
            'one row for each, or time = "…", a column that says which is the newest'
        )


def _unreadable(order: AttributeOrder, columns: Sequence[Column], total: int, limits: QualityOrder) -> list[Finding]:
    findings = []
    for feature, column in zip(order.features, columns, strict=True):
        count = len(column.unreadable) if column.unreadable is not None else 0
        findings += unreadable_findings(feature.name, count, total, limits)
    return findings


def _findings(order: AttributeOrder, found: Positions, expired: Bools) -> list[Finding]:
    findings = []
    total = max(len(found), 1)
    for check, count, text in (
        ("attribute", int((found == _NONE).sum()), "have none of its attributes that hold"),
        ("expired", int(expired.sum()), "have attributes that did not hold any more"),
    ):
        if count:
            sentence = f"attribute {order.name!r}: {count:,} of {total:,} rows ({count / total:.1%}) {text}"
            findings.append(Finding(check, order.name, count, count / total, sentence))
    return findings
