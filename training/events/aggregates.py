"""Features and labels as SQL: what is gathered of each visitor's events, and what is computed of that.

All of it is written for DuckDB; training.events.engines says it for Spark. Names in capitals that begin with EVENT_
stand for what the two say differently.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from training.events import feature as functions
from training.events import label as labels
from training.events.chains import column
from training.events.expressions import duckdb_sql, literal
from training.events.feature import EventFeature
from training.events.label import EventLabel

DAY_US: Final = 86_400_000_000


def us(days: float) -> int:
    """Days of 24 hours in microseconds."""
    return round(days * DAY_US)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The aggregates of one pass over the events; each is gathered once, however many features use it.

    Attributes:
        names: name of the column, by the SQL that gathers it as of a moment.
        firsts: name of the column, by the SQL that gathers it of all the events of a visitor, of any time.
    """

    names: dict[str, str] = field(default_factory=dict)
    firsts: dict[str, str] = field(default_factory=dict)

    def add(self, aggregate: str, condition: str) -> str:
        """Name of the column that has this aggregate of the events that meet the condition."""
        sql = f"{aggregate} FILTER (WHERE {condition})"
        return self.names.setdefault(sql, f"a{len(self.names)}")

    def first(self, condition: str) -> str:
        """Name of the column that has the time of the visitor's earliest event that meets the condition."""
        return self.firsts.setdefault(f"MIN(at_us) FILTER (WHERE {condition})", f"b{len(self.firsts)}")

    def sum(self, value: str, condition: str) -> str:
        """Sum of a value, nothing (NULL) where there is none."""
        return self.add(f"EVENT_SUM(CAST({value} AS DOUBLE))", condition)

    def count(self, value: str, condition: str) -> str:
        """How many events have the value; how many events, where no value is named."""
        return self.add(f"COUNT({value or '*'})", condition)


@dataclass(frozen=True, slots=True)
class _Task:
    """A feature with what its SQL is made of.

    Attributes:
        feature: itself.
        gathered: where its aggregates go.
        value: its value of an event.
        condition: which events count: strictly before, in the window, and as the feature says.
    """

    feature: EventFeature
    gathered: Gathered
    value: str
    condition: str

    @property
    def window_us(self) -> int:
        return us(self.feature.window_days or 0)


def feature_sql(feature: EventFeature, gathered: Gathered) -> str:
    """What the feature is, computed of what is gathered; NULL where nothing is known."""
    condition = before(feature.window_days, feature.where)
    return _FUNCTIONS[feature.function](_Task(feature, gathered, _value(feature.of), condition))


def label_sql(label: EventLabel, gathered: Gathered) -> str:
    """What the outcome is, computed of what is gathered."""
    condition = f"age_us <= 0 AND age_us > -{us(label.within_days)}{_and(label.where)}"
    if label.function == labels.SUM:
        return f"COALESCE({gathered.sum(_value(label.of), condition)}, 0)"
    count = gathered.count("", condition)
    return f"CAST({count} AS DOUBLE)" if label.function == labels.COUNT else _case(f"{count} > 0", "1E0", "0E0")


def before(window_days: float | None, where: str) -> str:
    """The condition of an event strictly before the moment, within the window, that meets the condition."""
    window = "" if window_days is None else f" AND age_us <= {us(window_days)}"
    return f"age_us > 0{window}{_and(where)}"


def _value(text: str) -> str:
    return duckdb_sql(text) if text else "1"


def _and(text: str) -> str:
    return f" AND {duckdb_sql(text)}" if text else ""


def _case(condition: str, then: str, otherwise: str) -> str:
    return f"CASE WHEN {condition} THEN {then} ELSE {otherwise} END"


def _ratio(above: str, below: str) -> str:
    return f"CAST({above} AS DOUBLE) / NULLIF({below}, 0)"


def _count(task: _Task) -> str:
    return f"CAST({task.gathered.count('', task.condition)} AS DOUBLE)"


def _sum(task: _Task) -> str:
    return f"COALESCE({task.gathered.sum(task.value, task.condition)}, 0)"


def _mean(task: _Task) -> str:
    return _ratio(task.gathered.sum(task.value, task.condition), task.gathered.count(task.value, task.condition))


def _minimum(task: _Task) -> str:
    return task.gathered.add(f"MIN(CAST({task.value} AS DOUBLE))", task.condition)


def _maximum(task: _Task) -> str:
    return task.gathered.add(f"MAX(CAST({task.value} AS DOUBLE))", task.condition)


def _distinct(task: _Task) -> str:
    return f"CAST({task.gathered.add(f'COUNT(DISTINCT {task.value})', task.condition)} AS DOUBLE)"


def _weight(task: _Task) -> str:
    half_life_us = us(task.feature.half_life_days or 0)
    return f"POWER(2E0, -CAST(age_us AS DOUBLE) / {half_life_us}E0)"


