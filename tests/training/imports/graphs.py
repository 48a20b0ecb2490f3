"""Graphs as other tools write them, and what describes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH = 3
NUMBERS = """
[[features]]
name = "recency_days"
unit = "days"
minimum = 0
maximum = 90
default = 30
[[features]]
name = "visits"
minimum = 0
default = 2
[[features]]
name = "device"
kind = "category"
vocabulary = ["phone", "tablet", "desktop"]
other = "desktop"
default = "phone"
"""
PROPENSITY = """
[[heads]]
name = "buys_7d"
kind = "propensity"
title = "buys within 7 days"
horizon_days = 7
"""
SEGMENTS = """
[[heads]]
name = "stage"
kind = "segmentation"
{picks}
[[heads.segments]]
name = "New"
{first}
[[heads.segments]]
name = "Loyal"
{second}
[[heads.segments]]
name = "Lapsed"
{third}
"""


def segments(picks: str, first: str = "", second: str = "", third: str = "") -> str:
    """A segmentation with three segments; the further lines of each, and where the graph says it."""
    return SEGMENTS.format(picks=picks, first=first, second=second, third=third)


def value(name: str, output: str) -> str:
    """A value head of this output."""
    return f'\n[[heads]]\nname = "{name}"\nkind = "value"\nunit = "USD"\nhorizon_days = 30\noutput = "{output}"\n'


def plain(minimum: float, maximum: float) -> str:
    """Three numbers within this range."""
    line = 'name = "f{}"\nminimum = {}\nmaximum = {}\ndefault = {}\n'
    return "".join("[[features]]\n" + line.format(i, minimum, maximum, minimum) for i in range(WIDTH))


def matrix(name: str, width: int | None, *, rows: Any = "rows", element: int = TensorProto.FLOAT) -> Any:
    """An input or output of so many columns, None for a vector."""
    return helper.make_tensor_value_info(name, element, [rows] if width is None else [rows, width])


def save(  # noqa: PLR0913  # what a graph is made of
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    constants: Sequence[Any] = (),
    *,
    opset: int = 17,
    ml_opset: int = 0,
) -> Path:
    """Writes the graph, and returns the path."""
    opsets = [helper.make_opsetid("", opset)] if opset else []
    opsets += [helper.make_opsetid("ai.onnx.ml", ml_opset)] if ml_opset else []
    graph = helper.make_graph(nodes, "graph", inputs, outputs, list(constants))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.save(model, path)
    return path


def network(path: Path, *, rows: Any = "batch", reshape: Any = None, last: str = "Sigmoid") -> Path:
    """A small network as PyTorch's exporter writes it: Gemm, Relu, Gemm, and last a Sigmoid.

    Args:
        path: where to.
        rows: number of rows, a text when it is free.
        reshape: a shape that is written out within the graph, None for none.
        last: the last operator.
    """
    generator = np.random.default_rng(0)
    arrays = {
        "fc1.weight": generator.normal(0, 0.1, (8, WIDTH)),
        "fc1.bias": generator.normal(0, 1, 8),
        "fc2.weight": generator.normal(0, 1, (1, 8)),
        "fc2.bias": generator.normal(0, 1, 1),
    }
    constants = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in arrays.items()]
    nodes = [
        helper.make_node("Gemm", ["input", "fc1.weight", "fc1.bias"], ["/fc1/Gemm_output_0"], transB=1),
        helper.make_node("Relu", ["/fc1/Gemm_output_0"], ["/Relu_output_0"]),
        helper.make_node("Gemm", ["/Relu_output_0", "fc2.weight", "fc2.bias"], ["/fc2/Gemm_output_0"], transB=1),
        helper.make_node(last, ["/fc2/Gemm_output_0"], ["/last"]),
    ]
    if reshape is None:
        nodes.append(helper.make_node("Identity", ["/last"], ["output"]))
    else:
        constants.append(numpy_helper.from_array(np.array(reshape, dtype=np.int64), "shape"))
        nodes.append(helper.make_node("Reshape", ["/last", "shape"], ["output"]))
    return save(path, nodes, [matrix("input", WIDTH, rows=rows)], [matrix("output", 1, rows=rows)], constants)


def boosted_trees(path: Path) -> Path:
    """A classifier as onnxmltools writes LightGBM's: two trees, a label, both probabilities, old operator sets."""
    node = helper.make_node(
        "TreeEnsembleClassifier",
        ["input"],
        ["label", "probabilities"],
        domain="ai.onnx.ml",
        nodes_treeids=[0, 0, 0, 1, 1, 1],
        nodes_nodeids=[0, 1, 2, 0, 1, 2],
        nodes_featureids=[0, 0, 0, 1, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_values=[14.5, 0.0, 0.0, 3.5, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0, 1, 0, 0],
        nodes_falsenodeids=[2, 0, 0, 2, 0, 0],
        nodes_missing_value_tracks_true=[0, 0, 0, 0, 0, 0],
        class_treeids=[0, 0, 1, 1],
        class_nodeids=[1, 2, 1, 2],
        class_ids=[0, 0, 0, 0],
        class_weights=[0.9, -0.7, -0.3, 0.4],
        classlabels_int64s=[0, 1],
        post_transform="LOGISTIC",
    )
    outputs = [matrix("label", None, element=TensorProto.INT64), matrix("probabilities", 2)]
    return save(path, [node], [matrix("input", WIDTH)], outputs, opset=9, ml_opset=1)


def passed_on(path: Path, *, opset: int = 17, width: int = WIDTH, element: int = TensorProto.FLOAT) -> Path:
    """A graph that gives what it takes."""
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    return save(path, nodes, [matrix("x", width, element=element)], [matrix("y", width, element=element)], opset=opset)
