"""Trees in the form that ONNX Runtime loads fastest.

The older operator names what each node does by a text, in lists of which a leaf takes as much as a branch. That of
ai.onnx.ml 5 has branches and leaves apart, and no texts; it is computed by the same code, to the same scores.
(measured: 200 trees of depth 8 are loaded in 0.6 of the time, from 0.4 of the bytes, docs/LOG.md)
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from training.export.forest import Numbers, Trees
from training.export.nodes import ML
from training.export.trees import ENSEMBLES, attributes_of

_OPSET: Final = 5  # the first that has it; it has the older ones no more
_COMPARISONS: Final = (b"BRANCH_LEQ", b"BRANCH_LT", b"BRANCH_GTE", b"BRANCH_GT", b"BRANCH_EQ", b"BRANCH_NEQ")  # from 0
_MODES: Final = {mode: number for number, mode in enumerate(_COMPARISONS)}
_LEAF: Final = b"LEAF"
_SUM: Final = 1
_MISSING: Final = "nodes_missing_value_tracks_true"
# What is said by the new operator too. An ensemble with anything else keeps its form: it reads float64, for one.
_KNOWN: Final = {
    *("nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_values", "nodes_modes", "nodes_hitrates", _MISSING),
    *("nodes_truenodeids", "nodes_falsenodeids", "target_treeids", "target_nodeids", "target_ids", "target_weights"),
    *("n_targets", "base_values", "aggregate_function", "post_transform"),
}


def compact(model: onnx.ModelProto) -> None:
    """Writes the ensembles of a graph in the newer form, in place: all of them, or none, since no opset has both.

    None if there is a classifier among them, or a leaf that counts for several targets, which has no newer form; or a
    base for each of several targets, which ONNX Runtime adds only where a leaf counts for the target.

    Args:
        model: of any opset of ai.onnx.ml before 5; its other operators mean the same there.
    """
    nodes = model.graph.node
    ensembles = [node for node in nodes if node.op_type in ENSEMBLES]
    if not ensembles or not all(_is_plain(node) for node in ensembles):
        return
    for node in ensembles:
        attributes = attributes_of(node)
        base = np.array(attributes.get("base_values", ()), np.float32)
        output = node.output[0]
        place = list(nodes).index(node)
        node.CopyFrom(helper.make_node("TreeEnsemble", node.input, [output], domain=ML, **_compacted(attributes)))
        if base.any():
            node.output[0], constant = f"{output}/leaves", f"{output}/base"
            value = numpy_helper.from_array(base)
            nodes.insert(place + 1, helper.make_node("Constant", [], [constant], value=value))
            nodes.insert(place + 2, helper.make_node("Add", [f"{output}/leaves", constant], [output]))
    for imported in model.opset_import:
        if imported.domain == ML:
            imported.version = _OPSET


def _is_plain(node: onnx.NodeProto) -> bool:
    """Whether the ensemble adds up one number of a leaf for each tree, and does no more."""
    attributes = attributes_of(node)
    if node.op_type != "TreeEnsembleRegressor" or attributes.keys() - _KNOWN:
        return False
    leaves = [(attributes["nodes_treeids"][i], attributes["nodes_nodeids"][i]) for i in _leaves(attributes)]
    weighed = list(zip(attributes["target_treeids"], attributes["target_nodeids"], strict=True))
    base = attributes.get("base_values", ())
    return (
        (len(base) <= 1 or not any(base))
        and attributes.get("aggregate_function", b"SUM") == b"SUM"
        and attributes.get("post_transform", b"NONE") == b"NONE"
        and len(weighed) == len(leaves)
        and set(weighed) == set(leaves)
    )


def _leaves(attributes: Mapping[str, Any]) -> list[int]:
    return [i for i, mode in enumerate(attributes["nodes_modes"]) if mode == _LEAF]


def _compacted(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The new operator's attributes.

    A tree of nothing but a leaf becomes a branch, either way of which leads to one like it.
    """
    trees = Trees.of(attributes)
    is_branch = ~trees.is_leaf
    is_branch[trees.roots] = True
    branches, leaves = np.flatnonzero(is_branch), np.flatnonzero(trees.is_leaf)
    branch_at, leaf_at = (_positions(of, len(is_branch)) for of in (branches, leaves))
    is_lonely = trees.is_leaf[branches]
    lonely = branches[is_lonely]
    goals = np.stack([trees.if_true[branches], trees.if_false[branches]])
    is_leaf = is_lonely | trees.is_leaf[goals]
    positions = np.where(is_leaf, leaf_at[goals], branch_at[goals])
    positions[:, is_lonely] = leaf_at[lonely], len(leaves) + np.arange(len(lonely))
    idle = _idle_leaves(positions, is_leaf)
    positions[is_leaf] += idle
    modes = np.array([_MODES.get(mode, 0) for mode in attributes["nodes_modes"]], np.uint8)
    order = _order_of(attributes, np.concatenate([leaves, lonely]))
    weights = np.array(attributes["target_weights"], np.float32)[order]
    missing = np.array(attributes.get(_MISSING, ()), np.int64)
    return {
        "aggregate_function": _SUM,
        "n_targets": attributes.get("n_targets", 1),
        "tree_roots": branch_at[trees.roots].tolist(),
        "nodes_featureids": trees.features[branches].tolist(),
        "nodes_modes": numpy_helper.from_array(modes[branches]),
        "nodes_splits": numpy_helper.from_array(trees.thresholds[branches]),
        "nodes_truenodeids": positions[0].tolist(),
        "nodes_trueleafs": is_leaf[0].astype(int).tolist(),
        "nodes_falsenodeids": positions[1].tolist(),
        "nodes_falseleafs": is_leaf[1].astype(int).tolist(),
        "leaf_targetids": [0] * idle + np.array(attributes["target_ids"], np.int64)[order].tolist(),
        "leaf_weights": numpy_helper.from_array(np.concatenate([np.zeros(idle, np.float32), weights])),
        **({_MISSING: missing[branches].tolist()} if missing.any() else {}),
    }


def _idle_leaves(positions: Numbers, is_leaf: npt.NDArray[np.bool_]) -> int:
    """How many leaves to put before all others, so that no branch leads to a branch and a leaf of the same position.

    ONNX Runtime before 1.24 takes such a branch for a leaf.

    Args:
        positions: shape (2, branches), of what each leads to, among the branches or the leaves.
        is_leaf: likewise, which of the two.
    """
    is_mixed = is_leaf[0] != is_leaf[1]
    mixed, is_first = positions[:, is_mixed], is_leaf[0, is_mixed]
    distances = np.where(is_first, mixed[1] - mixed[0], mixed[0] - mixed[1])
    return int(np.setdiff1d(np.arange(len(distances) + 1), distances)[0])


def _positions(of: Numbers, count: int) -> Numbers:
    """Where each of these stands among them, by itself; what is not among them has a position that means nothing."""
    positions = np.zeros(count, np.int64)
    positions[of] = np.arange(len(of))
    return positions


def _order_of(attributes: Mapping[str, Any], leaves: Numbers) -> Numbers:
    """Which entry of the targets is for each of these leaves."""
    place = {
        leaf: i for i, leaf in enumerate(zip(attributes["target_treeids"], attributes["target_nodeids"], strict=True))
    }
    trees, numbers = attributes["nodes_treeids"], attributes["nodes_nodeids"]
    return np.array([place[trees[i], numbers[i]] for i in leaves.tolist()], np.int64)
