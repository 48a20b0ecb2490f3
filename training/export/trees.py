"""Trees in the form that ONNX Runtime runs fastest."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from training.errors import NotTrained

_RENAMED = {
    "class_treeids": "target_treeids",
    "class_nodeids": "target_nodeids",
    "class_weights": "target_weights",
    "class_ids": "target_ids",
    "base_values": "base_values",
}
ENSEMBLES: Final = ("TreeEnsembleClassifier", "TreeEnsembleRegressor")
_LABELS = ("classlabels_int64s", "classlabels_strings")
# Hit rates are for readers, and what a missing value does means nothing where none is missing.
_IDLE = {"nodes_hitrates", "nodes_missing_value_tracks_true"}
_REGRESSION = ("nodes_", "target_", "base_values", "n_targets", "aggregate_function")


class NoTrees(NotTrained):
    """A converted estimator is not one ensemble of trees. The text says of what operators it is."""


def as_regression(nodes: Sequence[onnx.NodeProto], probabilities: str) -> bool:
    """Makes the classifier whose probabilities these are a regression with the second class's alone, [rows, 1].

    A classifier computes a label and both classes' probabilities, of which one is enough; its trees are the same.
    (measured: up to 20 % less time for 200 trees of depth 8, docs/LOG.md)

    Args:
        nodes: of a graph; one is changed in place when it is such a classifier of two classes.
        probabilities: name of its second output.

    Returns:
        Whether there is one.
    """
    made_by = {output: node for node in nodes for output in node.output}
    node = made_by.get(probabilities)
    if node is None or node.op_type != "TreeEnsembleClassifier":
        return False
    attributes = attributes_of(node)
    is_label_read = any(node.output[0] in other.input for other in nodes)
    if is_label_read or not _is_plain_pair(attributes):
        return False
    regression = _regression(attributes)
    node.CopyFrom(
        helper.make_node("TreeEnsembleRegressor", node.input, [probabilities], domain=node.domain, **regression)
    )
    return True


def sums(graph: onnx.GraphProto) -> dict[str, Any]:
    """Attributes of the TreeEnsembleRegressor that adds up the leaves of a converted estimator, and does no more.

    What the converter put around the trees (a label, a sigmoid, an exponential) is left out. There is a target for each
    class, one for a classifier of two whose leaves are all of one class, one for an amount.

    Raises:
        NoTrees: there is not exactly one ensemble in the graph.
    """
    found = [node for node in graph.node if node.op_type in ENSEMBLES]
    if len(found) != 1:
        raise NoTrees(f"not one ensemble of trees but {', '.join(node.op_type for node in graph.node)}")
    attributes = attributes_of(found[0])
    if found[0].op_type == "TreeEnsembleClassifier":
        return _regression(attributes)
    kept = {name: value for name, value in attributes.items() if name.startswith(_REGRESSION) and name not in _IDLE}
    return _present(kept)


def rounded_down(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The largest float32 that is not above each threshold: no float32 lies between, so every x <= t is as before.

    A converter rounds to the nearest float32 instead, which sends a value just above the threshold the other way.
    """
    nearest = thresholds.astype(np.float32)
    lower = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest > thresholds, lower, nearest).astype(np.float64)


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """A node's attributes by name, as Python's values."""
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _labels(attributes: Mapping[str, Any]) -> Sequence[int] | Sequence[bytes]:
    for name in _LABELS:
        if attributes.get(name):
            labels: Sequence[int] | Sequence[bytes] = attributes[name]
            return labels
    return ()


def _is_plain_pair(attributes: Mapping[str, Any]) -> bool:
    """Two classes, of which only the second one's weights are kept, summed up as they are."""
    is_plain = attributes.get("post_transform", b"NONE") == b"NONE"
    return len(_labels(attributes)) == 2 and is_plain and _is_single(attributes)  # noqa: PLR2004  # a pair


def _is_single(attributes: Mapping[str, Any]) -> bool:
    return len(set(attributes["class_ids"])) == 1


def _regression(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The classifier's trees, one target where all leaves are of one class, else one for each class."""
    is_single = _is_single(attributes)
    kept = {name: value for name, value in attributes.items() if name.startswith("nodes_") and name not in _IDLE}
    weights = {_RENAMED[name]: value for name, value in attributes.items() if name in _RENAMED}
    if is_single:
        weights["target_ids"] = [0] * len(weights["target_ids"])
    return _present({**kept, **weights, "n_targets": 1 if is_single else len(_labels(attributes))})


def _present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Without lists that hold nothing, which ONNX has no type for."""
    return {name: value for name, value in attributes.items() if not (isinstance(value, list) and not value)}
