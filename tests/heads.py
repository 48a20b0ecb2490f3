"""Outcomes of scikit-learn's own estimators, for tests and benchmarks that are not about how outcomes are learnt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from training.export.estimators import emit_estimator, emit_probability
from training.export.nodes import Nodes
from training.features import Features
from training.heads import EXPECTED, PROBABILITY, Column, FloatArray, Question


@dataclass(frozen=True, slots=True)
class Propensity:
    """How likely an event is within the horizon.

    Attributes:
        question: what is answered.
        model: a classifier of two classes.
        evaluation: how well it does on later records.
    """

    question: Question
    model: Any
    evaluation: dict[str, object]

    @property
    def name(self) -> str:
        """Name of the head."""
        return self.question.name

    @property
    def title(self) -> str:
        """What it answers."""
        return self.question.title

    @property
    def columns(self) -> Sequence[Column]:
        """See Head."""
        return [(PROBABILITY, 1)]

    def scores(self, features: Features) -> FloatArray:
        """Calibrated probability as scikit-learn gives it, shape (n, 1)."""
        probabilities: FloatArray = self.model.predict_proba(features)[:, 1:]
        return probabilities

    def emit(self, nodes: Nodes, features: str) -> str:
        """What skl2onnx makes of it; of trees, the form that runs fastest."""
        return emit_probability(nodes, self.model, features)


@dataclass(frozen=True, slots=True)
class Value:
    """How much is expected within the horizon.

    Attributes:
        question: what is answered.
        model: boosted trees with Poisson loss.
        evaluation: how well it does on later records.
    """

    question: Question
    model: Any
    evaluation: dict[str, object]

    @property
    def name(self) -> str:
        """Name of the head."""
        return self.question.name

    @property
    def title(self) -> str:
        """What it answers."""
        return self.question.title

    @property
    def columns(self) -> Sequence[Column]:
        """See Head."""
        return [(EXPECTED, 1)]

    def scores(self, features: Features) -> FloatArray:
        """Expected amount as scikit-learn gives it, shape (n, 1)."""
        amounts: FloatArray = self.model.predict(features)[:, None]
        return amounts

    def emit(self, nodes: Nodes, features: str) -> str:
        """The trees' sum is the logarithm of the mean, which skl2onnx 1.20 leaves out for Poisson loss."""
        return nodes.add("Exp", emit_estimator(nodes, self.model, features)[0])
