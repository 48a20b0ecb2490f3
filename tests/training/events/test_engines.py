from pathlib import Path
from typing import Any

import numpy as np
from pyarrow import parquet

from tests.training.events import plain
from tests.training.events.generated import AS_OF_MS, LABELS, generate, log_of, order_of, to_arrow
from tests.training.events.plain import DAY_US, History
from training.events.engines import DUCKDB
from training.events.rows import moments_us
from training.events.spark import SparkLog

DATES_MS = [AS_OF_MS + days * DAY_US // 1000 for days in (-20, 0, 9)]
EVENTS = generate(0)


def _expected(dates_ms: list[int]) -> dict[tuple[int, str], dict[str, float | None]]:
    """By moment and visitor, every feature and label of those with an event that counts in the window."""
    events, found = plain.once(EVENTS), {}
    for date_ms in dates_ms:
        for visitor in {event.visitor for event in events}:
            history = History([event for event in events if event.visitor == visitor], date_ms * 1000)
            if any(event.kind != "other" for event in history.before(28)):
                known = {name: value(history) for name, value in (plain.FEATURES | plain.LABELS).items()}
                found[date_ms * 1000, visitor] = known
    return dict(sorted(found.items()))


def _same(found: dict[str, np.ndarray], rel: float) -> None:
    expected = _expected(DATES_MS)
    keys = list(zip(found["as_of_us"].tolist(), found["visitor"].tolist(), strict=True))
    assert keys == list(expected)
    for i, name in enumerate([*plain.FEATURES, *plain.LABELS]):
        column = f"f{i}" if i < len(plain.FEATURES) else f"l{i - len(plain.FEATURES)}"
        values = np.array([known[name] for known in expected.values()], dtype=np.float64)  # None becomes NaN
        np.testing.assert_allclose(found[column].astype(float), values, rel, 1e-12, err_msg=name)


def test_every_function_is_tried() -> None:
    """The features that are compared are those that the plain computation has, and no value is the same for all."""
    assert [feature.spec.name for feature in order_of().features] == list(plain.FEATURES)
    rows = _expected(DATES_MS).values()
    for name in [*plain.FEATURES, *plain.LABELS]:
        assert len({row[name] for row in rows}) > 1, name


def test_duckdb_equals_plain_python() -> None:
    """On events with ties, copies and no order, DuckDB's features and labels are those of plain Python."""
    log = log_of(EVENTS)
    statement = log._plan.snapshots(moments_us(DATES_MS))  # noqa: SLF001  # in float64, which the table is not
    found = log._connection.execute(DUCKDB.say(statement)).fetchnumpy()  # noqa: SLF001  # as above
    _same(
        {name: np.ma.filled(column, np.nan) if column.dtype.kind == "f" else column for name, column in found.items()},
        1e-9,
    )


def test_spark_equals_plain_python(spark: Any, tmp_path: Path) -> None:
    """The same definition on Spark gives the same, and the same table."""
    parquet.write_table(to_arrow(EVENTS), tmp_path / "events.parquet")
    log = SparkLog(spark.read.parquet(str(tmp_path / "events.parquet")), order_of(), LABELS)
    found = log.frame(DATES_MS).toArrow()
    _same({name: found[name].to_numpy() for name in found.column_names}, 1e-9)
    table, other = log.snapshots(DATES_MS), log_of(EVENTS).snapshots(DATES_MS)
    np.testing.assert_array_equal(table.visitors, other.visitors)
    np.testing.assert_array_equal(table.as_of_ms, other.as_of_ms)
    np.testing.assert_array_equal(table.is_missing, other.is_missing)
    np.testing.assert_allclose(table.features, other.features, rtol=2e-7)
    for name, outcome in table.outcomes.items():
        np.testing.assert_allclose(outcome, other.outcomes[name], rtol=1e-9)
    assert log.dates() == log_of(EVENTS).dates()
