"""What makes a model's answers mean what they say: probabilities that come true, amounts whose total is right."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logit, softmax
from sklearn.linear_model import LogisticRegression

from training.export.nodes import Nodes
from training.heads import FloatArray

_COLDEST, _HOTTEST = 0.05, 20.0  # beyond these temperatures the best class is certain, or every class the same


class Calibration(Protocol):
    """From what a model says to what is served."""

    def apply(self, raw: FloatArray) -> FloatArray:
        """Shape as given."""
        ...

    def emit(self, nodes: Nodes, raw: str) -> str:
        """Name of the same in a graph, float64, of float64."""
        ...


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """A probability: the logistic function of slope * log odds + offset."""

    slope: float = 1.0
    offset: float = 0.0

    def apply(self, raw: FloatArray) -> FloatArray:
        """See Calibration."""
        probabilities: FloatArray = expit(self.slope * raw + self.offset)
        return probabilities

    def emit(self, nodes: Nodes, raw: str) -> str:
        """See Calibration."""
        scaled = nodes.add("Mul", raw, nodes.constant(self.slope))
        return nodes.add("Sigmoid", nodes.add("Add", scaled, nodes.constant(self.offset)))


@dataclass(frozen=True, slots=True)
class Temperature:
    """Probabilities of classes: the softmax of logits divided by a temperature, plus an offset for each class.

    Attributes:
        temperature: above 1 makes less sure.
        offsets: of the classes, none for 0.
    """

    temperature: float = 1.0
    offsets: tuple[float, ...] = ()

    def apply(self, raw: FloatArray) -> FloatArray:
        """See Calibration."""
        probabilities: FloatArray = softmax(raw / self.temperature + np.array(self.offsets or 0.0), axis=1)
        return probabilities

    def emit(self, nodes: Nodes, raw: str) -> str:
        """See Calibration."""
        scaled = nodes.add("Div", raw, nodes.constant(self.temperature))
        if self.offsets:
            scaled = nodes.add("Add", scaled, nodes.constant(np.array(self.offsets)))
        return nodes.add("Softmax", scaled, axis=1)


@dataclass(frozen=True, slots=True)
class Ratio:
    """An amount, times a factor that makes the total right; never below 0."""

    factor: float = 1.0

    def apply(self, raw: FloatArray) -> FloatArray:
        """See Calibration."""
        return np.maximum(self.factor * raw, 0.0)

    def emit(self, nodes: Nodes, raw: str) -> str:
        """See Calibration."""
        return nodes.add("Max", nodes.add("Mul", raw, nodes.constant(self.factor)), nodes.constant(0.0))


def fit_sigmoid(raw: FloatArray, actual: FloatArray) -> Sigmoid:
    """Fitted on rows that the model was not fitted on, shapes (m, 1) and (m,).

    Source: J. Platt, Probabilistic outputs for support vector machines, 1999, whose targets are not 0 and 1 but
    1 / (negatives + 2) and (positives + 1) / (positives + 2), so that few rows which are told apart without error do
    not make it certain. Such a target is here the row twice, with and without the event, weighted. A slope below 0 is
    none: log odds that order the rows worse than chance say nothing, and everyone gets the rate.
    """
    positives = actual.sum()
    targets = np.where(actual == 1, (positives + 1) / (positives + 2), 1 / (len(actual) - positives + 2))
    centre, scale = float(raw.mean()), float(raw.std()) or 1.0
    standard = (raw - centre) / scale
    model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(
        np.concatenate([standard, standard]),
        np.repeat([1, 0], len(actual)),
        sample_weight=np.concatenate([targets, 1 - targets]),
    )
    slope = float(model.coef_[0, 0]) / scale
    if slope <= 0:
        return Sigmoid(0.0, float(logit(targets.mean())))
    return Sigmoid(slope, float(model.intercept_[0]) - slope * centre)


def fit_temperature(raw: FloatArray, actual: FloatArray) -> Temperature:
    """Temperature and offsets of least log loss, on rows that the model was not fitted on, shapes (m, k) and (m,).

    The offsets make each class as frequent as it was, which weights in the fit may have changed.

    Source: A. Alexandari and others, Maximum likelihood with bias-corrected calibration is hard-to-beat at label shift
    adaptation, 2020; C. Guo and others, On calibration of modern neural networks, 2017.
    """
    classes = raw.shape[1]
    came = np.eye(classes)[actual.astype(np.int64)]

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        logits = parameters[0] * raw + parameters[1:]
        excess = (softmax(logits, axis=1) - came) / len(actual)
        value = -float((log_softmax(logits, axis=1) * came).sum()) / len(actual)
        return value, np.concatenate([[float((excess * raw).sum())], excess.sum(axis=0)])

    start = np.concatenate([[1.0], np.zeros(classes)])
    bounds = [(1 / _HOTTEST, 1 / _COLDEST), *[(None, None)] * classes]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Temperature(1 / float(found[0]), tuple((found[1:] - found[1:].mean()).tolist()))


def fit_ratio(raw: FloatArray, actual: FloatArray) -> Ratio:
    """The factor by which the total is right, on rows that the model was not fitted on, shapes (m, 1) and (m,)."""
    total = float(np.maximum(raw, 0.0).sum())
    return Ratio(float(actual.sum()) / total) if total > 0 else Ratio()
