from dataclasses import dataclass

import lightgbm
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from server.model import INPUT, OUTPUT, open_graph
from training.export.estimators import emit_probability, emit_trees
from training.export.graph import build_graph
from training.export.nodes import Nodes
from training.export.trees import NoTrees, rounded_down
from training.features import Features
from training.heads import PROBABILITY, FloatArray

WIDTH = 4


@dataclass(frozen=True, slots=True)
class Likely:
    """A head that says what a classifier of two says."""

    model: BaseEstimator
    name = title = "likely"
    columns = ((PROBABILITY, 1),)

    def scores(self, features: Features) -> FloatArray:
        """As the library says."""
        probabilities: FloatArray = self.model.predict_proba(features)[:, 1:]
        return probabilities

    def emit(self, nodes: Nodes, features: str) -> str:
        """As its converter says."""
        return emit_probability(nodes, self.model, features)


def drawn() -> tuple[Features, FloatArray]:
    """Rows, and an event that depends on them."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(500, WIDTH)).astype(np.float32)
    return rows, (rows[:, 0] + generator.normal(size=500) > 0).astype(float)


@settings(deadline=None)
@given(threshold=st.floats(-1e30, 1e30), steps=st.integers(-3, 3))
@example(threshold=1e6 + 0.04, steps=1)
@example(threshold=0.1, steps=0)
@example(threshold=1e-50, steps=0)
@example(threshold=-1e-50, steps=0)
def test_rounding_down_changes_no_decision(threshold: float, steps: int) -> None:
    """A float32 near the threshold, or at it, is on the same side of the rounded one, which is a float32 itself."""
    rounded = float(rounded_down(np.array([threshold]))[0])
    assert rounded == float(np.float32(rounded))
    value = np.float32(threshold)
    for _ in range(abs(steps)):
        value = np.nextafter(value, np.float32(np.copysign(np.inf, steps)))
    assert (float(value) <= threshold) == (float(value) <= rounded)


def test_lightgbm_by_its_converter() -> None:
    """Anyone's LightGBM classifier is exported as scikit-learn's are."""
    rows, event = drawn()
    model = lightgbm.LGBMClassifier(n_estimators=10, verbosity=-1, n_jobs=1).fit(rows, event)
    scores = open_graph(build_graph([Likely(model)], WIDTH)).run([OUTPUT], {INPUT: rows})[0]
    np.testing.assert_allclose(scores, Likely(model).scores(rows), atol=1e-6)


def test_a_tree_that_never_splits() -> None:
    """Trees that found nothing to split by give the rate of the event to everyone."""
    rows, event = drawn()
    model = lightgbm.LGBMClassifier(n_estimators=3, min_child_samples=400, verbosity=-1, n_jobs=1).fit(rows, event)
    scores = open_graph(build_graph([Likely(model)], WIDTH)).run([OUTPUT], {INPUT: rows})[0]
    np.testing.assert_allclose(scores[:, 0], event.mean(), atol=1e-6)


def test_what_is_no_ensemble_has_no_trees() -> None:
    """Asked for the trees of a linear model, the exporter says of what operators it is."""
    model = LogisticRegression().fit(*drawn())
    with pytest.raises(NoTrees, match="not one ensemble of trees but LinearClassifier"):
        emit_trees(Nodes(set(), 18), model, "features")
