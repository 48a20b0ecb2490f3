from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import onnx
import pytest
from onnx import helper
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from server.model import INPUT, OUTPUT, open_graph
from tests.heads import Propensity
from training.export.estimators import emit_trees
from training.export.graph import assemble
from training.export.likely import likely_next
from training.export.nodes import Nodes
from training.features import Features
from training.heads import PROBABILITY, FloatArray, Head, Question

WIDTH = 5
QUESTION = Question("buys_7d", "buys within 7 days", 7)
CLASSES = 3


def drawn(count: int = 600) -> tuple[Features, FloatArray]:
    """Skewed rows of few distinct values, so that many stand at a threshold, and an event that depends on them."""
    generator = np.random.default_rng(3)
    rows = np.round(generator.gamma(1.0, 2.0, (count, WIDTH)) - 1, 1).astype(np.float32)
    return rows, (rows[:, 0] + rows[:, 1] + generator.normal(size=count) > 2).astype(int)


def built(heads: Sequence[Head], feature_count: int, visitors: Features | None = None) -> bytes:
    """The graph of these heads, before its trees are made compact; turned for these visitors, if any."""
    model = assemble(heads, feature_count)
    if visitors is not None:
        likely_next(model, visitors)
    graph: bytes = model.SerializeToString(deterministic=True)
    return graph


def edges(graph: bytes) -> Features:
    """Rows of which each value is at a threshold of the graph's trees, next to one, or as far as a float32 goes."""
    thresholds = np.unique(np.concatenate([attribute(node, "nodes_values") for node in ensembles(graph)]))
    near = [np.nextafter(thresholds.astype(np.float32), np.float32(to)) for to in (-np.inf, np.inf)]
    largest = np.finfo(np.float32).max
    far = np.array([-largest, largest, -0.0, 0.0, 1e-45, -1e-45, np.inf, -np.inf], np.float32)
    values = np.concatenate([thresholds.astype(np.float32), *near, far])
    return np.random.default_rng(5).choice(values, (5_000, WIDTH)).astype(np.float32)


def ensembles(graph: bytes) -> list[onnx.NodeProto]:
    """The ensembles of a graph."""
    return [node for node in onnx.load_from_string(graph).graph.node if node.op_type.startswith("TreeEnsemble")]


def attribute(node: onnx.NodeProto, name: str) -> Any:
    """The value of a node's attribute."""
    return helper.get_attribute_value(next(one for one in node.attribute if one.name == name))


def scores(graph: bytes, rows: Features) -> Features:
    """What the graph says of them."""
    found: Features = open_graph(graph).run([OUTPUT], {INPUT: rows})[0]
    return found


@dataclass(frozen=True, slots=True)
class Sums:
    """A head that says what the leaves of trees add up to."""

    model: Any
    name = title = "sums"
    columns = ((PROBABILITY, 1),)

    def scores(self, features: Features) -> FloatArray:
        """As the library says."""
        raw: FloatArray = self.model.decision_function(features)[:, None]
        return raw

    def emit(self, nodes: Nodes, features: str) -> str:
        """The trees alone."""
        return emit_trees(nodes, self.model, features)


MODELS: dict[str, Callable[[], Any]] = {
    "tree": lambda: DecisionTreeClassifier(max_depth=6, random_state=0),
    "forest": lambda: RandomForestClassifier(20, max_depth=5, random_state=0),
    "histogram boosting": lambda: HistGradientBoostingClassifier(max_iter=20, random_state=0),
    "LightGBM": lambda: lightgbm.LGBMClassifier(n_estimators=20, verbosity=-1, n_jobs=1),
    "a forest behind a scaler": lambda: make_pipeline(StandardScaler(), RandomForestClassifier(9, random_state=0)),
}


@pytest.mark.parametrize("name", MODELS)
def test_turned_trees_give_the_same_scores(name: str) -> None:
    """To the last bit, for rows at thresholds, beside them, and at both ends of what a float32 holds."""
    rows, event = drawn()
    model = MODELS[name]().fit(rows, event)
    head = Sums(model) if name in {"histogram boosting", "LightGBM"} else Propensity(QUESTION, model, {})
    plain, turned = built([head], WIDTH), built([head], WIDTH, rows)

    assert plain != turned
    asked = np.concatenate([rows, edges(plain)])
    np.testing.assert_array_equal(scores(turned, asked), scores(plain, asked))


