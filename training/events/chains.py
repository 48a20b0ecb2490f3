"""Journeys as columns of the log: at each event, when the latest way began to make so many steps that ends with it.

What ends later never began earlier (see training.journeys.progress), so one number says it for every window: so many
steps were made in a window if a way began in it. The columns know of an event's past alone, so that they may stand in
the log, whatever the moments as of which it is asked.
"""

from collections.abc import Iterable

from training.events.expressions import duckdb_sql, literal, quoted
from training.events.feature import EventFeature

_MS_US = 1000


def column(feature: EventFeature, step: int) -> str:
    """Name of the column of so many steps, from 1; in quotes, since no column of the events is called so."""
    return quoted(f"{feature.spec.name}, step {step}")


def with_chains(log: str, features: Iterable[EventFeature]) -> str:
    """The log with the columns of these journeys.

    Args:
        log: a SELECT of visitor, at_us and the columns that the journeys speak of.
        features: of the function "journey".
    """
    for feature in features:
        log = _with_chain(log, feature)
    return log


def _with_chain(log: str, feature: EventFeature) -> str:
    """One journey after the other of its steps: each looks back at the latest way to make the steps before.

    Events of one moment are in the order of their words, so that the same is found whatever their order in the log.
    Those of another kind are in a partition of their own: they are no steps, and do not count into a gap of events.
    """
    word, name = f"CAST({duckdb_sql(feature.of)} AS VARCHAR)", feature.spec.name
    counts = f"{word} IS NOT NULL" + (f" AND COALESCE({duckdb_sql(feature.where)}, FALSE)" if feature.where else "")
    said, place, own = (quoted(f"{name}, {what}") for what in ("word", "place", "counts"))
    order = f"OVER (PARTITION BY visitor, {own} ORDER BY at_us, {said})"
    log = f"SELECT *, {word} AS {said}, {counts} AS {own} FROM ({log}) AS before_{len(log)}"
    log = f"SELECT *, ROW_NUMBER() {order} AS {place} FROM ({log}) AS before_{len(log)}"
    frame = f"OVER (PARTITION BY visitor, {own} ORDER BY {place} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    for step, wanted in enumerate(feature.steps, start=1):
        conditions = [own, f"{said} = {literal(wanted)}"]
        began = "at_us"
        if step > 1:
            before = column(feature, step - 1)
            began = f"MAX({before}) {frame}"
            if feature.gap.most_ms is not None:
                ended = f"MAX(CASE WHEN {before} IS NOT NULL THEN at_us END) {frame}"
                conditions.append(f"at_us - {ended} <= {feature.gap.most_ms * _MS_US}")
            if feature.gap.most_events is not None:
                ended_at = f"MAX(CASE WHEN {before} IS NOT NULL THEN {place} END) {frame}"
                conditions.append(f"{place} - {ended_at} <= {feature.gap.most_events}")
        made = f"CASE WHEN {' AND '.join(conditions)} THEN {began} END AS {column(feature, step)}"
        log = f"SELECT *, {made} FROM ({log}) AS before_{len(log)}"
    return log
