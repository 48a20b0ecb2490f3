"""Estimates of what a treatment changes for each visitor, which is never seen: one is treated or is not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from training.export.estimators import emit_estimator, emit_probability
from training.export.nodes import Nodes
from training.features import Features
from training.heads import BoolArray, FloatArray
from training.learners import BOOSTING, FITS, Sample, encoder, leaf, probability

_RIDGE: Final = 10.0  # the transformed outcome is mostly noise: its variance is some 1 / (p (1 - p)) (assumed)


class Estimate(Protocol):
    """A fitted estimate of the difference of two probabilities: treated, and not."""

    def uplift(self, features: Features) -> FloatArray:
        """The difference, shape (n,)."""
        ...

    def emit(self, nodes: Nodes, features: str) -> str:
        """Name of the same in a graph, float32 [rows, 1]."""
        ...


@dataclass(frozen=True, slots=True)
class TwoModels:
    """One model of the treated, one of the others (a T-learner).

    Source: S. Künzel and others, Metalearners for estimating heterogeneous treatment effects, 2019, section 2.

    Attributes:
        treated: probability of the event, of who is treated.
        control: the same, of who is not.
    """

    treated: BaseEstimator
    control: BaseEstimator

    def uplift(self, features: Features) -> FloatArray:
        """See Estimate."""
        return probability(self.treated, features) - probability(self.control, features)

    def emit(self, nodes: Nodes, features: str) -> str:
        """Both, and their difference."""
        return nodes.add(
            "Sub", emit_probability(nodes, self.treated, features), emit_probability(nodes, self.control, features)
        )


@dataclass(frozen=True, slots=True)
class TransformedOutcome:
    """One regression of an outcome whose mean is the effect: Y (W - p) / (p (1 - p)).

    Source: S. Athey, G. Imbens, Machine learning methods for estimating heterogeneous causal effects, 2015, section 3.

    Attributes:
        model: the regression.
    """

    model: BaseEstimator

    def uplift(self, features: Features) -> FloatArray:
        """See Estimate; within [-1, 1], as the difference of two probabilities is."""
        difference: FloatArray = np.clip(self.model.predict(features).astype(np.float64), -1.0, 1.0)
        return difference

    def emit(self, nodes: Nodes, features: str) -> str:
        """The regression, clipped."""
        difference = nodes.add("Reshape", emit_estimator(nodes, self.model, features)[0], nodes.constant([-1, 1]))
        return nodes.add("Clip", difference, nodes.constant(-1.0, np.float32), nodes.constant(1.0, np.float32))


Fit = Callable[[Sample, BoolArray, str, int], Estimate]


def fit_two_models(sample: Sample, treated: BoolArray, learner: str, seed: int) -> TwoModels:
    """See TwoModels; both of the same learner."""
    return TwoModels(FITS[learner](sample.at(treated), seed), FITS[learner](sample.at(~treated), seed))


def fit_transformed_outcome(sample: Sample, treated: BoolArray, learner: str, seed: int) -> TransformedOutcome:
    """See TransformedOutcome; p is the share that was treated."""
    p = treated.mean()
    outcome = sample.happened * (treated - p) / (p * (1 - p))
    if learner == "logistic":
        model = make_pipeline(encoder(sample.specs), Ridge(alpha=_RIDGE))
    else:
        model = HistGradientBoostingRegressor(**BOOSTING, min_samples_leaf=leaf(len(outcome)), random_state=seed)
    return TransformedOutcome(model.fit(sample.features, outcome))


FITS_OF_UPLIFT: Final[Mapping[str, Fit]] = {
    "two_models": fit_two_models,
    "transformed_outcome": fit_transformed_outcome,
}
