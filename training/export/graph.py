"""One fused graph: input `features` float32 [rows, features], output `scores` float32 [rows, scores]."""

from collections.abc import Sequence

import onnx
from onnx import TensorProto, helper

from server.model import INPUT, OUTPUT
from training.export.compact import compact
from training.export.estimators import ML_OPSET, OPSET
from training.export.likely import likely_next
from training.export.nodes import ML, Nodes
from training.features import Features
from training.heads import Head, width

IR_VERSION = 8
SMALLEST_RUNTIME = "1.22.0"  # the oldest that pyproject.toml allows, so the oldest that is tested


def build_graph(heads: Sequence[Head], feature_count: int, visitors: Features | None = None) -> bytes:
    """The graph of these heads, their columns side by side in this order.

    Args:
        heads: fitted on so many features.
        feature_count: number of features.
        visitors: shape (n, feature_count), such as will be asked about: trees are the fastest for them, and give
            everybody the same scores. None: trees stay as they came.

    Raises:
        NotExportable: an estimator of a head has no converter.
    """
    model = assemble(heads, feature_count)
    if visitors is not None:
        likely_next(model, visitors)
    compact(model)
    onnx.checker.check_model(model, full_check=True)
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized


def assemble(heads: Sequence[Head], feature_count: int) -> onnx.ModelProto:
    """The graph as the heads' converters make it; see build_graph."""
    nodes = Nodes({INPUT, OUTPUT}, OPSET)
    columns = [head.emit(nodes, INPUT) for head in heads]
    nodes.protos.append(helper.make_node("Concat", columns, [OUTPUT], axis=1))
    return helper.make_model(
        helper.make_graph(
            nodes.protos,
            "audience",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, feature_count])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, sum(map(width, heads))])],
            nodes.initializers,
        ),
        producer_name="audience",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)],
    )
