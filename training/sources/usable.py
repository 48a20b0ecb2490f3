"""Which rows of the records are used: those of a visitor, at a possible moment, with consent, and once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from training.quality.checks import Finding, same_rows, set_aside_rows
from training.quality.refusal import BadData
from training.quality.set_aside import Aside
from training.sources.order import DROP, RECORDS, RowsOrder
from training.sources.records import open_records
from training.sources.values import TRUTH, Bools, Positions, Values

_EARLIEST_MS = 631_152_000_000  # 1990-01-01: nobody kept records of visitors before
_LATEST_MS = 4_102_444_800_000  # 2100-01-01: microseconds that are taken for milliseconds lie beyond


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Usable:
    """The rows that are used.

    Attributes:
        values: their columns.
        positions: shape (n,), of each among all rows that were read.
        visitors: shape (n,), whom each is about; the position where the records do not say.
        as_of_ms: shape (n,), moment of each, None when the records have none.
        row_count: of all that were read, with lines that were no rows.
        findings: about the rows that are not used.
        asides: those rows.
    """

    values: Values
    positions: Positions
    visitors: npt.NDArray[np.str_]
    as_of_ms: Positions | None
    row_count: int
    findings: Sequence[Finding]
    asides: Sequence[Aside]


def find_usable(order: RowsOrder, learned: Sequence[str], folders: Sequence[Path], memory: str) -> Usable:
    """Reads the columns that are needed, and sets rows aside, each for the first reason that it gives.

    Args:
        order: the records.
        learned: columns that features, answers and the like are made of.
        folders: where relative paths are looked up.
        memory: as DuckDB's memory_limit has it, "" for its own.

    Raises:
        BadConfig: the file or query cannot be read.
        BadData: a column is absent, or no row is left.
    """
    own = [column for column in (order.entity, order.time, order.identifier, order.consent) if column]
    with open_records(order.sources, order.place, order.query, folders, memory) as records:
        rows = records.fetch([*own, *learned])
        rejects = records.rejects()
    values = Values(rows, order.null_words, RECORDS)
    sieve = _Sieve(values, len(rows) + sum(len(aside) for aside in rejects))
    for aside in rejects:
        sieve.note("unreadable_line", aside)
    visitors = _visitors(order, values, sieve)
    as_of_ms = _moments(order, values, sieve)
    _consent(order, values, sieve)
    _duplicates(order, [*own, *learned], values, sieve)
    positions = np.flatnonzero(sieve.is_used)
    if not len(positions):
        reasons = "; ".join(finding.text for finding in sieve.findings)
        raise BadData(f"no row can be used: {reasons or 'the records have none'}")
    return Usable(
        values=values
        if sieve.is_used.all()
        else Values(rows.filter(pa.array(sieve.is_used)), order.null_words, RECORDS),
        positions=positions,
        visitors=visitors[positions],
        as_of_ms=None if as_of_ms is None else as_of_ms[positions],
        row_count=sieve.row_count,
        findings=sieve.findings,
        asides=sieve.asides,
    )


@dataclass(slots=True, eq=False)
class _Sieve:
    """Rows that are still used, and why the others are not."""

    values: Values
    row_count: int
    findings: list[Finding] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)
    is_used: Bools = field(init=False)

    def __post_init__(self) -> None:
        self.is_used = np.ones(len(self.values), dtype=np.bool_)

    def drop(self, check: str, column: str, where: Bools, reason: str) -> None:
        """Sets aside the rows of a mask that are still used."""
        self.note(check, self.values.aside(column, where & self.is_used, reason))
        self.is_used &= ~where

    def note(self, check: str, aside: Aside) -> None:
        self.findings += set_aside_rows(check, aside.column, aside.reason, len(aside), self.row_count)
        if len(aside):
            self.asides.append(aside)


def _visitors(order: RowsOrder, values: Values, sieve: _Sieve) -> npt.NDArray[np.str_]:
    if not order.entity:
        return np.arange(len(values)).astype(f"U{len(str(len(values)))}")
    visitors, nobody = values.names(order.entity)
    sieve.drop("visitor", order.entity, nobody, f"the column {order.entity!r} names no visitor")
    return visitors


def _moments(order: RowsOrder, values: Values, sieve: _Sieve) -> Positions | None:
    if not order.time:
        return None
    moments, wrong = values.moments(order.time, order.time_format, order.time_zone)
    unread = np.zeros(len(values), dtype=np.bool_)
    unread[wrong.rows] = True
    sieve.drop("time", order.time, unread, f"the column {order.time!r} is no moment")
    sieve.drop("time", order.time, moments < _EARLIEST_MS, f"{order.time!r} is before 1990")
    latest = _LATEST_MS if order.until_ms is None else order.until_ms
    when = "in 2100 or later" if order.until_ms is None else "not before the end of the records (until)"
    sieve.drop("time", order.time, moments >= latest, f"{order.time!r} is {when}")
    return moments


def _consent(order: RowsOrder, values: Values, sieve: _Sieve) -> None:
    if order.consent:
        given = values.read(order.consent, TRUTH).values == 1
        sieve.drop("consent", order.consent, ~given, f"the column {order.consent!r} gives no consent")


def _duplicates(order: RowsOrder, columns: Sequence[str], values: Values, sieve: _Sieve) -> None:
    if order.identifier:
        named = ~values.names(order.identifier)[1]
        again = values.same([order.identifier], sieve.is_used & named)
        sieve.drop("duplicates", order.identifier, again, f"{order.identifier!r} is that of an earlier row")
        return
    again = values.same(columns, sieve.is_used)
    are_dropped = order.duplicates == DROP
    sieve.findings += same_rows(int(again.sum()), sieve.row_count, are_dropped=are_dropped)
    if are_dropped:
        sieve.asides.append(values.aside("", again, "is the same as an earlier row"))
        sieve.is_used &= ~again
