"""Nodes that are put around a foreign graph, of operators that mean the same in every opset from 7 on."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Attribute = int | float | Sequence[int] | Sequence[float] | Sequence[str] | onnx.TensorProto

ML = "ai.onnx.ml"
_ML_OPERATORS = {"LabelEncoder"}
_K_IS_AN_INPUT = 10  # of TopK, from this opset on


class Nodes:
    """Nodes in the order in which they were added, under names that the graph does not have.

    Args:
        taken: names that the graph has.
        opset: its default operator set.

    Attributes:
        protos: the nodes.
    """

    def __init__(self, taken: set[str], opset: int) -> None:
        self.protos: list[onnx.NodeProto] = []
        self._opset = opset
        self._prefix = "audience/"
        while any(name.startswith(self._prefix) for name in taken):
            self._prefix += "/"

    def add(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """Name of the operator's first output."""
        return self.add_many(operator, 1, *inputs, **attributes)[0]

    def add_many(self, operator: str, outputs: int, *inputs: str, **attributes: Attribute) -> list[str]:
        """Names of the operator's outputs."""
        names = [f"{self._prefix}{operator.lower()}_{len(self.protos)}_{i}" for i in range(outputs)]
        node = helper.make_node(operator, inputs, names, domain=ML if operator in _ML_OPERATORS else "")
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.protos.append(node)
        return names

    def constant(self, value: npt.NDArray[np.generic]) -> str:
        """Name of a constant with this value."""
        return self.add("Constant", value=numpy_helper.from_array(value))

    def gather(self, matrix: str, columns: tuple[int, ...], width: int) -> str:
        """Columns of a matrix of this width, in this order."""
        if columns == tuple(range(width)):
            return matrix
        return self.add("Gather", matrix, self.constant(np.array(columns, dtype=np.int64)), axis=1)

    def largest(self, matrix: str, count: int) -> tuple[str, str]:
        """The largest numbers of each row, largest first, and their columns; the first column where two are equal."""
        if self._opset < _K_IS_AN_INPUT:
            values, positions = self.add_many("TopK", 2, matrix, axis=1, k=count)
        else:
            k = self.constant(np.array([count], dtype=np.int64))
            values, positions = self.add_many("TopK", 2, matrix, k, axis=1)
        return values, positions
