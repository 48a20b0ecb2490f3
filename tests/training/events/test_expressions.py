import duckdb
import pytest

from training.events.expressions import BadExpression, columns, duckdb_sql, parse


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kind =",
        "a, b",
        "SELECT 1",
        "(SELECT 1)",
        "kind IN (SELECT 1)",
        "a = 1; DROP TABLE events",
        "sum(a)",
        "row_number() OVER ()",
        "events.a = 1",
        "read_text('/etc/passwd') = ''",
        "a -> 1",
        "*",
        "a::INTEGER",
        "$1",
        "'open",
    ],
)
def test_refused(text: str) -> None:
    """What is no expression over an event's columns, or may mean another thing elsewhere, is refused in a sentence."""
    with pytest.raises(BadExpression, match=r"is no SQL expression|allowed are|stands by its name alone"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a / b / c", 1.0),
        ("a / 0", None),
        ("(a + b) * c - 1", 23),
        ("kind = 'it''s' AND NOT a IN (1, 2)", True),
        ("CASE WHEN a BETWEEN 7 AND 8 THEN 'x' ELSE 'y' END", "x"),
        ("coalesce(nothing, greatest(a, b), 1)", 8),
        ("nothing IS NULL OR kind LIKE 'z%'", True),
        ("lower(kind) <> upper(kind)", True),
    ],
)
def test_values(text: str, value: object) -> None:
    """Expressions have their usual values; division is of doubles, and by zero it is nothing."""
    row = "SELECT 8 AS a, 4 AS b, 2 AS c, 'it''s' AS kind, CAST(NULL AS INTEGER) AS nothing"
    assert duckdb.connect().query(row).project(duckdb_sql(text)).fetchall() == [(value,)]


def test_columns() -> None:
    """The columns of a text are known by name, whatever their case; an empty text has none."""
    assert columns("Kind = 'a' AND \"my spend\" > kind") == {"kind", "my spend"}
    assert columns("") == frozenset()
