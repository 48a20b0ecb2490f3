"""A log of events in DuckDB: rows for training as of any dates."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt

from training.customer_value.purchases import Purchases
from training.events.aggregates import us
from training.events.dates import as_of_dates
from training.events.engines import DUCKDB
from training.events.expressions import duckdb_sql, quoted
from training.events.label import EventLabel
from training.events.order import EventsOrder
from training.events.query import BadLog, Plan
from training.events.rows import Columns, defaults, joined, moments_us, to_table
from training.features import Features
from training.journeys.sequences import Sequences
from training.table import Table

# The aggregates of a row take about a kilobyte: more rows at once would spill to disk on a small machine.
_ROWS_AT_ONCE: Final = 1_000_000
_MOMENTS: Final = ("TIMESTAMP", "DATE")


class EventLog:
    """The events, read once, duplicates left out.

    Args:
        connection: with a view or table `events`: a row for each event, see training.events. It becomes the log's own.
        order: what the file says.
        labels: by the name of the outcome.
        words: columns whose values are the steps of journeys.

    Raises:
        BadLog: the events lack a column that something speaks of, or there is none.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        order: EventsOrder,
        labels: Mapping[str, EventLabel],
        words: Collection[str] = (),
    ) -> None:
        self._connection = connection
        self._plan = Plan(order, labels, [word.lower() for word in words])
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET TimeZone = 'UTC'")
        # Counted before there is a table of the name log, which would hide a file of this name from the view.
        self.read_count: int = _asked(connection, "SELECT count(*) FROM events").fetchall()[0][0]
        found = {row[0]: str(row[1]) for row in connection.execute("DESCRIBE events").fetchall()}
        if not found.get("time", "TIMESTAMP").startswith(_MOMENTS):
            raise BadLog(
                f"the column time of the events is {found['time']}; needed are moments, such as "
                "CAST(time AS TIMESTAMP) AS time in the query"
            )
        log_sql = DUCKDB.say(self._plan.log(list(found)))
        _asked(connection, f"CREATE OR REPLACE TEMP TABLE log AS {log_sql}")
        bounds = connection.execute(
            "SELECT min(at_us), max(at_us), approx_count_distinct(visitor), count(*) FROM log"
        ).fetchall()[0]
        self.kept_count: int = bounds[3]
        if bounds[0] is None:
            raise BadLog("there is no event; needed is at least one with a visitor, a time, and before until")
        self._visitor_count = max(int(bounds[2]), 1)
        log = order.log
        self.since_us: int = bounds[0] if log.since_ms is None else log.since_ms * 1000
        self.until_us: int = bounds[1] + 1 if log.until_ms is None else log.until_ms * 1000

    @property
    def defaults(self) -> Features:
        """What stands where nothing is known, shape (features,)."""
        return defaults(self._plan)

    def dates(self) -> Sequence[int]:
        """The dates that the file asks for, in milliseconds, earliest first."""
        order = self._plan.order
        return as_of_dates(order.dates, order.log.time_zone, self.since_us, self.until_us)

    def snapshots(self, as_of_ms: Sequence[int]) -> Table:
        """Every visitor with an event in the window before a date, as of each date, by date and then visitor.

        The events are passed over once for as many dates as give a million rows.
        """
        if not as_of_ms:
            raise BadLog(
                "there is no date; needed are records longer than window_days, or a first and last within them"
            )
        dates = moments_us(as_of_ms)
        step = max(1, _ROWS_AT_ONCE // self._visitor_count)
        some = (self._plan.snapshots(dates[i : i + step]) for i in range(0, len(dates), step))
        return joined([to_table(self._plan, self._found(sql), self.until_us) for sql in some])

    def at(self, visitors: Sequence[str], as_of_ms: Sequence[int]) -> Table:
        """These visitors as of these moments, pair by pair, in the order given; also such as have no events yet.

        Args:
            visitors: shape (n,).
            as_of_ms: shape (n,).
        """
        self._connection.execute("CREATE OR REPLACE TEMP TABLE moments (nth BIGINT, visitor VARCHAR, as_of_us BIGINT)")
        pairs = {
            "visitor": np.array(visitors, dtype=object),
            "as_of_us": np.array(as_of_ms, dtype=np.int64) * 1000,
            "nth": np.arange(len(visitors)),
        }
        self._connection.register("pairs", pairs)
        self._connection.execute("INSERT INTO moments SELECT nth, visitor, as_of_us FROM pairs")
        self._connection.unregister("pairs")
        return to_table(self._plan, self._found(self._plan.at()), self.until_us)

    def purchases(self, label: EventLabel) -> Purchases:
        """The events that a sum adds up, each with its amount; those of nothing, or less, are left out."""
        where = f" AND ({duckdb_sql(label.where)})" if label.where else ""
        amount = duckdb_sql(label.of)
        return Purchases.from_query(
            self._connection,
            f"SELECT visitor, at_us // 1000, CAST({amount} AS DOUBLE) FROM log WHERE ({amount}) > 0{where} "
            "ORDER BY visitor, at_us",
        )

    def sequences(self, visitors: Sequence[str], as_of_ms: int, word: str, window_days: float | None) -> Sequences:
        """What each of these visitors did strictly before a moment, in the order given.

        Args:
            visitors: shape (n,), distinct.
            as_of_ms: the moment.
            word: column that says what was done; events without one are left out.
            window_days: how far back, None for all that is known.
        """
        since = self.since_us if window_days is None else as_of_ms * 1000 - us(window_days)
        found = self._connection.execute(
            f"SELECT visitor, at_us // 1000 AS at_ms, CAST({quoted(word)} AS VARCHAR) AS word FROM log "
            f"WHERE at_us >= ? AND at_us < ? AND {quoted(word)} IS NOT NULL ORDER BY at_us, word",
            [since, as_of_ms * 1000],
        ).fetchall()
        done: dict[str, list[tuple[int, str]]] = {visitor: [] for visitor in visitors}
        for visitor, at_ms, one in found:
            if visitor in done:
                done[visitor].append((at_ms, one))
        return Sequences.of(list(done.values()))

    def _found(self, sql: str) -> Columns:
        small = [f"CAST(f{i} AS FLOAT) AS f{i}" for i in range(len(self._plan.order.features))]
        labels = [f"l{i}" for i in range(len(self._plan.labels))]
        columns = ", ".join(["as_of_us", "visitor", *small, *labels])
        statement = f"SELECT {columns} FROM ({DUCKDB.say(sql)})"  # our own
        found = _asked(self._connection, statement).fetchnumpy()
        return {name: _filled(column) for name, column in found.items()}


def _asked(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyConnection:
    """What DuckDB answers.

    Raises:
        BadLog: the events are of such a kind that it cannot. The text has its words.
    """
    try:
        return connection.execute(sql)
    except (duckdb.ProgrammingError, duckdb.DataError) as error:
        said = str(error).split("\n", 1)[0]
        raise BadLog(
            f"the events cannot be read: {said}; see the query, and of, where and part of the features"
        ) from error


def _filled(column: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """NaN where there is nothing, which DuckDB masks; visitors as NumPy's own texts."""
    if column.dtype.kind == "O":
        return column.astype(np.str_)
    return (
        np.ma.filled(column, np.nan) if np.ma.isMaskedArray(column) and column.dtype.kind == "f" else np.asarray(column)
    )
