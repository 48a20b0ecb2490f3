"""What a file may say of an event's columns: the part of SQL that means the same to DuckDB and to Spark."""

from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

from training.configuration.section import Section

_ALLOWED = (
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Boolean,
    exp.Null,
    exp.Paren,
    exp.And,
    exp.Or,
    exp.Not,
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.Between,
    exp.In,
    exp.Is,
    exp.Like,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Neg,
    exp.Case,
    exp.If,
    exp.Coalesce,
    exp.Nullif,
    exp.Least,
    exp.Greatest,
    exp.Abs,
    exp.Lower,
    exp.Upper,
)
_SAID = (
    "columns, numbers, texts in single quotes, comparisons, AND, OR, NOT, IN, BETWEEN, LIKE, IS NULL, + - * /, CASE,"
    " coalesce, nullif, least, greatest, abs, lower and upper"
)


class BadExpression(Exception):
    """A text that is no condition or value over an event's columns. The text says why."""


@cache
def parse(text: str) -> exp.Expression:
    """The text as a tree; not to be altered, as others get the same one.

    Division is of doubles, and by zero it is nothing (NULL): left to themselves one executor says infinity, the other
    breaks off.

    Raises:
        BadExpression: it is no SQL, or SQL whose meaning the executors do not share.
    """
    try:
        if any(token.token_type is TokenType.SEMICOLON for token in sqlglot.tokenize(text, "duckdb")):
            raise BadExpression(f"{text!r} is no SQL expression: it has a semicolon")
        tree = sqlglot.parse_one(text, read="duckdb", into=exp.Condition)
    except SqlglotError as error:
        raise BadExpression(f"{text!r} is no SQL expression") from error
    for node in tree.walk():
        if not isinstance(node, _ALLOWED) or (isinstance(node, exp.In) and node.args.get("query")):
            raise BadExpression(f"{text!r} has {node.sql('duckdb')}; allowed are {_SAID}")
        if isinstance(node, exp.Column) and len(node.parts) > 1:
            raise BadExpression(f"{text!r} has {node.sql('duckdb')}; a column stands by its name alone")
    return tree.transform(_safe_division)


def _safe_division(node: exp.Expression) -> exp.Expression:
    if not isinstance(node, exp.Div):
        return node
    # transform() does not go on below what it puts in
    above, below = (side.transform(_safe_division) for side in (node.this, node.expression))
    divisor = exp.Nullif(this=below, expression=exp.Literal.number(0))
    return exp.paren(exp.Div(this=exp.cast(above, "DOUBLE"), expression=divisor), copy=False)


def columns(text: str) -> frozenset[str]:
    """Names of the columns in the text, in lower case; none of an empty text."""
    return frozenset(node.name.lower() for node in parse(text).find_all(exp.Column)) if text else frozenset()


def duckdb_sql(text: str) -> str:
    """The text as DuckDB reads it, in parentheses."""
    return f"({parse(text).sql('duckdb')})"


def literal(text: str) -> str:
    """A text in SQL's quotes."""
    return exp.Literal.string(text).sql("duckdb")


def quoted(name: str) -> str:
    """A column's name in SQL's quotes."""
    return '"' + name.replace('"', '""') + '"'


def read_expression(section: Section, key: str) -> str:
    """A condition or value over an event's columns, "" where the key is absent.

    Raises:
        BadConfig: it is none.
    """
    text = section.text(key, "")
    try:
        columns(text)
    except BadExpression as error:
        raise section.fault(f"{key}: {error}") from None
    return text
