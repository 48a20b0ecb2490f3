"""A fitted outcome: the head of a propensity, of classes or of a value, whatever the method."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.export.nodes import Nodes
from training.features import Features
from training.heads import Column, FloatArray, Question, Tested
from training.outcomes.calibration import Calibration
from training.outcomes.models import Model


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """The same method fitted without some features, which is judged and not served.

    Attributes:
        features: that were left out.
        tested: what it says of rows that it was not fitted on.
    """

    features: Sequence[str]
    tested: Tested


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictor:
    """A fitted outcome.

    Attributes:
        question: what is answered.
        columns: see Head.
        classes: words of the classes, none of an event or an amount.
        method: its name.
        model: fitted on every row with a known outcome.
        calibration: fitted on rows that models fitted in the same way had not seen.
        tested: what others fitted in the same way said of rows that they were not fitted on.
        reduced: the same without some features.
        evaluation: see Outcome.
    """

    question: Question
    columns: Sequence[Column]
    classes: Sequence[str]
    method: str
    model: Model
    calibration: Calibration
    tested: Tested
    reduced: Sequence[Reduced]
    evaluation: dict[str, object]

    @property
    def name(self) -> str:
        """Name of the head."""
        return self.question.name

    @property
    def title(self) -> str:
        """What it answers."""
        return self.question.title

    def scores(self, features: Features) -> FloatArray:
        """Calibrated probability, probabilities of the classes, or the expected amount, shape (n, columns)."""
        return self.calibration.apply(self.model.raw(features))

    def emit(self, nodes: Nodes, features: str) -> str:
        """The model, then its calibration."""
        return nodes.cast(self.calibration.emit(nodes, self.model.emit(nodes, features)), "float32")