def test_most_visitors_go_on_to_the_next_node() -> None:
    """In every tree and at every node, where some go one way and others the other."""
    rows, event = drawn()
    forest = RandomForestClassifier(7, max_depth=6, random_state=0).fit(rows, event)
    (node,) = ensembles(built([Propensity(QUESTION, forest, {})], WIDTH, rows))

    both = np.concatenate([rows, -rows], axis=1)
    taken = {True: 0, False: 0}
    for tree, inner in by_tree(node).items():
        for number, (feature, threshold, true, false) in inner.items():
            here = both[reached(inner, both, number)]
            is_true = here[:, feature] <= np.float32(threshold)
            assert is_true.mean() <= 0.5, (tree, number, true, false)
            taken[True] += int(is_true.sum())
            taken[False] += int((~is_true).sum())
    assert taken[False] > 2 * taken[True]


Inner = dict[int, tuple[int, float, int, int]]


def by_tree(node: onnx.NodeProto) -> dict[int, Inner]:
    """Feature, threshold and both ways on of each node that is no leaf, by its number, by tree."""
    names = ("treeids", "nodeids", "modes", "featureids", "values", "truenodeids", "falsenodeids")
    trees: dict[int, Inner] = {}
    for tree, number, mode, *rest in zip(*(attribute(node, f"nodes_{name}") for name in names), strict=True):
        if mode != b"LEAF":
            trees.setdefault(tree, {})[number] = tuple(rest)
    return trees


def reached(inner: Inner, rows: Features, wanted: int) -> list[int]:
    """Which of the rows come to a node of a tree whose root is 0."""
    found = []
    for number, row in enumerate(rows):
        at = 0
        while at in inner and at != wanted:
            feature, threshold, true, false = inner[at]
            at = true if row[feature] <= np.float32(threshold) else false
        if at == wanted:
            found.append(number)
    return found


def test_ensembles_of_one_input_share_what_is_beside_it() -> None:
    """The negated features are computed once."""
    rows, event = drawn()
    heads = [
        Propensity(Question(name, "?", 7), RandomForestClassifier(5, random_state=seed).fit(rows, event), {})
        for seed, name in enumerate(("one", "other"))
    ]
    operators = [node.op_type for node in onnx.load_from_string(built(heads, WIDTH, rows)).graph.node]

    assert operators.count("Neg") == 1
    assert operators.count("TreeEnsembleRegressor") == 2


@pytest.mark.parametrize("changed", ["another comparison", "missing values", "float64"])
def test_other_ensembles_are_left_as_they_are(changed: str) -> None:
    """Where "not at most" is not the other side, a missing value has two, or numbers lie between two of float32."""
    rows, event = drawn()
    model = onnx.load_from_string(
        built([Propensity(QUESTION, RandomForestClassifier(3, random_state=0).fit(rows, event), {})], WIDTH)
    )
    node = next(one for one in model.graph.node if one.op_type == "TreeEnsembleRegressor")
    if changed == "missing values":
        count = len(attribute(node, "nodes_modes"))
        node.attribute.append(helper.make_attribute("nodes_missing_value_tracks_true", [1] + [0] * (count - 1)))
    elif changed == "float64":
        place = list(model.graph.node).index(node)
        node.input[0] = "wide"
        model.graph.node.insert(place, helper.make_node("Cast", [INPUT], ["wide"], to=onnx.TensorProto.DOUBLE))
    else:
        (modes,) = (one for one in node.attribute if one.name == "nodes_modes")
        modes.strings[0] = b"BRANCH_LT"
    before = model.SerializeToString(deterministic=True)

    likely_next(model, rows)

    assert model.SerializeToString(deterministic=True) == before


def test_a_tree_that_never_splits_has_nothing_to_turn() -> None:
    """One leaf is all of it; nothing is put beside the features."""
    rows, event = drawn()
    stump = lightgbm.LGBMClassifier(n_estimators=3, min_child_samples=500, verbosity=-1, n_jobs=1).fit(rows, event)
    graphs = [built([Propensity(QUESTION, stump, {})], WIDTH, visitors) for visitors in (None, rows)]

    assert graphs[0] == graphs[1]


def test_a_classifier_of_several_classes_is_turned_too() -> None:
    """Its trees are left as a classifier's, whose leaves are of several classes."""
    rows, _ = drawn()
    labels = (rows[:, 0] > 0).astype(int) + (rows[:, 1] > 1)
    head = Propensity(QUESTION, RandomForestClassifier(8, max_depth=4, random_state=0).fit(rows, labels), {})
    plain, turned = built([head], WIDTH), built([head], WIDTH, rows)

    assert [node.op_type for node in ensembles(turned)] == ["TreeEnsembleClassifier"]
    assert len(set(labels)) == CLASSES
    assert plain != turned
    np.testing.assert_array_equal(scores(turned, rows), scores(plain, rows))
