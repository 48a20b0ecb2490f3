from typing import Any

import lightgbm
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier

from server.model import INPUT, OUTPUT, open_graph
from training.export.compact import compact
from training.export.estimators import emit_trees
from training.export.graph import IR_VERSION
from training.export.nodes import ML, Nodes
from training.features import Features

WIDTH = 4
# Two trees, the second of nothing but a leaf; leaves are listed in another order than their weights.
TREES: dict[str, Any] = {
    "nodes_treeids": [0, 0, 0, 1],
    "nodes_nodeids": [0, 1, 2, 0],
    "nodes_featureids": [2, 0, 0, 0],
    "nodes_values": [0.5, 0.0, 0.0, 0.0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF", "LEAF"],
    "nodes_truenodeids": [1, 0, 0, 0],
    "nodes_falsenodeids": [2, 0, 0, 0],
    "target_treeids": [1, 0, 0],
    "target_nodeids": [0, 2, 1],
    "target_ids": [0, 0, 0],
    "target_weights": [0.25, 3.0, 7.0],
    "n_targets": 1,
}


def drawn(count: int = 500) -> Features:
    """Rows of few distinct values, so that many stand at a threshold."""
    return np.round(np.random.default_rng(11).normal(size=(count, WIDTH)), 1).astype(np.float32)


def model(*ensembles: onnx.NodeProto) -> onnx.ModelProto:
    """A graph of ensembles that read the features; the last one's output is the graph's."""
    graph = helper.make_graph(
        ensembles,
        "trees",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, WIDTH])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, None])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(ML, 3)]
    return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=opsets)


def regressor(output: str = OUTPUT, **changed: Any) -> onnx.NodeProto:
    """The trees above, but for what is changed."""
    return helper.make_node("TreeEnsembleRegressor", [INPUT], [output], domain=ML, **{**TREES, **changed})


def scores(graph: onnx.ModelProto, rows: Features) -> Features:
    """What the graph says of them."""
    onnx.checker.check_model(graph, full_check=True)
    found: Features = open_graph(graph.SerializeToString()).run([OUTPUT], {INPUT: rows})[0]
    return found


def operators(graph: onnx.ModelProto) -> list[str]:
    """What the graph computes."""
    return [node.op_type for node in graph.graph.node]


def exported(estimator: Any, rows: Features) -> onnx.ModelProto:
    """The sums of a fitted ensemble's leaves."""
    nodes = Nodes({INPUT, OUTPUT}, 18)
    emit_trees(nodes, estimator, INPUT)
    nodes.protos[-1].output[0] = OUTPUT
    graph = model(*nodes.protos)
    assert len(scores(graph, rows)) == len(rows)
    return graph


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(15, max_depth=6, random_state=0),
        GradientBoostingRegressor(n_estimators=15, random_state=0),
        lightgbm.LGBMRegressor(n_estimators=15, verbosity=-1, n_jobs=1),
        lightgbm.LGBMRegressor(n_estimators=3, min_child_samples=500, verbosity=-1, n_jobs=1),
    ],
    ids=["forest", "boosting", "LightGBM", "leaves alone"],
)
def test_compact_trees_give_the_very_same_scores(estimator: Any) -> None:
    """To the last bit, at thresholds and far from them, in fewer bytes where there are branches."""
    rows = drawn()
    estimator.fit(rows, (rows[:, 0] + rows[:, 1] > 0.2).astype(int))
    graph = exported(estimator, rows)
    far = np.array([[1e38] * WIDTH, [-1e38] * WIDTH, [np.inf] * WIDTH, [0.0] * WIDTH], np.float32)
    asked = np.concatenate([drawn(3_000), far])
    before = scores(graph, asked)

    compact(graph)

    assert operators(graph)[0] == "TreeEnsemble"
    np.testing.assert_array_equal(scores(graph, asked), before)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"base_values": [0.1]},
        {"n_targets": 2, "target_ids": [1, 0, 1]},
        {"nodes_modes": ["BRANCH_GT", "LEAF", "LEAF", "LEAF"]},
        {"nodes_missing_value_tracks_true": [1, 0, 0, 0]},
    ],
    ids=["as they are", "with a base", "two targets", "another comparison", "missing values"],
)
def test_what_an_ensemble_says_is_kept(changed: dict[str, Any]) -> None:
    """Bases are added by a node of their own, since the newer operator has none."""
    rows = np.array([[0, 0, 0.5, 0], [0, 0, 0.6, 0], [0, 0, np.nan, 0]], np.float32)
    graph = model(regressor(**changed))
    before = scores(graph, rows)

    compact(graph)

    assert operators(graph) == (["TreeEnsemble", "Constant", "Add"] if "base_values" in changed else ["TreeEnsemble"])
    np.testing.assert_array_equal(scores(graph, rows), before)


