"""Nodes of a graph, in the order in which they were added, of operators that mean the same in every opset from 7 on."""

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Attribute = int | float | Sequence[int] | Sequence[float] | Sequence[str] | Sequence[bytes] | onnx.TensorProto

ML = "ai.onnx.ml"
_ML_OPERATORS = {"LabelEncoder", "TreeEnsembleRegressor"}
_K_IS_AN_INPUT = 10  # of TopK, from this opset on


class Nodes:
    """Nodes under names that a graph does not have yet.

    Args:
        taken: names that the graph has.
        opset: its default operator set.

    Attributes:
        protos: the nodes.
        initializers: constants that came with grafted graphs; those that are added here are nodes.
    """

    def __init__(self, taken: Collection[str], opset: int) -> None:
        self.protos: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._opset = opset
        self._grafts = 0
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

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> str:
        """Name of a constant with this value, of NumPy's own type for it unless one is given."""
        return self.add("Constant", value=numpy_helper.from_array(np.asarray(value, dtype)))

    def cast(self, tensor: str, dtype: npt.DTypeLike) -> str:
        """The same numbers in another type."""
        return self.add("Cast", tensor, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def beside(self, *columns: str) -> str:
        """These columns side by side, of float64, as float32."""
        return self.cast(self.add("Concat", *columns, axis=1), np.float32)

    def gather(self, matrix: str, columns: tuple[int, ...], width: int) -> str:
        """Columns of a matrix of this width, in this order."""
        if columns == tuple(range(width)):
            return matrix
        return self.add("Gather", matrix, self.constant(np.array(columns, dtype=np.int64)), axis=1)

    def largest(self, matrix: str, count: int, *, smallest: bool = False) -> tuple[str, str]:
        """The largest numbers of each row, largest first, and their columns; the first column where two are equal.

        With `smallest` the smallest ones, from opset 11 on.
        """
        if self._opset < _K_IS_AN_INPUT:
            values, positions = self.add_many("TopK", 2, matrix, axis=1, k=count)
        else:
            k = self.constant(np.array([count], dtype=np.int64))
            order = {"largest": 0} if smallest else {}
            values, positions = self.add_many("TopK", 2, matrix, k, axis=1, **order)
        return values, positions

    def graft(self, graph: onnx.GraphProto, given: str) -> list[str]:
        """Takes in a graph with one input, which is `given` here; names of its outputs.

        Args:
            graph: is changed: every name in it gets a prefix.
            given: name of a tensor of the input's type and shape.
        """
        prefix = f"{self._prefix}graft_{self._grafts}/"
        self._grafts += 1
        (entrance,) = [value.name for value in graph.input]
        renamed = onnx.compose.add_prefix_graph(graph, prefix, rename_inputs=False, inplace=True)
        for node in renamed.node:
            node.input[:] = [given if name in {entrance, prefix + entrance} else name for name in node.input]
        self.protos.extend(renamed.node)
        self.initializers.extend(renamed.initializer)
        return [value.name for value in renamed.output]
