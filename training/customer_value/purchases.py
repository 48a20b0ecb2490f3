"""Purchases, and what BG/NBD and Gamma-Gamma read of each customer's: how many, how recent, since when, how much."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from training.errors import NotTrained
from training.heads import FloatArray

DAY_MS = 86_400_000
DAYS_PER_UNIT = 7.0  # weeks, as in the papers; the figures of a fit are per week, its predictions do not depend on it


class NoBaseline(NotTrained):
    """The purchases cannot be modelled. The text says what is wrong with them."""


@dataclass(frozen=True, slots=True, eq=False)
class Purchases:
    """A log of purchases, in any order.

    Attributes:
        visitors: shape (n,), of str: who bought.
        at_ms: shape (n,), int64: when, UTC.
        amounts: shape (n,), float64: for how much; 0 for a gift, below 0 for goods that came back.
    """

    visitors: npt.NDArray[np.str_]
    at_ms: npt.NDArray[np.int64]
    amounts: FloatArray

    @classmethod
    def of(cls, visitors: npt.ArrayLike, at_ms: npt.ArrayLike, amounts: npt.ArrayLike) -> Self:
        """A log of these columns.

        Raises:
            NoBaseline: the columns differ in length, or an amount is no finite number.
        """
        log = cls(np.asarray(visitors, np.str_), np.asarray(at_ms, np.int64), np.asarray(amounts, np.float64))
        if not len(log.visitors) == len(log.at_ms) == len(log.amounts):
            lengths = f"{len(log.visitors)}, {len(log.at_ms)} and {len(log.amounts)}"
            raise NoBaseline(f"visitors, times and amounts of the purchases are {lengths}; needed is one of each")
        if not np.isfinite(log.amounts).all():
            raise NoBaseline("an amount of a purchase is not a finite number; leave such purchases out, or repair them")
        return log

    @classmethod
    def from_query(cls, connection: Any, query: str) -> Self:  # noqa: ANN401  # duckdb ships incomplete types
        """The log that a query gives, whose columns are the visitor, the time in milliseconds and the amount.

        Args:
            connection: of duckdb.
            query: SQL with three columns, in this order.

        Raises:
            NoBaseline: as `of`.
        """
        columns = list(connection.execute(query).fetchnumpy().values())
        if len(columns) != len(("visitor", "at_ms", "amount")):
            raise NoBaseline(
                f"the query of purchases gives {len(columns)} columns; needed are visitor, time and amount"
            )
        if any(np.ma.is_masked(column) for column in columns):
            raise NoBaseline("the query of purchases gives NULL; leave such purchases out with WHERE … IS NOT NULL")
        return cls.of(*columns)


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """What is known of each customer at a moment, one row for each, in the order of their names. Shapes (n,).

    Attributes:
        visitors: whom it is about.
        frequency: number of days with a purchase after the first such day.
        recency: time between the first and the last such day.
        age: time between the first such day and the last day that was watched, at least the recency.
        mean_spend: mean amount of the days that frequency counts, 0 where there are none.

    Times are in units of DAYS_PER_UNIT days.
    """

    visitors: npt.NDArray[np.str_]
    frequency: FloatArray
    recency: FloatArray
    age: FloatArray
    mean_spend: FloatArray

    def __len__(self) -> int:
        """Number of customers."""
        return len(self.visitors)


def summarize(log: Purchases, until_ms: int) -> Summary:
    """The customers of a log by what they did strictly before a moment.

    Purchases of one day, UTC, are one purchase of their total: people who pay twice in a day came once. A day whose
    total is below 0 is none: somebody brought something back.

    Source: Fader, Hardie and Lee, "Counting your customers" the easy way, 2005, section 6; the repeat spend as in Fader
    and Hardie, The Gamma-Gamma model of monetary value, 2013.
    """
    known = log.at_ms < until_ms
    visitors, customer = np.unique(log.visitors[known], return_inverse=True)
    days, day_of = np.unique(np.column_stack([customer, log.at_ms[known] // DAY_MS]), axis=0, return_inverse=True)
    totals = np.bincount(day_of.ravel(), log.amounts[known], len(days))
    days, totals = days[totals >= 0], totals[totals >= 0]
    who, first, count = np.unique(days[:, 0], return_index=True, return_counts=True)
    opening, closing = days[first, 1], days[first + count - 1, 1]  # sorted by customer, then day
    repeat_spend = np.bincount(days[:, 0], totals, len(visitors))[who] - totals[first]
    last_watched = (until_ms - 1) // DAY_MS
    return Summary(
        visitors=visitors[who],
        frequency=(count - 1).astype(np.float64),
        recency=(closing - opening) / DAYS_PER_UNIT,
        age=(last_watched - opening) / DAYS_PER_UNIT,
        mean_spend=repeat_spend / np.maximum(count - 1, 1),
    )
