"""What a configuration asks of an uplift."""

from dataclasses import dataclass
from typing import Final

from training.configuration.section import Section
from training.lookalike.order import read_methods

METHODS: Final = ("two_models", "transformed_outcome")


@dataclass(frozen=True, slots=True)
class UpliftOrder:
    """An uplift to fit.

    Attributes:
        treatment: column of the records that says who was treated.
        treated: the value of that column for who was, "" where it is 0 and 1, or false and true.
        treated_share: which share was to be treated, None where nobody says.
        learner: which classifier the methods are made of.
        methods: to choose from.
    """

    treatment: str
    treated: str
    treated_share: float | None
    learner: str
    methods: tuple[str, ...]


def read_uplift(section: Section) -> UpliftOrder:
    """The keys of an outcome of the kind uplift; the caller reads the others and finishes the section.

    Raises:
        BadConfig: they cannot be used.
    """
    order = UpliftOrder(
        treatment=section.text("treatment"),
        treated=section.text("treated", ""),
        treated_share=section.number("treated_share"),
        learner=section.choice("learner", ("logistic", "boosting"), "boosting"),
        methods=read_methods(section, METHODS),
    )
    if order.treated_share is not None and not 0 < order.treated_share < 1:
        raise section.fault(f"treated_share is {order.treated_share:g}; needed is a share between 0 and 1")
    return order
