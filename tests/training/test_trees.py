import numpy as np
import onnx
import pytest
from sklearn.ensemble import RandomForestClassifier

from server.model import INPUT, OUTPUT, open_graph
from tests.heads import Propensity
from training.export.graph import build_graph
from training.export.trees import as_regression
from training.heads import Question

WIDTH = 5


def forest(classes: int = 2) -> tuple[RandomForestClassifier, np.ndarray]:
    """A small forest, and rows to ask it about."""
    generator = np.random.default_rng(7)
    rows = generator.normal(size=(400, WIDTH)).astype(np.float32)
    labels = (rows[:, 0] * 2 + generator.normal(size=400)).clip(-1.4, 1.4).round().astype(int) % classes
    return RandomForestClassifier(20, max_depth=5, random_state=0).fit(rows, labels), rows


def test_forest_is_exported_as_a_regression_with_the_same_probabilities() -> None:
    """The trees of a classifier of two classes answer with the second one's probability, and compute nothing else."""
    model, rows = forest()
    graph = build_graph([Propensity(Question("buys_7d", "buys", 7), model, {})], WIDTH)
    operators = [node.op_type for node in onnx.load_from_string(graph).graph.node]
    assert operators == ["TreeEnsemble", "Concat"]
    scores = open_graph(graph).run([OUTPUT], {INPUT: rows})[0]
    np.testing.assert_allclose(scores[:, 0], model.predict_proba(rows)[:, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("labels", "ids", "transform"),
    [([0, 1, 2], [0, 0], "NONE"), ([0, 1], [0, 1], "NONE"), ([0, 1], [0, 0], "LOGISTIC")],
    ids=["three classes", "weights for both classes", "transformed sums"],
)
def test_what_is_no_plain_pair_stays(labels: list[int], ids: list[int], transform: str) -> None:
    """A classifier whose sums are not simply the second class's probabilities is left as it is."""
    node = onnx.helper.make_node(
        "TreeEnsembleClassifier",
        ["x"],
        ["label", "probabilities"],
        domain="ai.onnx.ml",
        classlabels_int64s=labels,
        class_ids=ids,
        post_transform=transform,
    )
    before = node.SerializeToString()
    assert not as_regression([node], "probabilities")
    assert node.SerializeToString() == before


def test_a_label_that_is_read_stays() -> None:
    """A classifier whose label another node needs is left as it is."""
    classifier = onnx.helper.make_node(
        "TreeEnsembleClassifier", ["x"], ["label", "p"], classlabels_int64s=[0, 1], class_ids=[0, 0]
    )
    reader = onnx.helper.make_node("Cast", ["label"], ["y"], to=1)
    assert not as_regression([classifier, reader], "p")
