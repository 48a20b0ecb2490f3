"""The same rows on a cluster: the same definition, carried out by Spark."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.events.dates import as_of_dates
from training.events.engines import SPARK
from training.events.label import EventLabel
from training.events.order import EventsOrder
from training.events.query import BadLog, Plan
from training.events.rows import defaults, moments_us, to_table
from training.features import Features
from training.table import Table

DataFrame = Any  # of pyspark.sql, which only those who have a cluster install


class SparkLog:
    """The events of a data frame, duplicates left out.

    Args:
        events: a row for each event, see training.events, with the columns that the query in the file would give. Its
            session's time zone is to be UTC: spark.sql.session.timeZone.
        order: what the file says; its files and query are not used.
        labels: by the name of the outcome.

    Raises:
        BadLog: the events lack a column that something speaks of, there is none, or the session's zone is another.
    """

    def __init__(self, events: DataFrame, order: EventsOrder, labels: Mapping[str, EventLabel]) -> None:
        self._session = events.sparkSession
        self._plan = Plan(order, labels)
        zone = self._session.conf.get("spark.sql.session.timeZone")
        if zone not in {"UTC", "Etc/UTC", "GMT"}:
            raise BadLog(f"spark.sql.session.timeZone is {zone!r}; needed is 'UTC', as times without zone are UTC")
        events.createOrReplaceTempView("events")
        log = self._session.sql(SPARK.say(self._plan.log(events.columns))).cache()
        log.createOrReplaceTempView("log")
        bounds = self._session.sql("SELECT MIN(at_us), MAX(at_us) FROM log").collect()[0]
        if bounds[0] is None:
            raise BadLog("there is no event; needed is at least one with a visitor, a time, and before until")
        self.since_us: int = bounds[0] if order.log.since_ms is None else order.log.since_ms * 1000
        self.until_us: int = bounds[1] + 1 if order.log.until_ms is None else order.log.until_ms * 1000

    @property
    def defaults(self) -> Features:
        """What stands where nothing is known, shape (features,)."""
        return defaults(self._plan)

    def dates(self) -> Sequence[int]:
        """The dates that the file asks for, in milliseconds, earliest first."""
        order = self._plan.order
        return as_of_dates(order.dates, order.log.time_zone, self.since_us, self.until_us)

    def frame(self, as_of_ms: Sequence[int]) -> DataFrame:
        """The rows where they are, for what is too large for one machine: columns as Plan.snapshots has them."""
        return self._session.sql(SPARK.say(self._plan.snapshots(moments_us(as_of_ms))))

    def snapshots(self, as_of_ms: Sequence[int]) -> Table:
        """See EventLog.snapshots; brought to this machine."""
        found = self.frame(as_of_ms).toArrow()
        columns = {name: found[name].to_numpy() for name in found.column_names}
        as_numbers = {name: v if name == "visitor" else v.astype(np.float64) for name, v in columns.items()}
        return to_table(self._plan, as_numbers | {"as_of_us": columns["as_of_us"]}, self.until_us)
