"""Which method answers an outcome best, by what each says of rows that it was not fitted on."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from training.heads import FloatArray
from training.outcomes.examples import Examples, Folds
from training.outcomes.kinds import Kind, calibration_of
from training.outcomes.methods import Fit
from training.outcomes.models import Model
from training.outcomes.order import BALANCED, OutcomeOrder

RULE = (
    "the simplest method whose mean {figure} over the folds is within one standard error of the best one's; "
    "from simple to complex: {methods}"
)


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """What a method, fitted on the other folds, says of each fold.

    Attributes:
        method: its name.
        rows: shape (m,), positions of the rows that were tested, in their order.
        fold_of: shape (m,), in which fold.
        raw: shape (m, k), uncalibrated.
        predicted: shape (m, k), calibrated on the raw answers of the other folds.
        losses: shape (folds,), the kind's figure of each fold.
        seconds: that all took.
    """

    method: str
    rows: npt.NDArray[np.int64]
    fold_of: npt.NDArray[np.int64]
    raw: FloatArray
    predicted: FloatArray
    losses: FloatArray
    seconds: float

    def to_row(self, figure: str) -> dict[str, object]:
        """As in evaluation.json."""
        return {
            "method": self.method,
            "figure": figure,
            "mean": float(self.losses.mean()),
            "sd": float(self.losses.std(ddof=1)),
            "seconds": self.seconds,
        }


def cross(  # noqa: PLR0913, PLR0917  # what is fitted, to what, how, and on which rows
    method: str, examples: Examples, folds: Folds, kind: Kind, order: OutcomeOrder, seed: int
) -> Crossed:
    """What one method says of every fold, fitted on the others."""
    start = time.perf_counter()
    fit = kind.methods[method]
    rows = np.concatenate([fold.test for fold in folds.folds])
    fold_of = np.repeat(np.arange(len(folds.folds)), [len(fold.test) for fold in folds.folds])
    raw = np.concatenate(
        [
            fit_weighted(fit, examples.at(fold.train), order, seed).raw(examples.features[fold.test])
            for fold in folds.folds
        ]
    )
    in_order = np.argsort(rows, kind="stable")
    rows, fold_of, raw = rows[in_order], fold_of[in_order], raw[in_order]
    actual = examples.actual[rows]
    predicted = _calibrated(kind, order, raw, actual, fold_of)
    losses = np.array([kind.loss(actual[fold_of == k], predicted[fold_of == k]) for k in range(len(folds.folds))])
    return Crossed(method, rows, fold_of, raw, predicted, losses, time.perf_counter() - start)


def fit_weighted(fit: Fit, examples: Examples, order: OutcomeOrder, seed: int) -> Model:
    """The method fitted on these rows, weighted as ordered."""
    return fit(balanced(examples) if order.weights == BALANCED else examples, seed)


def balanced(examples: Examples) -> Examples:
    """The same rows, whose weights add up to the same for every class; in total as before."""
    classes, position = np.unique(examples.actual, return_inverse=True)
    totals = np.bincount(position, examples.weights)
    share = examples.weights.sum() / len(classes)
    return replace(examples, weights=examples.weights * (share / totals)[position])


def _calibrated(
    kind: Kind, order: OutcomeOrder, raw: FloatArray, actual: FloatArray, fold_of: npt.NDArray[np.int64]
) -> FloatArray:
    """Each fold calibrated on the rows of the others, since a calibration flatters the rows that it was fitted on."""
    predicted = np.empty_like(raw)
    for k in np.unique(fold_of):
        others, own = fold_of != k, fold_of == k
        predicted[own] = calibration_of(kind, order, raw[others], actual[others]).apply(raw[own])
    return predicted


def choose(tried: Sequence[Crossed]) -> Crossed:
    """The simplest within one standard error of the best, of methods in the order of simplicity.

    Source: L. Breiman and others, Classification and regression trees, 1984, section 3.4.3.
    """
    best = min(tried, key=lambda crossed: float(crossed.losses.mean()))
    error = best.losses.std(ddof=1) / np.sqrt(len(best.losses))
    return next(crossed for crossed in tried if crossed.losses.mean() <= best.losses.mean() + error)