def _decayed(task: _Task) -> str:
    """Source: forward decay with an exponential g gives the same weights (Cormode et al. 2009, section 3)."""
    weighted = f"{_weight(task)} * CAST({task.value} AS DOUBLE)"
    return f"COALESCE({task.gathered.sum(weighted, task.condition)}, 0)"


def _decayed_mean(task: _Task) -> str:
    present = f"{task.condition} AND {task.value} IS NOT NULL"
    weights = task.gathered.sum(_weight(task), present)
    return _ratio(task.gathered.sum(f"{_weight(task)} * CAST({task.value} AS DOUBLE)", present), weights)


def _since_last(task: _Task) -> str:
    return f"CAST({task.gathered.add('MIN(age_us)', task.condition)} AS DOUBLE) / {DAY_US}E0"


def _since_first(task: _Task) -> str:
    """The first event may be long before the window, so it comes from all events of the visitor, gathered apart.

    It is one of the past where it is before the moment, whatever came later.
    """
    where = task.feature.where
    age = f"(as_of_us - {task.gathered.first(duckdb_sql(where) if where else 'TRUE')})"
    capped = f"CAST(LEAST({age}, {task.window_us}) AS DOUBLE) / {DAY_US}E0"
    return _case(f"{age} > 0", capped, "NULL")


def _mean_gap(task: _Task) -> str:
    oldest, newest = (task.gathered.add(f"{name}(age_us)", task.condition) for name in ("MAX", "MIN"))
    gaps = f"({task.gathered.count('', task.condition)} - 1)"
    return f"{_ratio(f'({oldest} - {newest})', gaps)} / {DAY_US}E0"


def _share(task: _Task) -> str:
    part = task.gathered.sum(task.value, task.condition + _and(task.feature.part))
    whole = _value(task.feature.whole) if task.feature.whole else task.value
    return _ratio(f"COALESCE({part}, 0)", task.gathered.sum(whole, task.condition))


def _trend(task: _Task) -> str:
    days = task.feature.window_days or 0, task.feature.recent_days or 0
    recent = task.gathered.sum(task.value, before(days[1], task.feature.where))
    return (
        f"{days[0] / days[1]!r}E0 * {_ratio(f'COALESCE({recent}, 0)', task.gathered.sum(task.value, task.condition))}"
    )


def _most_frequent(task: _Task) -> str:
    words = task.feature.spec.vocabulary
    counts = [task.gathered.count("", f"{task.condition} AND {task.value} = {literal(word)}") for word in words]
    most = f"GREATEST({', '.join(counts)})" if len(counts) > 1 else counts[0]
    found = " ".join(f"WHEN {count} = {most} THEN {i}E0" for i, count in enumerate(counts))
    return f"CASE WHEN {most} = 0 THEN NULL {found} END"


def _last(task: _Task) -> str:
    """Greatest of the newest events' values; a word is minus its position, so that the first word is the greatest."""
    words = task.feature.spec.vocabulary
    places = " ".join(f"WHEN {literal(word)} THEN {-i}E0" for i, word in enumerate(words))
    value = f"CASE {task.value} {places} END" if words else f"CAST({task.value} AS DOUBLE)"
    newest = f"ARG_MAX({value}, {{'age': -age_us, 'value': {value}}})"
    found = task.gathered.add(newest, f"{task.condition} AND {value} IS NOT NULL")
    return f"ABS({found})" if words else found


def _journey(task: _Task) -> str:
    """The most steps of which a way began in the window; the condition is one of the step that ends it."""
    feature = task.feature
    began = [f"as_of_us - {column(feature, step)} <= {task.window_us}" for step in range(1, len(feature.steps) + 1)]
    counts = [task.gathered.count("", f"{before(None, '')} AND {one}") for one in began]
    found = " ".join(f"WHEN {counts[i]} > 0 THEN {i + 1}E0" for i in reversed(range(len(counts))))
    return f"CASE {found} ELSE 0E0 END"


_FUNCTIONS: Final[Mapping[str, Callable[[_Task], str]]] = {
    functions.COUNT: _count,
    functions.SUM: _sum,
    functions.MEAN: _mean,
    functions.MINIMUM: _minimum,
    functions.MAXIMUM: _maximum,
    functions.DISTINCT: _distinct,
    functions.DECAYED_COUNT: _decayed,
    functions.DECAYED_SUM: _decayed,
    functions.DECAYED_MEAN: _decayed_mean,
    functions.SINCE_LAST: _since_last,
    functions.SINCE_FIRST: _since_first,
    functions.MEAN_GAP: _mean_gap,
    functions.SHARE: _share,
    functions.TREND: _trend,
    functions.MOST_FREQUENT: _most_frequent,
    functions.LAST: _last,
    functions.JOURNEY: _journey,
}
