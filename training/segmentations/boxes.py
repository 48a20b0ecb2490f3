"""Conditions as boxes: ranges of numbers that all have to hold, so that many rules are a few operators of a graph.

`2 <= x < 5 and y == 1` is one box over x and y, and what has `or` or `not` in it is several. Compared all at once, a
table of RFM with ten segments takes eleven operators instead of forty; for a single row each of them costs about as
much as the arithmetic of all.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Final

import numpy as np

from training.segmentations.expressions import Comparison, Connection, Constant, Emission, Not, Number, Truth

Range = tuple[float, float]  # both ends belong to it
Box = Mapping[Number, Range]

_MOST_BOXES: Final = 64
_EVERYTHING: Final[Range] = (-math.inf, math.inf)
_MIRRORED: Final[Mapping[str, str]] = {
    "Less": "Greater",
    "LessOrEqual": "GreaterOrEqual",
    "Greater": "Less",
    "GreaterOrEqual": "LessOrEqual",
    "Equal": "Equal",
}


def boxes(condition: Truth, *, is_denied: bool = False) -> Sequence[Box] | None:
    """Boxes of which one at least holds exactly where the condition does; None where there is no such, or too many.

    Args:
        condition: over numbers that are finite.
        is_denied: where the condition does not hold instead.
    """
    if isinstance(condition, Not):
        return boxes(condition.of, is_denied=not is_denied)
    if isinstance(condition, Comparison):
        return _compared(condition, is_denied=is_denied)
    if not isinstance(condition, Connection):
        return None
    parts = [boxes(operand, is_denied=is_denied) for operand in condition.operands]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if (condition.operator == "Or") is not is_denied:
        found = [box for part in known for box in part]
    elif math.prod(map(len, known)) <= _MOST_BOXES:
        found = [both for some in product(*known) if (both := _all_of(some)) is not None]
    else:
        return None
    return found if len(found) <= _MOST_BOXES else None


def _compared(comparison: Comparison, *, is_denied: bool) -> Sequence[Box] | None:
    operator, number, limit = comparison.operator, comparison.left, comparison.right
    if isinstance(number, Constant):
        operator, number, limit = _MIRRORED[operator], limit, number
    if isinstance(number, Constant) or not isinstance(limit, Constant):
        return None
    ranges = dict(_ranges(operator, limit.number))
    return [{number: one} for one in ranges[is_denied]]


def _ranges(operator: str, limit: float) -> Iterator[tuple[bool, Sequence[Range]]]:
    """Where a number stands so to a limit, and, denied, where it does not."""
    below, above = math.nextafter(limit, -math.inf), math.nextafter(limit, math.inf)
    sides: Mapping[str, tuple[Sequence[Range], Sequence[Range]]] = {
        "Less": ([(-math.inf, below)], [(limit, math.inf)]),
        "LessOrEqual": ([(-math.inf, limit)], [(above, math.inf)]),
        "Greater": ([(above, math.inf)], [(-math.inf, limit)]),
        "GreaterOrEqual": ([(limit, math.inf)], [(-math.inf, below)]),
        "Equal": ([(limit, limit)], [(-math.inf, below), (above, math.inf)]),
    }
    holds, fails = sides[operator]
    yield False, holds
    yield True, fails


def _all_of(some: Sequence[Box]) -> Box | None:
    """The box in which all of these hold; None where none can."""
    ranges: dict[Number, Range] = {}
    for box in some:
        for number, (low, high) in box.items():
            lowest, highest = ranges.get(number, _EVERYTHING)
            ranges[number] = (max(low, lowest), min(high, highest))
    return None if any(low > high for low, high in ranges.values()) else ranges


def emit_first(emission: Emission, conditions: Sequence[Sequence[Box]], rest: int) -> str:
    """Name of a tensor float32 [rows, 1]: the position of the first condition of which a box holds, else `rest`.

    Args:
        emission: of the graph.
        conditions: boxes of each; at least one has one, and one of those reads a number.
        rest: of those of whom none holds.
    """
    nodes = emission.nodes
    every = [(position, box) for position, some in enumerate(conditions) for box in some]
    numbers = list(dict.fromkeys(number for _, box in every for number in box))
    ranges = np.array([[box.get(number, _EVERYTHING) for number in numbers] for _, box in every], dtype=np.float64)
    values = nodes.add("Concat", *map(emission.of, numbers), axis=1)
    values = nodes.add("Unsqueeze", values, nodes.constant([1], np.int64))
    is_above = nodes.add("GreaterOrEqual", values, nodes.constant(ranges[None, :, :, 0]))
    is_below = nodes.add("LessOrEqual", values, nodes.constant(ranges[None, :, :, 1]))
    is_within = nodes.cast(nodes.add("And", is_above, is_below), np.float32)
    holds = nodes.add("ReduceMin", is_within, nodes.constant([2], np.int64), keepdims=0)
    # The first that holds has the largest of these numbers; where none does it is 0.
    places = np.array([[len(conditions) - position for position, _ in every]], dtype=np.float32)
    first = nodes.add("ReduceMax", nodes.add("Mul", holds, nodes.constant(places)), nodes.constant([1], np.int64))
    segment = nodes.add("Sub", nodes.constant(len(conditions), np.float32), first)
    if rest == len(conditions):
        return segment
    is_none = nodes.add("Equal", first, nodes.constant(0.0, np.float32))
    return nodes.add("Where", is_none, nodes.constant(rest, np.float32), segment)
