"""How a head's columns follow from a graph's outputs, each step in NumPy and in ONNX, which are then compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from training.export.nodes import Nodes
from training.features import Features
from training.imports.original import Outputs

Matrix = npt.NDArray[np.generic]
NO_SEGMENT = -1.0  # of a label that is no segment's: no position either, so that it is found out
_PAIR = 2


class Expression(Protocol):
    """Columns that follow from the outputs."""

    def value(self, outputs: Outputs) -> Features:
        """In NumPy, shape (n, columns), float32."""
        ...

    def emit(self, nodes: Nodes) -> str:
        """In ONNX: name of a tensor of that shape and type."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """Columns of an output as they are, of any type.

    Attributes:
        output: its name.
        shape: of the output, without its rows.
        columns: which of them.
    """

    output: str
    shape: tuple[int, ...]
    columns: tuple[int, ...]

    def value(self, outputs: Outputs) -> Matrix:
        """See Expression; of the output's own type."""
        array = outputs[self.output]
        return array.reshape(len(array), -1)[:, self.columns]

    def emit(self, nodes: Nodes) -> str:
        """See Expression; of the output's own type."""
        if not self.shape:
            return nodes.add("Reshape", self.output, nodes.constant(np.array([-1, 1], dtype=np.int64)))
        return nodes.gather(self.output, self.columns, self.shape[0])


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers as float32, with sigmoid, softmax or exp applied, "" for none."""

    of: Taken
    applied: str

    def value(self, outputs: Outputs) -> Features:
        """See Expression."""
        with np.errstate(over="ignore"):  # what becomes infinite is refused by name
            return _apply(self.applied, self.of.value(outputs).astype(np.float32))

    def emit(self, nodes: Nodes) -> str:
        """See Expression."""
        numbers = nodes.add("Cast", self.of.emit(nodes), to=TensorProto.FLOAT)
        if not self.applied:
            return numbers
        if self.applied == "softmax":
            return nodes.add("Softmax", numbers, axis=1)
        return nodes.add(self.applied.capitalize(), numbers)


def _apply(name: str, numbers: Features) -> Features:
    wide = numbers.astype(np.float64)
    if name == "softmax":
        powers = np.exp(wide - wide.max(axis=1, keepdims=True))
        wide = powers / powers.sum(axis=1, keepdims=True)
    elif name == "sigmoid":
        wide = 1 / (1 + np.exp(-wide))
    elif name == "exp":
        wide = np.exp(wide)
    return wide.astype(np.float32)


@dataclass(frozen=True, slots=True)
class OneColumn:
    """One column of another expression: of a softmax, whose columns are one another's business."""

    of: Expression
    position: int
    width: int

    def value(self, outputs: Outputs) -> Features:
        """See Expression."""
        return self.of.value(outputs)[:, [self.position]]

    def emit(self, nodes: Nodes) -> str:
        """See Expression."""
        return nodes.gather(self.of.emit(nodes), (self.position,), self.width)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Position of each label among the segments' labels."""

    of: Taken
    labels: Sequence[int | str]

    def value(self, outputs: Outputs) -> Features:
        """See Expression."""
        positions = {label: float(position) for position, label in enumerate(self.labels)}
        found = [[positions.get(label, NO_SEGMENT)] for label in self.of.value(outputs)[:, 0].tolist()]
        return np.array(found, dtype=np.float32)

    def emit(self, nodes: Nodes) -> str:
        """See Expression."""
        given = self.of.emit(nodes)
        values = [float(position) for position in range(len(self.labels))]
        if isinstance(self.labels[0], str):
            words = list(map(str, self.labels))
            return nodes.add("LabelEncoder", given, keys_strings=words, values_floats=values, default_float=NO_SEGMENT)
        given = nodes.add("Cast", given, to=TensorProto.INT64)
        whole = list(map(int, self.labels))
        return nodes.add("LabelEncoder", given, keys_int64s=whole, values_floats=values, default_float=NO_SEGMENT)


@dataclass(frozen=True, slots=True)
class Best:
    """Of memberships, or distances that count as their negatives: the column of the best, the first of equals."""

    of: Expression
    is_smallest: bool

    def value(self, outputs: Outputs) -> Features:
        """See Expression."""
        position: Features = np.argmax(_signed(self, outputs), axis=1, keepdims=True).astype(np.float32)
        return position

    def emit(self, nodes: Nodes) -> str:
        """See Expression."""
        return nodes.add("Cast", nodes.largest(_emit_signed(self, nodes), 1)[1], to=TensorProto.FLOAT)


@dataclass(frozen=True, slots=True)
class BestValue:
    """The best membership or distance."""

    of: Expression
    is_smallest: bool

    def value(self, outputs: Outputs) -> Features:
        """See Expression."""
        values = self.of.value(outputs)
        best: Features = values.min(axis=1, keepdims=True) if self.is_smallest else values.max(axis=1, keepdims=True)
        return best

    def emit(self, nodes: Nodes) -> str:
        """See Expression."""
        best = nodes.largest(_emit_signed(self, nodes), 1)[0]
        return nodes.add("Neg", best) if self.is_smallest else best


@dataclass(frozen=True, slots=True)
class Gap:
    """How much better the best is than the second."""

    of: Expression
    is_smallest: bool

    def value(self, outputs: Outputs) -> Features:
        """See Expression."""
        two = -np.sort(-_signed(self, outputs), axis=1)[:, :_PAIR]
        gap: Features = two[:, [0]] - two[:, [1]]
        return gap

    def emit(self, nodes: Nodes) -> str:
        """See Expression."""
        two = nodes.largest(_emit_signed(self, nodes), _PAIR)[0]
        return nodes.add("Sub", nodes.gather(two, (0,), _PAIR), nodes.gather(two, (1,), _PAIR))


def _signed(expression: Best | BestValue | Gap, outputs: Outputs) -> Features:
    values = expression.of.value(outputs)
    return -values if expression.is_smallest else values


def _emit_signed(expression: Best | BestValue | Gap, nodes: Nodes) -> str:
    values = expression.of.emit(nodes)
    return nodes.add("Neg", values) if expression.is_smallest else values
