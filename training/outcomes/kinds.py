"""Kinds of outcomes: what may be learnt from, how well it went, and what makes the answers mean what they say."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.metrics import log_loss, mean_poisson_deviance

from training.heads import CLASS, EXPECTED, PROBABILITY, BoolArray, Column, FloatArray
from training.outcomes.calibration import (
    Calibration,
    Ratio,
    Sigmoid,
    Temperature,
    fit_ratio,
    fit_sigmoid,
    fit_temperature,
)
from training.outcomes.examples import CannotLearn, Examples
from training.outcomes.figures import LEAST_AMOUNT, judge_amounts, judge_classes, judge_probabilities
from training.outcomes.methods import NEEDS_POSITIVE, OF_AMOUNTS, OF_CLASSES, Fit
from training.outcomes.order import CLASSES, NONE, PROPENSITY, OutcomeOrder


class Kind(ABC):
    """What differs between propensities, classes and values."""

    methods: Mapping[str, Fit]
    figure: str  # by which methods are compared: the lower the better
    is_amount: bool

    @property
    @abstractmethod
    def columns(self) -> Sequence[Column]:
        """Of the head."""

    @abstractmethod
    def check(self, examples: Examples, folds: int, methods: Sequence[str]) -> None:
        """Whether there is enough to learn from.

        Raises:
            CannotLearn: there is not.
        """

    @abstractmethod
    def calibrate(self, raw: FloatArray, actual: FloatArray) -> Calibration:
        """Fitted on rows that the model was not fitted on."""

    @abstractmethod
    def plain(self) -> Calibration:
        """Without any fit."""

    @abstractmethod
    def loss(self, actual: FloatArray, predicted: FloatArray) -> float:
        """The figure, of rows that the model was not fitted on."""

    @abstractmethod
    def judge(self, actual: FloatArray, predicted: FloatArray) -> dict[str, object]:
        """Some figures, of rows that the model was not fitted on."""

    @abstractmethod
    def usual(self, actual: FloatArray) -> FloatArray:
        """What one expects who knows nothing of a visitor but what came of others, shape (columns,)."""


class Event(Kind):
    """How likely an event is."""

    methods = OF_CLASSES
    figure = "log_loss"
    is_amount = False

    @property
    def columns(self) -> Sequence[Column]:
        """See Kind."""
        return [(PROBABILITY, 1)]

    def check(self, examples: Examples, folds: int, methods: Sequence[str]) -> None:  # noqa: ARG002
        """See Kind."""
        if not np.isin(examples.actual, (0.0, 1.0)).all():
            raise CannotLearn(f"an event is 0 or 1; found is {_other(examples.actual)}")
        for value, text in ((1.0, "the event happened"), (0.0, "the event did not happen")):
            _check_visitors(examples, examples.actual == value, text, folds)

    def calibrate(self, raw: FloatArray, actual: FloatArray) -> Calibration:
        """See Kind."""
        return fit_sigmoid(raw, actual)

    def plain(self) -> Calibration:
        """See Kind."""
        return Sigmoid()

    def loss(self, actual: FloatArray, predicted: FloatArray) -> float:
        """See Kind."""
        return float(log_loss(actual, predicted[:, 0], labels=[0, 1]))

    def judge(self, actual: FloatArray, predicted: FloatArray) -> dict[str, object]:
        """See Kind."""
        figures = _without_curve(judge_probabilities(actual, predicted[:, 0]))
        return {"average_precision": figures.pop("pr_auc"), **figures}  # as evaluation.json calls it

    def usual(self, actual: FloatArray) -> FloatArray:
        """See Kind."""
        return np.array([actual.mean()])


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """Which of several classes it will be.

    Attributes:
        words: of the classes.
    """

    words: Sequence[str]
    methods = OF_CLASSES
    figure = "log_loss"
    is_amount = False

    @property
    def columns(self) -> Sequence[Column]:
        """See Kind."""
        return [(CLASS, len(self.words))]

    def check(self, examples: Examples, folds: int, methods: Sequence[str]) -> None:  # noqa: ARG002
        """See Kind."""
        if not np.isin(examples.actual, np.arange(len(self.words))).all():
            raise CannotLearn(
                f"a class is a position from 0 to {len(self.words) - 1}; "
                f"found is {_other(examples.actual, len(self.words))}"
            )
        for position, word in enumerate(self.words):
            _check_visitors(examples, examples.actual == position, f"the class is {word!r}", folds)

    def calibrate(self, raw: FloatArray, actual: FloatArray) -> Calibration:
        """See Kind."""
        return fit_temperature(raw, actual)

    def plain(self) -> Calibration:
        """See Kind."""
        return Temperature()

    def loss(self, actual: FloatArray, predicted: FloatArray) -> float:
        """See Kind."""
        return float(log_loss(actual.astype(np.int64), predicted, labels=np.arange(len(self.words))))

    def judge(self, actual: FloatArray, predicted: FloatArray) -> dict[str, object]:
        """See Kind."""
        return judge_classes(actual, predicted)

    def usual(self, actual: FloatArray) -> FloatArray:
        """See Kind."""
        shares: FloatArray = np.bincount(actual.astype(np.int64), minlength=len(self.words)) / len(actual)
        return shares


class Amount(Kind):
    """How much is expected."""

    methods = OF_AMOUNTS
    figure = "poisson_deviance"
    is_amount = True

    @property
    def columns(self) -> Sequence[Column]:
        """See Kind."""
        return [(EXPECTED, 1)]

    def check(self, examples: Examples, folds: int, methods: Sequence[str]) -> None:
        """See Kind."""
        amounts = examples.actual
        is_negative = amounts < 0
        if is_negative.any():
            raise CannotLearn(
                f"{int(is_negative.sum())} of {len(amounts)} amounts are below 0, the least is {amounts.min():g}; a "
                "value is at least 0: leave such rows out, or count what was returned as 0"
            )
        if np.isinf(amounts).any():
            raise CannotLearn(f"{int(np.isinf(amounts).sum())} of {len(amounts)} amounts are infinite; leave them out")
        _check_visitors(examples, amounts > 0, "the amount is above 0", folds)
        needing = NEEDS_POSITIVE.intersection(methods)
        if needing and not amounts.all():
            raise CannotLearn(
                f"{int((amounts == 0).sum())} amounts are 0, which the method {min(needing)} cannot "
                "learn from; boosting and tweedie can"
            )

    def calibrate(self, raw: FloatArray, actual: FloatArray) -> Calibration:
        """See Kind."""
        return fit_ratio(raw, actual)

    def plain(self) -> Calibration:
        """See Kind."""
        return Ratio()

    def loss(self, actual: FloatArray, predicted: FloatArray) -> float:
        """See Kind."""
        return float(mean_poisson_deviance(actual, np.maximum(predicted[:, 0], LEAST_AMOUNT)))

    def judge(self, actual: FloatArray, predicted: FloatArray) -> dict[str, object]:
        """See Kind."""
        return _without_curve(judge_amounts(actual, predicted[:, 0]))

    def usual(self, actual: FloatArray) -> FloatArray:
        """See Kind."""
        return np.array([actual.mean()])


_EVENT: Final = Event()
_AMOUNT: Final = Amount()


def kind_of(order: OutcomeOrder) -> Kind:
    """The kind that is ordered."""
    if order.kind == CLASSES:
        return Choice(order.classes)
    return _EVENT if order.kind == PROPENSITY else _AMOUNT


def calibration_of(kind: Kind, order: OutcomeOrder, raw: FloatArray, actual: FloatArray) -> Calibration:
    """The calibration that is ordered."""
    return kind.plain() if order.calibration == NONE else kind.calibrate(raw, actual)


def _check_visitors(examples: Examples, is_so: BoolArray, text: str, folds: int) -> None:
    rows, visitors = int(is_so.sum()), len(np.unique(examples.visitors[is_so]))
    if visitors < folds:
        raise CannotLearn(
            f"of {len(is_so)} rows with a known outcome, {text} in {rows}, of {visitors} visitors; "
            f"needed are at least {folds} visitors, one for each fold"
        )


def _other(actual: FloatArray, classes: int = 2) -> str:
    return f"{actual[~np.isin(actual, np.arange(classes))][0]:g}"


def _without_curve(figures: dict[str, object]) -> dict[str, object]:
    return {name: figure for name, figure in figures.items() if name != "calibration"}
