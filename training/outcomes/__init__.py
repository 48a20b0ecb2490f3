"""What comes of a visitor: how likely an event is, which class it will be, how much is expected."""

from training.outcomes.figures import judge_amounts, judge_probabilities
from training.outcomes.plain import Propensity, Rows, Value, fit_propensity, fit_value

__all__ = ["Propensity", "Rows", "Value", "fit_propensity", "fit_value", "judge_amounts", "judge_probabilities"]
