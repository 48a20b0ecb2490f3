"""One fused graph: input `features` float32 [rows, features], output `scores` float32 [rows, scores].

Segmentations are built here by hand, in float64 after the input: k-means converted in float32 was measured to give 75 %
wrong labels on data far from the origin. Trees come from skl2onnx.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, compose, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import BaseEstimator

from server.model import INPUT, OUTPUT
from training.export.trees import as_regression
from training.outcomes import Outcome, Propensity, Value
from training.segmentation import CLIP_SD, Centroids, Mixture, Segmentation, Shaping

OPSET = 18
ML_OPSET = 3
IR_VERSION = 8
SMALLEST_RUNTIME = "1.22.0"  # the oldest that pyproject.toml allows, so the oldest that is tested

Fitted = Segmentation | Outcome


@dataclass(slots=True)
class _Graph:
    """Nodes and constants, in the order in which they were added."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float64) -> str:
        """Name of a constant with this value."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def add(self, operator: str, *inputs: str, **attributes: int) -> str:
        """Name of the operator's only output."""
        return self.add_many(operator, 1, *inputs, **attributes)[0]

    def add_many(self, operator: str, outputs: int, *inputs: str, **attributes: int) -> list[str]:
        """Names of the operator's outputs."""
        names = [f"{operator.lower()}_{len(self.nodes)}_{i}" for i in range(outputs)]
        node = helper.make_node(operator, inputs, names)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return names


def build_graph(heads: Sequence[Fitted], width: int) -> bytes:
    """The graph of these heads, their columns side by side in this order.

    Args:
        heads: fitted on features of this width.
        width: number of features.
    """
    graph = _Graph()
    columns = [_add_head(graph, head, width, f"head_{i}_") for i, head in enumerate(heads)]
    graph.nodes.append(helper.make_node("Concat", columns, [OUTPUT], axis=1))
    count = sum(head_width(head) for head in heads)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "audience",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, width])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, count])],
            graph.constants,
        ),
        producer_name="audience",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
    )
    onnx.checker.check_model(model, full_check=True)
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized


class NotExportable(Exception):
    """A fitted head has no graph. The text says which estimator, and what its converter said."""


def head_width(head: Fitted) -> int:
    """Number of columns of a head's scores."""
    match head:
        case Centroids():
            return 3
        case Mixture():
            return 2 + head.count
        case _:
            return 1


def _add_head(graph: _Graph, head: Fitted, width: int, prefix: str) -> str:
    match head:
        case Centroids():
            return _add_centroids(graph, head)
        case Mixture():
            return _add_mixture(graph, head)
        case Propensity():
            return _add_probability(graph, head, width, prefix)
        case Value():
            return _add_amount(graph, head, width, prefix)


def _add_shaping(graph: _Graph, shaping: Shaping) -> str:
    """Shaping.apply: [rows, features] float32 → [rows, d] float64."""
    chosen = graph.add("Gather", INPUT, graph.constant(shaping.columns, np.int64), axis=1)
    values = graph.add("Cast", chosen, to=TensorProto.DOUBLE)
    plain = graph.add("Mul", values, graph.constant(~shaping.is_skewed))
    skewed = graph.add("Mul", values, graph.constant(shaping.is_skewed))
    logarithm = graph.add("Log", graph.add("Add", skewed, graph.constant(1.0)))  # log(1 + 0) = 0 where not skewed
    centred = graph.add("Sub", graph.add("Add", plain, logarithm), graph.constant(shaping.mean))
    scaled = graph.add("Div", centred, graph.constant(shaping.scale))
    return graph.add("Clip", scaled, graph.constant(-CLIP_SD), graph.constant(CLIP_SD))


def _add_centroids(graph: _Graph, head: Centroids) -> str:
    """Segment, distance and margin: the roots of |x|² - 2 x·c + |c|², and the smallest two of them."""
    centres = head.model.cluster_centers_
    x = _add_shaping(graph, head.shaping)
    square = graph.add("ReduceSumSquare", x, graph.constant([1], np.int64))
    cross = graph.add("MatMul", x, graph.constant(-2.0 * centres.T))
    squares = graph.add("Add", graph.add("Add", square, cross), graph.constant((centres**2).sum(axis=1)))
    distances = graph.add("Sqrt", graph.add("Max", squares, graph.constant(0.0)))
    two, positions = graph.add_many("TopK", 2, distances, graph.constant([2], np.int64), axis=1, largest=0)
    nearest, second = graph.add_many("Split", 2, two, axis=1, num_outputs=2)
    margin = graph.add("Sub", second, nearest)
    return _as_floats(graph, _first(graph, positions), nearest, margin)


