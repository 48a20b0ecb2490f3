"""The functions of the language of rules."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from training.segmentations.comparisons import compared
from training.segmentations.expressions import Absolute, Band, Connection, Constant, Extreme
from training.segmentations.grammar import alike
from training.segmentations.operands import Logical, Operand, Percentile, Share, Word, numeric

if TYPE_CHECKING:
    from training.segmentations.language import Reader

_BANDS: Final = range(2, 11)
_HUNDRED: Final = 100.0


@dataclass(frozen=True, slots=True)
class Function:
    """How a function is written.

    Attributes:
        least: fewest arguments.
        most: most arguments.
        example: for errors.
        read: its value.
    """

    least: int
    most: int
    example: str
    read: "Callable[[Reader, ast.Call], Operand]"


def read_call(reader: "Reader", node: ast.Call) -> Operand:
    """The value of a function.

    Raises:
        BadExpression: there is none of this name, or it is not written so.
    """
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in FUNCTIONS:
        advice = alike(name, FUNCTIONS, "the functions")
        raise reader.fault(node, f"there is no function {reader.line.part(node.func)!r}; {advice}")
    function = FUNCTIONS[name]
    if node.keywords or not function.least <= len(node.args) <= function.most:
        raise reader.fault(node, f"{name} is written so: {function.example}")
    return function.read(reader, node)


def _absolute(reader: "Reader", node: ast.Call) -> Operand:
    number = reader.number(node.args[0])
    return numeric(Absolute(number), number)


def _minimum(reader: "Reader", node: ast.Call) -> Operand:
    numbers = tuple(map(reader.number, node.args))
    return numeric(Extreme("Min", numbers), *numbers)


def _maximum(reader: "Reader", node: ast.Call) -> Operand:
    numbers = tuple(map(reader.number, node.args))
    return numeric(Extreme("Max", numbers), *numbers)


def _between(reader: "Reader", node: ast.Call) -> Operand:
    of, low, high = node.args
    ends = (compared(reader, "GreaterOrEqual", of, low), compared(reader, "LessOrEqual", of, high))
    return Logical(Connection("And", ends))


def _quoted(reader: "Reader", node: ast.Call) -> Operand:
    name = reader.read(node.args[0])
    if not isinstance(name, Word):
        raise reader.fault(node.args[0], f"a name in quotes is needed: {FUNCTIONS['feature'].example}")
    return reader.feature(node.args[0], name.text)


def _top(reader: "Reader", node: ast.Call) -> Operand:
    return Share(reader.line.part(node), (_HUNDRED - _per_cent(reader, node)) / _HUNDRED)


def _bottom(reader: "Reader", node: ast.Call) -> Operand:
    return Share(reader.line.part(node), _per_cent(reader, node) / _HUNDRED)


def _per_cent(reader: "Reader", node: ast.Call) -> float:
    of = node.args[0]
    number = reader.number(of)
    sign = reader.line.sign_after(of)
    if sign is None or not isinstance(number, Constant) or not 0 < number.number < _HUNDRED:
        raise reader.fault(of, "a share of the population is needed, more than 0% and less than 100%: top(10%)")
    reader.signs.add(sign)
    return number.number


def _percentile(reader: "Reader", node: ast.Call) -> Operand:
    return Percentile(reader.number(node.args[0]), reader.line.part(node.args[0]))


def _band(reader: "Reader", node: ast.Call) -> Operand:
    number, count = reader.number(node.args[0]), reader.number(node.args[1])
    if not isinstance(count, Constant) or count.number not in _BANDS:
        raise reader.fault(node.args[1], f"a whole number of bands from {_BANDS[0]} to {_BANDS[-1]} is needed")
    bands = reader.population.bands(number, int(count.number), reader.line.part(node))
    return numeric(Band(number, bands), number)


_MANY: Final = 100
FUNCTIONS: Final[Mapping[str, Function]] = {
    "abs": Function(1, 1, "abs(spend_trend - 1)", _absolute),
    "band": Function(2, 2, "band(spend, 5)", _band),
    "between": Function(3, 3, "between(spend, 10, 20)", _between),
    "bottom": Function(1, 1, "spend <= bottom(10%)", _bottom),
    "feature": Function(1, 1, 'feature("7d_spend")', _quoted),
    "max": Function(2, _MANY, "max(spend, 10)", _maximum),
    "min": Function(2, _MANY, "min(spend, 10)", _minimum),
    "percentile": Function(1, 1, "percentile(spend) >= 90", _percentile),
    "top": Function(1, 1, "spend > top(10%)", _top),
}