def test_the_numbers_are_those_of_the_leaves() -> None:
    """Worked out by hand: the leaf that is met in the first tree, and the second tree's only one."""
    graph = model(regressor())
    compact(graph)
    rows = np.array([[0, 0, 0.5, 0], [0, 0, 0.6, 0]], np.float32)
    np.testing.assert_array_equal(scores(graph, rows), [[7.25], [3.25]])


def test_no_branch_leads_to_a_branch_and_a_leaf_of_one_number() -> None:
    """ONNX Runtime before 1.24 takes such a branch for a leaf; here the root would lead to the second of each."""
    graph = model(
        regressor(
            nodes_treeids=[0] * 5,
            nodes_nodeids=[0, 1, 2, 3, 4],
            nodes_featureids=[0, 0, 0, 1, 0],
            nodes_values=[0.5, 0.0, 0.0, 0.5, 0.0],
            nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF"],
            nodes_truenodeids=[3, 0, 0, 1, 0],
            nodes_falsenodeids=[2, 0, 0, 4, 0],
            target_treeids=[0] * 3,
            target_nodeids=[1, 2, 4],
        )
    )
    rows = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]], np.float32)
    before = scores(graph, rows)

    compact(graph)

    said = {one.name: helper.get_attribute_value(one) for one in graph.graph.node[0].attribute}
    assert (said["nodes_trueleafs"], said["nodes_falseleafs"]) == ([0, 1], [1, 1])
    assert said["nodes_truenodeids"][0] != said["nodes_falsenodeids"][0]
    np.testing.assert_array_equal(before, [[0.25], [7.0], [3.0]])
    np.testing.assert_array_equal(scores(graph, rows), before)


@pytest.mark.parametrize(
    "changed",
    [
        {"aggregate_function": "AVERAGE"},
        {"post_transform": "LOGISTIC"},
        {"n_targets": 2, "target_ids": [1, 0, 1], "base_values": [0.1, -0.3]},
        {"n_targets": 2, "target_treeids": [1, 0, 0, 0], "target_nodeids": [0, 2, 1, 1], "target_ids": [0, 0, 0, 1]}
        | {"target_weights": [0.25, 3.0, 7.0, 8.0]},
        {"target_treeids": [0, 0], "target_nodeids": [2, 1], "target_ids": [0, 0], "target_weights": [3.0, 7.0]},
    ],
    ids=["an average", "a transformed sum", "two bases", "a leaf of two targets", "a leaf without any"],
)
def test_what_has_no_newer_form_stays(changed: dict[str, Any]) -> None:
    """And so does what is beside it, since no operator set has both."""
    graph = model(regressor("beside"), regressor(**changed))
    before = graph.SerializeToString(deterministic=True)
    compact(graph)
    assert graph.SerializeToString(deterministic=True) == before


def test_trees_that_read_float64_stay() -> None:
    """Their thresholds are in a tensor, which says what no float32 can."""
    changed = {name: value for name, value in TREES.items() if name not in {"nodes_values", "target_weights"}}
    wide: dict[str, Any] = {
        "nodes_values_as_tensor": numpy_helper.from_array(np.array(TREES["nodes_values"])),
        "target_weights_as_tensor": numpy_helper.from_array(np.array(TREES["target_weights"])),
    }
    node = helper.make_node("TreeEnsembleRegressor", ["wide"], [OUTPUT], domain=ML, **changed, **wide)
    graph = model(helper.make_node("Cast", [INPUT], ["wide"], to=TensorProto.DOUBLE), node)
    before = graph.SerializeToString(deterministic=True)
    compact(graph)
    assert graph.SerializeToString(deterministic=True) == before


def test_a_graph_without_trees_stays() -> None:
    """Nothing asks for a newer operator set."""
    graph = model(helper.make_node("Identity", [INPUT], [OUTPUT]))
    before = graph.SerializeToString(deterministic=True)
    compact(graph)
    assert graph.SerializeToString(deterministic=True) == before
