"""Fitted models of outcomes: what each says before it is calibrated, in NumPy and in ONNX.

Of an event they say its log odds, of classes a logit for each, of an amount the amount.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import lightgbm
import numpy as np
from sklearn.base import BaseEstimator

from training.export.estimators import emit_trees
from training.export.nodes import Nodes
from training.features import Features
from training.heads import FloatArray
from training.outcomes.encoding import Encoding

# Shares of a forest are sums of float32 in the graph: near 1 the log odds of more digits than these would differ.
_LEAST_SHARE = 1e-6
_LARGEST_SHARE = 1 - 1e-3
_LARGEST_LOGIT = 30.0  # of a network: beyond it nothing is learnt, and float64 holds no more


class Model(Protocol):
    """A fitted model of one outcome."""

    def raw(self, features: Features) -> FloatArray:
        """What it says of these visitors, shape (n, k): see the module."""
        ...

    def emit(self, nodes: Nodes, features: str) -> str:
        """Name of the same in a graph, float64 [rows, k], of float32 [rows, features]."""
        ...


@dataclass(frozen=True, slots=True)
class Linear:
    """A weighted sum of encoded features; of an amount its logarithm.

    Attributes:
        encoding: of the features.
        model: a linear model of scikit-learn, fitted on encoded features.
        unit: by which amounts were divided before the fit, None where the model is a classifier.
    """

    encoding: Encoding
    model: BaseEstimator
    unit: float | None = None

    def raw(self, features: Features) -> FloatArray:
        """As scikit-learn says."""
        encoded = self.encoding.apply(features)
        if self.unit is not None:
            return _matrix(self.unit * self.model.predict(encoded))
        return _matrix(self.model.decision_function(encoded))

    def emit(self, nodes: Nodes, features: str) -> str:
        """One matrix product."""
        weights = np.atleast_2d(self.model.coef_).T
        total = _layer(nodes, self.encoding.emit(nodes, features), weights, np.atleast_1d(self.model.intercept_))
        if self.unit is None:
            return total
        return nodes.add("Mul", nodes.add("Exp", total), nodes.constant(self.unit))


@dataclass(frozen=True, slots=True)
class Network:
    """A small network of encoded features.

    Attributes:
        encoding: of the features.
        model: an MLPClassifier with rectified units.
    """

    encoding: Encoding
    model: BaseEstimator

    def raw(self, features: Features) -> FloatArray:
        """Logits, which scikit-learn gives as probabilities alone."""
        probabilities = self.model.predict_proba(self.encoding.apply(features))
        if probabilities.shape[1] == 2:  # noqa: PLR2004  # an event and its absence
            with np.errstate(divide="ignore"):
                logits = np.log(probabilities[:, 1:]) - np.log1p(-probabilities[:, 1:])
            return _matrix(np.clip(logits, -_LARGEST_LOGIT, _LARGEST_LOGIT))
        return _matrix(np.log(np.maximum(probabilities, np.exp(-_LARGEST_LOGIT))))

    def emit(self, nodes: Nodes, features: str) -> str:
        """A matrix product for each layer."""
        *hidden, last = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        x = self.encoding.emit(nodes, features)
        for weights, biases in hidden:
            x = nodes.add("Relu", _layer(nodes, x, weights, biases))
        x = _layer(nodes, x, *last)
        if len(last[1]) == 1:
            return nodes.add("Clip", x, nodes.constant(-_LARGEST_LOGIT), nodes.constant(_LARGEST_LOGIT))
        shares = nodes.add("Softmax", x, axis=1)
        return nodes.add("Log", nodes.add("Max", shares, nodes.constant(np.exp(-_LARGEST_LOGIT))))


@dataclass(frozen=True, slots=True)
class Shares:
    """A tree or a forest of classes: the logarithm of the odds, or of each class's share, in the leaves.

    Attributes:
        model: a DecisionTreeClassifier or a RandomForestClassifier.
    """

    model: BaseEstimator

    def raw(self, features: Features) -> FloatArray:
        """Log odds of an event; logarithms of the classes' shares."""
        shares = self.model.predict_proba(features)
        if shares.shape[1] == 2:  # noqa: PLR2004  # an event and its absence
            odds = np.clip(shares[:, 1:], _LEAST_SHARE, _LARGEST_SHARE)
            return _matrix(np.log(odds) - np.log(1 - odds))
        return _matrix(np.log(np.maximum(shares, _LEAST_SHARE)))

    def emit(self, nodes: Nodes, features: str) -> str:
        """The leaves' sums, which are shares already."""
        shares = nodes.cast(emit_trees(nodes, self.model, features), np.float64)
        least = nodes.constant(_LEAST_SHARE)
        if len(self.model.classes_) > 2:  # noqa: PLR2004  # an event and its absence
            return nodes.add("Log", nodes.add("Max", shares, least))
        odds = nodes.add("Clip", shares, least, nodes.constant(_LARGEST_SHARE))
        rest = nodes.add("Sub", nodes.constant(1.0), odds)
        return nodes.add("Sub", nodes.add("Log", odds), nodes.add("Log", rest))


@dataclass(frozen=True, slots=True)
class Boosted:
    """Boosted trees of classes: their sums are log odds, or a logit for each class.

    Attributes:
        model: a HistGradientBoostingClassifier or an LGBMClassifier.
    """

    model: Any

    def raw(self, features: Features) -> FloatArray:
        """As the library says."""
        if isinstance(self.model, lightgbm.LGBMModel):
            return _matrix(self.model.predict(features, raw_score=True))
        return _matrix(self.model.decision_function(features))

    def emit(self, nodes: Nodes, features: str) -> str:
        """The leaves' sums."""
        return nodes.cast(emit_trees(nodes, self.model, features), np.float64)


@dataclass(frozen=True, slots=True)
class Amounts:
    """Trees of an amount.

    Attributes:
        model: a regression of scikit-learn or LightGBM.
        is_logarithm: whether the leaves' sum is the logarithm of the amount, which skl2onnx 1.20 forgets.
        unit: by which amounts were divided before the fit.
    """

    model: Any
    is_logarithm: bool
    unit: float

    def raw(self, features: Features) -> FloatArray:
        """As the library says."""
        return _matrix(self.unit * self.model.predict(features))

    def emit(self, nodes: Nodes, features: str) -> str:
        """The leaves' sums."""
        total = nodes.cast(emit_trees(nodes, self.model, features), np.float64)
        amounts = nodes.add("Exp", total) if self.is_logarithm else total
        return nodes.add("Mul", amounts, nodes.constant(self.unit))


def _layer(nodes: Nodes, x: str, weights: FloatArray, biases: FloatArray) -> str:
    product = nodes.add("MatMul", x, nodes.constant(weights, np.float64))
    return nodes.add("Add", product, nodes.constant(biases, np.float64))


def _matrix(values: Any) -> FloatArray:  # noqa: ANN401  # as untyped libraries give it
    matrix: FloatArray = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    return matrix