def _add_mixture(graph: _Graph, head: Mixture) -> str:
    """Segment, margin and memberships: the softmax over components of log weight + log density."""
    model, d = head.model, head.shaping.columns.size
    roots = model.precisions_cholesky_  # [k, d, d]
    weights = np.concatenate(list(roots), axis=1)  # [d, k * d]
    offsets = np.concatenate([mean @ root for mean, root in zip(model.means_, roots, strict=True)])
    log_roots = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
    x = _add_shaping(graph, head.shaping)
    whitened = graph.add("Sub", graph.add("MatMul", x, graph.constant(weights)), graph.constant(offsets))
    by_component = graph.add("Reshape", whitened, graph.constant([-1, head.count, d], np.int64))
    squares = graph.add("ReduceSumSquare", by_component, graph.constant([2], np.int64), keepdims=0)
    logs = graph.add(
        "Add",
        graph.add("Mul", squares, graph.constant(-0.5)),
        graph.constant(np.log(model.weights_) + log_roots),  # the constant -d/2 log 2π is the same for all
    )
    memberships = graph.add("Softmax", logs, axis=1)
    two, positions = graph.add_many("TopK", 2, memberships, graph.constant([2], np.int64), axis=1)
    largest, second = graph.add_many("Split", 2, two, axis=1, num_outputs=2)
    margin = graph.add("Sub", largest, second)
    return _as_floats(graph, _first(graph, positions), margin, memberships)


def _first(graph: _Graph, positions: str) -> str:
    """The first column of int64 [rows, 2], as float64 [rows, 1]."""
    first = graph.add("Gather", positions, graph.constant([0], np.int64), axis=1)
    return graph.add("Cast", first, to=TensorProto.DOUBLE)


def _as_floats(graph: _Graph, *columns: str) -> str:
    return graph.add("Cast", graph.add("Concat", *columns, axis=1), to=TensorProto.FLOAT)


def _add_probability(graph: _Graph, head: Propensity, width: int, prefix: str) -> str:
    probabilities = _add_converted(graph, head.model, width, prefix, 1, {id(head.model): {"zipmap": False}})
    if as_regression(graph.nodes, probabilities):
        return probabilities
    return graph.add("Gather", probabilities, graph.constant([1], np.int64), axis=1)


def _add_amount(graph: _Graph, head: Value, width: int, prefix: str) -> str:
    """The trees' sum is the logarithm of the mean, which skl2onnx 1.20 leaves out for Poisson loss."""
    return graph.add("Exp", _add_converted(graph, head.model, width, prefix, 0, None))


def _add_converted(  # noqa: PLR0913, PLR0917  # what to convert, where to, and how
    graph: _Graph,
    estimator: BaseEstimator,
    width: int,
    prefix: str,
    output: int,
    options: dict[int, dict[str, bool]] | None,
) -> str:
    """What skl2onnx makes of the estimator, moved into the graph; name of the given one of its outputs."""
    try:
        converted = to_onnx(
            estimator,
            initial_types=[(INPUT, FloatTensorType([None, width]))],
            options=options,
            target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET},
        )
    except Exception as error:  # skl2onnx's errors share no narrower class, and quote whole forests
        reason = f"{type(error).__name__}: {str(error)[:300]}"
        raise NotExportable(f"skl2onnx cannot convert {type(estimator).__name__}: {reason}") from None
    renamed = compose.add_prefix(converted, prefix, rename_inputs=False).graph
    for node in renamed.node:
        node.input[:] = [INPUT if name == prefix + INPUT else name for name in node.input]
    graph.nodes.extend(renamed.node)
    graph.constants.extend(renamed.initializer)
    return str(renamed.output[output].name)
