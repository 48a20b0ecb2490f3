"""Arithmetic and conditions over features, as a tree whose value is the same in NumPy and in ONNX.

All of it is computed in float64 of the float32 features, and every operation is one that IEEE 754 defines to the last
bit, so that both agree on either side of every threshold. Two cases that arithmetic leaves open are closed: what is
divided by 0 is 0, and what would be beyond ±LARGEST stands there; nothing is ever infinite or no number.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from training.export.nodes import Nodes
from training.features import Features

Values = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

LARGEST: Final = 1e300  # two of them can be added, and what is multiplied or divided beyond comes back here

_LARGEST_FEATURE: Final = float(np.finfo(np.float32).max)

_ARITHMETIC: Final[Mapping[str, Callable[[Values, Values], Values]]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
}
_COMPARISONS: Final[Mapping[str, Callable[[Values, Values], Truths]]] = {
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Equal": np.equal,
}


class Number(Protocol):
    """An expression whose value is a number. Hashable: the same one twice is computed once."""

    @property
    def farthest(self) -> float:
        """What its value is never farther from 0 than, before it is brought back to ±LARGEST."""
        ...

    def value(self, features: Values) -> Values:
        """For each row, shape (n,), or () where it is the same for all.

        Args:
            features: shape (n, schema width), the float32 features as float64.
        """
        ...

    def emit(self, emission: "Emission") -> str:
        """Name of the same in a graph, float64 [rows, 1], or [] where it is the same for all."""
        ...


class Truth(Protocol):
    """An expression that holds or does not; otherwise as Number."""

    def value(self, features: Values) -> Truths:
        """As of Number."""
        ...

    def emit(self, emission: "Emission") -> str:
        """As of Number, of booleans."""
        ...


class Emission:
    """Expressions on their way into one graph, each of them once.

    Args:
        nodes: of the graph.
        features: name of the tensor float32 [rows, schema width].
    """

    def __init__(self, nodes: Nodes, features: str) -> None:
        self.nodes = nodes
        self._features = nodes.cast(features, np.float64)
        self._known: dict[Number | Truth, str] = {}

    def of(self, expression: Number | Truth) -> str:
        """Name of the expression's tensor."""
        if expression not in self._known:
            self._known[expression] = expression.emit(self)
        return self._known[expression]

    def column(self, position: int) -> str:
        """One feature, [rows, 1]."""
        return self.nodes.add("Gather", self._features, self.nodes.constant([position], np.int64), axis=1)

    def bounded(self, number: Number, tensor: str) -> str:
        """What the number is in the graph, brought back to ±LARGEST where it could be beyond."""
        if number.farthest <= LARGEST:
            return tensor
        return self.nodes.add("Clip", tensor, self.nodes.constant(-LARGEST), self.nodes.constant(LARGEST))


def _brought_back(number: Number) -> float:
    return min(number.farthest, LARGEST)


def holds(condition: Truth, features: Features) -> Truths:
    """Where a condition holds, shape (n,), of features of shape (n, schema width)."""
    with np.errstate(all="ignore"):  # what overflows is brought back
        return np.broadcast_to(condition.value(features.astype(np.float64)), len(features)).copy()


def amounts(number: Number, features: Features) -> Values:
    """What a number is, shape (n,), of features of shape (n, schema width)."""
    with np.errstate(all="ignore"):  # what overflows is brought back
        return np.broadcast_to(number.value(features.astype(np.float64)), len(features)).copy()


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature, by its column; a category as the position of its word."""

    position: int

    @property
    def farthest(self) -> float:
        """See Number."""
        return _LARGEST_FEATURE

    def value(self, features: Values) -> Values:
        """See Number."""
        return features[:, self.position]

    def emit(self, emission: Emission) -> str:
        """See Number."""
        return emission.column(self.position)


@dataclass(frozen=True, slots=True)
class Constant:
    """A finite number within ±LARGEST."""

    number: float

    @property
    def farthest(self) -> float:
        """See Number."""
        return abs(self.number)

    def value(self, features: Values) -> Values:  # noqa: ARG002  # the same for all
        """See Number."""
        return np.asarray(self.number, dtype=np.float64)

    def emit(self, emission: Emission) -> str:
        """See Number."""
        return emission.nodes.constant(self.number, np.float64)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A sum, difference or product: ONNX's Add, Sub or Mul."""

    operator: str
    left: Number
    right: Number

    @property
    def farthest(self) -> float:
        """See Number."""
        left, right = _brought_back(self.left), _brought_back(self.right)
        return left * right if self.operator == "Mul" else left + right

    def value(self, features: Values) -> Values:
        """See Number."""
        result = _ARITHMETIC[self.operator](self.left.value(features), self.right.value(features))
        return np.clip(result, -LARGEST, LARGEST)

    def emit(self, emission: Emission) -> str:
        """See Number."""
        left, right = emission.of(self.left), emission.of(self.right)
        return emission.bounded(self, emission.nodes.add(self.operator, left, right))


