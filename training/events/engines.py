"""The two that carry out the SQL, and the few things that they say differently.

sqlglot translates the rest. It is asked for no more than what the tests compare: of DuckDB's isodow it makes another
day of the week for Spark, and a division by zero it leaves to the engine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import sqlglot
from sqlglot import exp

Piece = Callable[..., exp.Expression]


def _call(name: str, *arguments: exp.Expression) -> exp.Expression:
    return exp.Anonymous(this=name, expressions=list(arguments))


@dataclass(frozen=True, slots=True, eq=False)
class Engine:
    """One that carries out SQL.

    Attributes:
        dialect: its name to sqlglot.
        pieces: what it says for each name that begins with EVENT_.
    """

    dialect: str
    pieces: Mapping[str, Piece]

    @lru_cache(maxsize=64)  # noqa: B019  # engines are constants: none is kept alive by it
    def say(self, sql: str) -> str:
        """The statement as this engine reads it.

        Args:
            sql: in DuckDB's words, and those that begin with EVENT_.
        """
        tree = sqlglot.parse_one(sql, read="duckdb")
        for node in list(tree.find_all(exp.Anonymous)):
            piece = self.pieces.get(node.name.upper())
            if piece is not None:
                node.replace(piece(*node.expressions))
        return tree.sql(self.dialect)


def _duckdb_local(at_us: exp.Expression, zone: exp.Expression) -> exp.Expression:
    return _call("TIMEZONE", zone, _call("MAKE_TIMESTAMPTZ", at_us))


def _spark_local(at_us: exp.Expression, zone: exp.Expression) -> exp.Expression:
    return _call("FROM_UTC_TIMESTAMP", _call("TIMESTAMP_MICROS", at_us), zone)


DUCKDB: Final = Engine(
    "duckdb",
    {
        # Kahan's sum hardly depends on the order, which is another each time where there are several threads: so the
        # features are the same to the last bit of a float32.
        "EVENT_SUM": lambda value: _call("FSUM", value),
        "EVENT_TIME": lambda time: _call("EPOCH_US", time),
        "EVENT_MOMENT": lambda at_us: _call("MAKE_TIMESTAMP", at_us),
        "EVENT_HOUR": lambda at_us, zone: _call("HOUR", _duckdb_local(at_us, zone)),
        "EVENT_WEEKDAY": lambda at_us, zone: _call("ISODOW", _duckdb_local(at_us, zone)),
    },
)
SPARK: Final = Engine(
    "spark",
    {
        "EVENT_SUM": lambda value: _call("SUM", value),
        "EVENT_TIME": lambda time: _call("UNIX_MICROS", exp.cast(time, "TIMESTAMPLTZ")),
        "EVENT_MOMENT": lambda at_us: _call("TIMESTAMP_MICROS", at_us),
        "EVENT_HOUR": lambda at_us, zone: _call("HOUR", _spark_local(at_us, zone)),
        "EVENT_WEEKDAY": lambda at_us, zone: exp.Add(
            this=_call("WEEKDAY", _spark_local(at_us, zone)), expression=exp.Literal.number(1)
        ),
    },
)
