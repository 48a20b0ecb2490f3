"""Propensities and values by boosted trees alone: fitted on the past, calibrated, and judged on what came after."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training.export.estimators import emit_estimator, emit_probability
from training.export.nodes import Nodes
from training.features import Features
from training.heads import EXPECTED, PROBABILITY, Column, FloatArray, Question
from training.outcomes.figures import judge_amounts, judge_probabilities

Visitors = npt.NDArray[np.int64]

_FOLDS = 5
# Small trees with much shrinkage: the rows of one household repeat, so there are fewer facts than rows. (assumed)
_BOOSTING = {
    "learning_rate": 0.05,
    "max_iter": 150,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 100,
    "early_stopping": False,  # it would hold back random rows, whose households are in the other rows too
}


@dataclass(frozen=True, slots=True)
class Propensity:
    """How likely an event is within the horizon.

    Attributes:
        question: what is answered.
        model: boosted trees behind a sigmoid that was fitted on folds with other households.
        evaluation: how well it does on later records.
    """

    question: Question
    model: CalibratedClassifierCV
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
        model: boosted trees with Poisson loss, whose mean is right and never negative.
        evaluation: how well it does on later records.
    """

    question: Question
    model: HistGradientBoostingRegressor
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


@dataclass(frozen=True, slots=True)
class Rows:
    """Features with what came of them: shapes (n, width), (n,) and (n,)."""

    features: Features
    outcomes: FloatArray
    visitors: Visitors


def fit_propensity(question: Question, train: Rows, test: Rows, seed: int) -> Propensity:
    """The propensity, trained on one set of rows and judged on a later one."""
    folds = list(GroupKFold(_FOLDS).split(train.features, train.outcomes, train.visitors))
    trees = HistGradientBoostingClassifier(**_BOOSTING, random_state=seed)
    model = CalibratedClassifierCV(trees, method="sigmoid", cv=folds, ensemble=False)
    model.fit(train.features, train.outcomes)
    plain = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(train.features, train.outcomes)
    evaluation = _sizes(train, test) | {
        **judge_probabilities(test.outcomes, model.predict_proba(test.features)[:, 1]),
        "baseline": {
            "what": "logistic regression on the same rows",
            **judge_probabilities(test.outcomes, plain.predict_proba(test.features)[:, 1]),
        },
    }
    return Propensity(question, model, evaluation)


def fit_value(question: Question, train: Rows, test: Rows, naive: FloatArray, seed: int) -> Value:
    """The value, trained on one set of rows and judged on a later one.

    Args:
        question: what is answered.
        train: rows with amounts, at least 0.
        test: later rows.
        naive: shape (n,), what one would expect of the test rows without a model.
        seed: of the trees' random numbers.
    """
    model = HistGradientBoostingRegressor(loss="poisson", **_BOOSTING, random_state=seed)
    model.fit(train.features, train.outcomes)
    evaluation = _sizes(train, test) | {
        **judge_amounts(test.outcomes, model.predict(test.features)),
        "baseline": {
            "what": "the spend of the window before, scaled to the horizon",
            **judge_amounts(test.outcomes, naive),
        },
    }
    return Value(question, model, evaluation)


def _sizes(train: Rows, test: Rows) -> dict[str, object]:
    return {"train_rows": len(train.features), "test_rows": len(test.features)}
