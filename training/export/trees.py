"""Trees in the form that ONNX Runtime runs fastest."""

from collections.abc import Sequence
from typing import Any

import onnx
from onnx import helper

_RENAMED = {
    "class_treeids": "target_treeids",
    "class_nodeids": "target_nodeids",
    "class_weights": "target_weights",
    "class_ids": "target_ids",
    "base_values": "base_values",
}


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
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    is_label_read = any(node.output[0] in other.input for other in nodes)
    if is_label_read or not _is_plain_pair(attributes):
        return False
    regression = _regression(attributes)
    node.CopyFrom(
        helper.make_node("TreeEnsembleRegressor", node.input, [probabilities], domain=node.domain, **regression)
    )
    return True


def _is_plain_pair(attributes: dict[str, Any]) -> bool:
    """Two classes, of which only the second one's weights are kept, summed up as they are."""
    labels = attributes.get("classlabels_int64s") or attributes.get("classlabels_strings") or ()
    is_plain = attributes.get("post_transform", b"NONE") == b"NONE"
    return len(labels) == 2 and is_plain and len(set(attributes["class_ids"])) == 1  # noqa: PLR2004  # a pair


def _regression(attributes: dict[str, Any]) -> dict[str, Any]:
    kept = {
        name: value for name, value in attributes.items() if name.startswith("nodes_") and not _is_idle(name, value)
    }
    weights = {_RENAMED[name]: value for name, value in attributes.items() if name in _RENAMED}
    weights["target_ids"] = [0] * len(weights["target_ids"])
    return {**kept, **weights, "n_targets": 1}


def _is_idle(name: str, values: Sequence[Any]) -> bool:
    """Whether leaving it out changes nothing but the time that loading takes: hit rates are for readers."""
    return name == "nodes_hitrates" or (name == "nodes_missing_value_tracks_true" and not any(values))
