import dataclasses
from functools import cache

import numpy as np
import onnx
import pytest

from server.model import INPUT, OUTPUT, open_graph
from tests.training.outcomes.records import SPECS, WORDS, draw, table
from training.export import estimators
from training.export.graph import build_graph
from training.export.parity import NoParity, prove
from training.features import Features
from training.outcomes import methods
from training.outcomes.fit import fit_outcome
from training.outcomes.order import OutcomeOrder
from training.outcomes.predictor import Predictor

ORDERS = {
    **{
        f"propensity {m}": OutcomeOrder(name="buys", title="", kind="propensity", methods=(m,))
        for m in methods.OF_CLASSES
    },
    **{
        f"classes {m}": OutcomeOrder(
            name="next", title="", kind="classes", methods=(m,), classes=WORDS, calibration="temperature"
        )
        for m in methods.OF_CLASSES
    },
    **{
        f"value {m}": OutcomeOrder(name="spends", title="", kind="value", unit="EUR", methods=(m,), calibration="ratio")
        for m in methods.OF_AMOUNTS
    },
}


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ensembles of a few trees, which are exported as those of many are."""
    monkeypatch.setattr(methods, "_TREES", 8)
    monkeypatch.setattr(methods, "_FOREST", 8)
    monkeypatch.setattr(methods, "_EPOCHS", 5)


@cache
def fitted(what: str) -> Predictor:
    """The head, fitted on generated rows."""
    return fit_outcome(dataclasses.replace(ORDERS[what], folds=2), table(600), 0)


def held_out() -> Features:
    """Rows that no model was fitted on, and rows that every threshold was taken from."""
    return np.concatenate([draw(9400, 1), table(600).features])


@pytest.mark.parametrize("what", ORDERS)
def test_graph_answers_as_the_library_does(what: str) -> None:
    """On ten thousand rows and on rows at the edges, every method's graph gives what scikit-learn or LightGBM does."""
    head = fitted(what)
    evidence = prove(build_graph([head], len(SPECS)), [head], held_out(), SPECS)
    assert (evidence.row_count, evidence.edge_row_count) == (10_000, 4 + 2 * len(SPECS))


@pytest.mark.parametrize("what", ["classes network", "classes lightgbm", "classes forest"])
def test_probabilities_of_classes_add_up(what: str) -> None:
    """Whatever the row, the graph's probabilities of the classes are a column each, and add up to 1."""
    head = fitted(what)
    scores = open_graph(build_graph([head], len(SPECS))).run([OUTPUT], {INPUT: held_out()})[0]
    assert scores.shape == (10_000, len(WORDS))
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("what", ["propensity boosting", "value boosting", "propensity lightgbm", "value tweedie"])
def test_thresholds_are_not_rounded_up(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two values have no float32 between them, a threshold that is rounded to the nearest one moves visitors."""
    head = fitted(what)
    rows = held_out()
    prove(build_graph([head], len(SPECS)), [head], rows, SPECS)
    monkeypatch.setattr(estimators, "rounded_down", lambda thresholds: thresholds)
    with pytest.raises(NoParity):
        prove(build_graph([head], len(SPECS)), [head], rows, SPECS)


def test_trees_are_one_node() -> None:
    """Of an ensemble only its sum is in the graph: no label, and no second class."""
    graph = onnx.load_from_string(build_graph([fitted("propensity lightgbm")], len(SPECS))).graph
    operators = [node.op_type for node in graph.node if node.op_type != "Constant"]
    assert operators == ["TreeEnsemble", "Cast", "Mul", "Add", "Sigmoid", "Cast", "Concat"]


@pytest.mark.parametrize("what", ["propensity forest", "propensity lightgbm", "classes network"])
def test_same_training_same_bytes(what: str) -> None:
    """The same rows and seed give the same graph, byte for byte."""
    first = build_graph([fitted(what)], len(SPECS))
    again = build_graph([fitted.__wrapped__(what)], len(SPECS))
    assert again == first


def test_amounts_are_never_negative() -> None:
    """No amount is expected to be below 0, wherever the row."""
    for what in ("value linear", "value forest", "value tweedie"):
        assert (fitted(what).scores(held_out()) >= 0).all()


@pytest.mark.parametrize("method", ["linear", "boosting", "tweedie"])
def test_any_currency(method: str) -> None:
    """Amounts of a currency of which there are a million for each of another are expected a million times, exactly."""
    rows, order = table(400), dataclasses.replace(ORDERS[f"value {method}"], folds=2)
    dear = dataclasses.replace(rows, outcomes={"spends": 2.0**20 * rows.outcomes["spends"]})
    head, other = fit_outcome(order, rows, 0), fit_outcome(order, dear, 0)
    np.testing.assert_allclose(other.scores(rows.features), 2.0**20 * head.scores(rows.features), rtol=1e-9)
    prove(build_graph([other], len(SPECS)), [other], rows.features, SPECS)
