"""What the benchmark says: a table for people, a record for programs."""

import importlib.metadata
import math
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from tests.benchmarks import processor
from tests.benchmarks.figures import Figure
from tests.benchmarks.floor import library_version
from tests.benchmarks.places import LOCK
from tests.benchmarks.spread import Spread
from tests.house.project import locked

_LIBRARIES = ("grpcio", "numpy", "onnxruntime", "protobuf")
_DIGITS = 4  # 0.7996 is below a bar of 0.8
_WHOLE_FROM = 1000  # as many digits as a reader compares


def table(figures: Sequence[Figure], title: str = "Benchmark") -> Table:
    """All figures, with their bars."""
    made = Table(title=title, title_justify="left", box=box.SIMPLE)
    made.add_column("figure", no_wrap=True)
    for heading in ("median", "lowest to highest", "bar"):
        made.add_column(heading, justify="right", no_wrap=True)
    made.add_column("")
    made.add_column("note", overflow="fold")
    for one in figures:
        made.add_row(one.name, *_numbers(one), _bar(one), _verdict(one), one.note)
    return made


def record(
    figures: Sequence[Figure], facts: Mapping[str, Any], libraries: Mapping[str, str | None] | None = None
) -> dict[str, Any]:
    """The JSON document: every figure by its name, with its rounds, and what it was measured on.

    Args:
        figures: of the table.
        facts: what else is in the document.
        libraries: versions, None for those that a request runs through.
    """
    return {
        **facts,
        "processor": processor.name(),
        "versions": versions() if libraries is None else libraries,
        "values": {one.name: _document(one)["value"] for one in figures},
        "figures": {one.name: _document(one) for one in figures},
    }


def versions() -> dict[str, str | None]:
    """Of Python, of the libraries that a request runs through, and of what is compared with."""
    return {**versions_of(_LIBRARIES), "mosec": locked(LOCK)["mosec"], "grpc++": library_version()}


def versions_of(libraries: Sequence[str]) -> dict[str, str | None]:
    """Of Python, and of installed libraries."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in libraries}}


def _document(one: Figure) -> dict[str, Any]:
    measured = one.measured
    return {
        "value": _finite(measured.median) if measured else None,
        "unit": one.unit,
        "lowest": _finite(measured.lowest) if measured else None,
        "highest": _finite(measured.highest) if measured else None,
        "rounds": [_finite(value) for value in measured.rounds] if measured else [],
        "bar": str(one.bar) if one.bar else None,
        "holds": one.holds,
        "note": one.note,
    }


def _finite(value: float) -> float | None:
    """The value, None for what JSON cannot say: the percentile of nothing answered."""
    return value if math.isfinite(value) else None


def _numbers(one: Figure) -> tuple[str, str]:
    if one.measured is None:
        return "-", "-"
    return f"{_number(one.measured.median)} {one.unit}".strip(), _range(one.measured)


def _range(measured: Spread) -> str:
    return f"{_number(measured.lowest)} to {_number(measured.highest)}" if len(measured.rounds) > 1 else ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _WHOLE_FROM else f"{value:.{_DIGITS}g}"


def _bar(one: Figure) -> str:
    return f"{one.bar} {one.unit}".strip() if one.bar else ""


def _verdict(one: Figure) -> str:
    return {True: "[green]holds[/]", False: "[bold red]missed[/]", None: "not known" if one.bar else ""}[one.holds]
