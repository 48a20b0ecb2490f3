"""The two statements: the log as it counts, and rows as of some moments in one pass over it."""

# the statements are put together from checked expressions, quoted names and numbers

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from training.errors import NotTrained
from training.events.aggregates import Gathered, before, feature_sql, label_sql, us
from training.events.chains import column, with_chains
from training.events.expressions import columns, literal, quoted
from training.events.feature import JOURNEY, SINCE_FIRST, EventFeature
from training.events.label import EventLabel
from training.events.order import RESERVED, EventsOrder, mentioned

_NEEDED: Final = ("visitor", "time")
_GIVEN: Final = frozenset({*RESERVED, "visitor"})


class BadLog(NotTrained):
    """The events do not have what is asked of them. The text says what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of a log.

    Attributes:
        order: what the file says.
        labels: by the name of the outcome.
        words: further columns to keep, in lower case.
    """

    order: EventsOrder
    labels: Mapping[str, EventLabel]
    words: Collection[str] = ()

    @property
    def used(self) -> frozenset[str]:
        """Columns that something speaks of, in lower case."""
        texts = [text for label in self.labels.values() for text in (label.where, label.of)]
        return frozenset(self.words).union(*mentioned(self.order).values(), *(columns(text) for text in texts))

    def log(self, found: Sequence[str]) -> str:
        """The events, each once, as a view `events` has them.

        Its columns are visitor, at_us (microseconds since 1970), the hour (0 to 23) and the weekday (1 for Monday to 7)
        in the log's zone where something speaks of them, and the other columns that something speaks of.

        Args:
            found: columns of the view.

        Raises:
            BadLog: a column is absent, or has a name that the log itself gives.
        """
        self._check(found)
        own = "".join(f", {quoted(name)}" for name in found if name.lower() in self.used - _GIVEN)
        zone = literal(self.order.log.time_zone)
        clock = "".join(
            f", {piece}(at_us, {zone}) AS {name}"
            for name, piece in (("hour", "EVENT_HOUR"), ("weekday", "EVENT_WEEKDAY"))
            if name in self.used
        )
        until_ms = self.order.log.until_ms
        until = "" if until_ms is None else f" AND EVENT_TIME(time) < {until_ms * 1000}"
        has_id = "id" in {name.lower() for name in found}
        nth = (
            f", ROW_NUMBER() OVER (PARTITION BY visitor, id ORDER BY EVENT_TIME(time){own}) AS nth, id IS NULL AS alone"
        )
        once = (
            f"SELECT visitor, at_us{clock}{own} FROM ("
            f"SELECT CAST(visitor AS VARCHAR) AS visitor, EVENT_TIME(time) AS at_us{own}{nth if has_id else ''}"
            f" FROM events WHERE visitor IS NOT NULL AND time IS NOT NULL{until}"
            f") AS every{' WHERE nth = 1 OR alone' if has_id else ''}"
        )
        if not self._journeys:
            return once
        kept = ["visitor", "at_us", *self._kept()]
        return f"SELECT {', '.join(kept)} FROM ({with_chains(once, self._journeys)}) AS every"

    def snapshots(self, as_of_us: Sequence[int]) -> str:
        """Every visitor of the population as of every moment, over a view `log`: see `log`.

        Columns: as_of_us, visitor, f0, f1 ... for the features, NULL where nothing is known, and l0, l1 ... for the
        labels, whether or not their time is over. In the order of moment and visitor.

        Args:
            as_of_us: the moments, distinct, at least one.
        """
        moments = f"(VALUES {', '.join(f'(CAST({moment} AS BIGINT))' for moment in as_of_us)}) AS moments(as_of_us)"
        dates = self.order.dates
        present = f"COUNT(*) FILTER (WHERE {before(dates.window_days, dates.where)}) > 0"
        return self._rows(f"{moments} JOIN log ON {self._reach()}", ("as_of_us", "visitor"), "log.visitor", present)

    def at(self) -> str:
        """As snapshots, for a view `moments` of pairs: nth, visitor, as_of_us. A row for each, in the order of nth.

        A visitor without events has a row too.
        """
        joined = f"moments LEFT JOIN log ON log.visitor = moments.visitor AND {self._reach()}"
        return self._rows(joined, ("nth", "as_of_us", "visitor"), "moments.visitor", "TRUE")

    @property
    def _journeys(self) -> list[EventFeature]:
        return [feature for feature in self.order.features if feature.function == JOURNEY]

    @property
    def _ways(self) -> list[str]:
        """Columns that the log has for journeys."""
        return [column(feature, step + 1) for feature in self._journeys for step in range(len(feature.steps))]

    def _kept(self) -> list[str]:
        """The log's columns but visitor and at_us."""
        own = self.used - _GIVEN | self.used & {"hour", "weekday"}
        return [*map(quoted, sorted(own)), *self._ways]

    def _rows(self, joined: str, keys: Sequence[str], visitor: str, present: str) -> str:
        gathered = Gathered()
        features = [f"{feature_sql(one, gathered)} AS f{i}" for i, one in enumerate(self.order.features)]
        found = [f"{label_sql(one, gathered)} AS l{i}" for i, one in enumerate(self.labels.values())]
        aggregates = "".join(f", {sql} AS {name}" for sql, name in gathered.names.items())
        firsts = ", ".join(f"{sql} AS {name}" for sql, name in gathered.firsts.items())
        first = f" LEFT JOIN (SELECT visitor, {firsts} FROM log GROUP BY visitor) AS firsts USING (visitor)"
        own = "".join(f", log.{name}" for name in self._kept())
        as_of = ", EVENT_MOMENT(as_of_us) AS as_of" if "as_of" in self.used else ""
        nth = "nth, " if "nth" in keys else ""
        return (
            f"SELECT {', '.join([*keys, *features, *found])} FROM ("
            f"SELECT {', '.join(keys)}{aggregates} FROM ("
            f"SELECT {nth}as_of_us, as_of_us - at_us AS age_us, {visitor} AS visitor{as_of}{own} FROM {joined}"
            f") AS seen GROUP BY {', '.join(keys)} HAVING {present}"
            f") AS gathered{first if firsts else ''} ORDER BY {', '.join(keys[:2])}"
        )

    def _reach(self) -> str:
        """Which events can matter to a moment: in the longest window before it, or the longest time after it."""
        after = max((us(label.within_days) for label in self.labels.values()), default=0)
        windows = [f.window_days for f in self.order.features if f.function != SINCE_FIRST]
        earliest = (
            ""
            if None in windows
            else f" AND at_us >= as_of_us - {us(max([self.order.dates.window_days, *filter(None, windows)]))}"
        )
        return f"at_us < as_of_us + {after}{earliest}"

    def _check(self, found: Collection[str]) -> None:
        present = {name.lower() for name in found}
        there = f"there are {', '.join(sorted(present))}"
        for name in _NEEDED:
            if name not in present:
                raise BadLog(f"the events have no column {name}; needed are visitor and time, and {there}")
        for name in sorted(present & set(RESERVED)):
            raise BadLog(
                f"the events have a column {name}, which is what the log itself calls it; needed is another name"
            )
        known = present | set(RESERVED[:1]) | {"hour", "weekday"}
        for place, said in [*mentioned(self.order).items(), *self._said_of_labels()]:
            for name in sorted(said - known):
                raise BadLog(f"{place}: {name} is no column of the events; {there}")

    def _said_of_labels(self) -> list[tuple[str, frozenset[str]]]:
        return [
            (f"outcomes ({name!r})", columns(label.where) | columns(label.of)) for name, label in self.labels.items()
        ]
