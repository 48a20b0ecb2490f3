"""Service-level objectives as one writes them: `p99<5ms`, `errors<0.1%`, `rate>495/s`."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from loadtest.errors import BadObjective
from loadtest.summary import Summary, percentile

COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = MappingProxyType(
    {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
)
LATENCY_UNITS: Final[Mapping[str, float]] = MappingProxyType({"us": 1e3, "ms": 1e6, "s": 1e9})  # in ns
SHARE_UNITS: Final[Mapping[str, float]] = MappingProxyType({"%": 0.01, "": 1.0})
RATE_UNITS: Final[Mapping[str, float]] = MappingProxyType({"/s": 1.0})
EXAMPLES = "'p99<5ms', 'max<=50ms', 'errors<0.1%' or 'rate>495/s'"

PATTERN = re.compile(
    r"(?P<measure>p\d{1,2}(?:\.\d{1,3})?|max|errors|rate)\s*(?P<comparison><=|<|>=|>)\s*"
    r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>us|ms|s|%|/s|)"
)


@dataclass(frozen=True, slots=True)
class Objective:
    """What a run is held to.

    Attributes:
        text: as it was written.
        measure: "errors", "rate", "max" or "p" and a percentile.
        comparison: a key of COMPARISONS.
        limit: nanoseconds for a latency, a share in [0, 1] for errors, answers per second for the rate.
    """

    text: str
    measure: str
    comparison: str
    limit: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an objective holds, with what was measured, in the unit of its limit."""

    objective: Objective
    measured: float
    holds: bool


def parse(text: str) -> Objective:
    """The objective that the text states.

    Raises:
        BadObjective: it states none; the error shows a right one.
    """
    match = PATTERN.fullmatch(text.strip())
    if match is None:
        raise BadObjective(f"{text!r} is not an objective: write for example {EXAMPLES}")
    measure, unit = match["measure"], match["unit"]
    units = _units(measure)
    if unit not in units:
        raise BadObjective(f"{text!r}: {measure} is measured in {_one_of(units)}; write for example {EXAMPLES}")
    return Objective(text.strip(), measure, match["comparison"], float(match["number"]) * units[unit])


def check_closed(objectives: Iterable[Objective]) -> None:
    """Refuse what a closed loop cannot be held to.

    Raises:
        BadObjective: one is about latency.
    """
    for objective in objectives:
        if objective.measure not in ("errors", "rate"):
            raise BadObjective(
                f"{objective.text!r} cannot be judged in a closed loop: it sends nothing while the server stalls, so "
                "its latencies hide that; ask for errors or rate, or use --rate"
            )


def judge(objective: Objective, summary: Summary) -> Verdict:
    """Whether the run holds the objective. What was not measured (no request was due) never does."""
    measured = _measured(objective.measure, summary)
    return Verdict(objective, measured, COMPARISONS[objective.comparison](measured, objective.limit))


def _units(measure: str) -> Mapping[str, float]:
    return {"errors": SHARE_UNITS, "rate": RATE_UNITS}.get(measure, LATENCY_UNITS)


def _one_of(units: Mapping[str, float]) -> str:
    return " or ".join(unit or "a share such as 0.001" for unit in units)


def _measured(measure: str, summary: Summary) -> float:
    if measure == "errors":
        return summary.error_share
    if measure == "rate":
        return summary.rate_hz
    q = 100.0 if measure == "max" else float(measure[1:])
    return percentile(summary.from_due_ns, q)