@dataclass(frozen=True, slots=True)
class Quotient:
    """What one number is over another, 0 where that is 0."""

    left: Number
    right: Number

    @property
    def farthest(self) -> float:
        """See Number."""
        divisor = self.right.number if isinstance(self.right, Constant) else 0.0
        return _brought_back(self.left) / abs(divisor) if divisor else math.inf

    def value(self, features: Values) -> Values:
        """See Number."""
        divisor = self.right.value(features)
        quotient = self.left.value(features) / np.where(divisor == 0, 1.0, divisor)
        return np.clip(np.where(divisor == 0, 0.0, quotient), -LARGEST, LARGEST)

    def emit(self, emission: Emission) -> str:
        """See Number."""
        nodes = emission.nodes
        left, divisor = emission.of(self.left), emission.of(self.right)
        if isinstance(self.right, Constant) and self.right.number:
            return emission.bounded(self, nodes.add("Div", left, divisor))
        is_zero = nodes.add("Equal", divisor, nodes.constant(0.0))
        quotient = nodes.add("Div", left, nodes.add("Where", is_zero, nodes.constant(1.0), divisor))
        return emission.bounded(self, nodes.add("Where", is_zero, nodes.constant(0.0), quotient))


@dataclass(frozen=True, slots=True)
class Negative:
    """A number with the other sign."""

    of: Number

    @property
    def farthest(self) -> float:
        """See Number."""
        return _brought_back(self.of)

    def value(self, features: Values) -> Values:
        """See Number."""
        return -self.of.value(features)

    def emit(self, emission: Emission) -> str:
        """See Number."""
        return emission.nodes.add("Neg", emission.of(self.of))


@dataclass(frozen=True, slots=True)
class Absolute:
    """A number without its sign."""

    of: Number

    @property
    def farthest(self) -> float:
        """See Number."""
        return _brought_back(self.of)

    def value(self, features: Values) -> Values:
        """See Number."""
        return np.abs(self.of.value(features))

    def emit(self, emission: Emission) -> str:
        """See Number."""
        return emission.nodes.add("Abs", emission.of(self.of))


@dataclass(frozen=True, slots=True)
class Extreme:
    """The largest or smallest of numbers: ONNX's Max or Min."""

    operator: str
    operands: tuple[Number, ...]

    @property
    def farthest(self) -> float:
        """See Number."""
        return max(map(_brought_back, self.operands))

    def value(self, features: Values) -> Values:
        """See Number."""
        better = np.maximum if self.operator == "Max" else np.minimum
        return reduce(better, (operand.value(features) for operand in self.operands))

    def emit(self, emission: Emission) -> str:
        """See Number."""
        return emission.nodes.add(self.operator, *map(emission.of, self.operands))


@dataclass(frozen=True, slots=True)
class Band:
    """Which band a number is in: 1, and 1 more for each of the thresholds that it exceeds.

    Attributes:
        of: the number.
        thresholds: never falling; of two that are equal the band between has nobody.
    """

    of: Number
    thresholds: tuple[float, ...]

    @property
    def farthest(self) -> float:
        """See Number."""
        return 1.0 + len(self.thresholds)

    def value(self, features: Values) -> Values:
        """See Number."""
        exceeded = self.of.value(features)[..., None] > np.array(self.thresholds)
        return np.asarray(1.0 + exceeded.sum(axis=-1), dtype=np.float64)

    def emit(self, emission: Emission) -> str:
        """See Number."""
        nodes = emission.nodes
        thresholds = nodes.constant([(-math.inf, *self.thresholds)])  # the first is exceeded by every number
        exceeded = nodes.cast(nodes.add("Greater", emission.of(self.of), thresholds), np.float64)
        return nodes.add("ReduceSum", exceeded, nodes.constant([1], np.int64))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether one number stands so to another: ONNX's Less, LessOrEqual, Greater, GreaterOrEqual or Equal."""

    operator: str
    left: Number
    right: Number

    def value(self, features: Values) -> Truths:
        """See Truth."""
        return _COMPARISONS[self.operator](self.left.value(features), self.right.value(features))

    def emit(self, emission: Emission) -> str:
        """See Truth."""
        return emission.nodes.add(self.operator, emission.of(self.left), emission.of(self.right))


@dataclass(frozen=True, slots=True)
class Connection:
    """Whether all of some conditions hold, or one at least: ONNX's And or Or."""

    operator: str
    operands: tuple[Truth, ...]

    def value(self, features: Values) -> Truths:
        """See Truth."""
        joined = np.logical_and if self.operator == "And" else np.logical_or
        return reduce(joined, (operand.value(features) for operand in self.operands))

    def emit(self, emission: Emission) -> str:
        """See Truth."""
        names = map(emission.of, self.operands)
        return reduce(lambda left, right: emission.nodes.add(self.operator, left, right), names)


@dataclass(frozen=True, slots=True)
class Not:
    """Whether a condition does not hold."""

    of: Truth

    def value(self, features: Values) -> Truths:
        """See Truth."""
        return np.logical_not(self.of.value(features))

    def emit(self, emission: Emission) -> str:
        """See Truth."""
        return emission.nodes.add("Not", emission.of(self.of))
