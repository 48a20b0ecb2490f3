"""What comes of a visitor: how likely an event is, which class it will be, how much is expected."""

from training.outcomes.examples import CannotLearn
from training.outcomes.figures import judge_amounts, judge_probabilities
from training.outcomes.fit import fit_outcome
from training.outcomes.order import OutcomeOrder, read_outcome
from training.outcomes.plain import Propensity, Rows, Value, fit_propensity, fit_value
from training.outcomes.predictor import Predictor

__all__ = [
    "CannotLearn",
    "OutcomeOrder",
    "Predictor",
    "Propensity",
    "Rows",
    "Value",
    "fit_outcome",
    "fit_propensity",
    "fit_value",
    "judge_amounts",
    "judge_probabilities",
    "read_outcome",
]
