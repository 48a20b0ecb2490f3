"""Small graphs made by hand."""

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper

Shape = list[int | str]


def graph(  # noqa: PLR0913  # a graph has that many properties
    nodes: list[onnx.NodeProto],
    *,
    rows: Shape | None = None,
    scores: Shape | None = None,
    input_name: str = "features",
    output_name: str = "scores",
    kind: int = TensorProto.FLOAT,
) -> bytes:
    """A graph of these nodes, from `features` [rows, 5] to `scores` [rows, 9] when not said otherwise."""
    given = helper.make_tensor_value_info(input_name, kind, rows or ["rows", 5])
    answer = helper.make_tensor_value_info(output_name, kind, scores or ["rows", 9])
    nine = helper.make_tensor("nine", TensorProto.FLOAT, [5, 9], np.ones(45, np.float32))
    always = helper.make_tensor("always", TensorProto.FLOAT, [1, 9], np.zeros(9, np.float32))
    made = helper.make_graph(nodes, "made", [given], [answer], [nine, always])
    opset = helper.make_opsetid("", 18)
    data: bytes = helper.make_model(made, opset_imports=[opset], ir_version=8).SerializeToString()
    return data


def product(given: str = "features", answer: str = "scores") -> onnx.NodeProto:
    """Five columns to nine."""
    return helper.make_node("MatMul", [given, "nine"], [answer])


def changed(change: Callable[[onnx.ModelProto], object]) -> bytes:
    """The graph of one product, with a change."""
    model = onnx.ModelProto.FromString(graph([product()]))
    change(model)
    data: bytes = model.SerializeToString()
    return data


def external(location: str = "weights.bin") -> onnx.TensorProto:
    """Weights of shape (5, 9) that are somewhere else."""
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[5, 9], data_location=TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value=location)
    return weights
