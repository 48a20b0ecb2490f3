"""What a file orders of journeys, and how it is carried out.

[[journeys]]
name = "before_buying"
title = "what visitors do before they buy"
outcome = "buys"             # name of an event among the [[outcomes]]
word = "kind"                # column of the events whose values are the steps
window_days = 28             # how far back before the as-of moment; absent: all that is known
maximum_gap_hours = 24       # from a step to the next; absent: no limit
maximum_gap_events = 5       # the same in events of the visitor, 1 for the very next; absent: no limit
longest = 5                  # steps
minimum_share = 0.01         # of visitors who make a journey that is reported
minimum_visitors = 20        # the same as a number
limit = 1000                 # journeys that are looked at, the most frequent ones
false_discovery_rate = 0.05  # a journey whose q-value is at most this is said to make a difference
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.configuration.section import Section
from training.errors import NotTrained
from training.journeys.findings import Journey, judge
from training.journeys.gap import Gap, read_gap
from training.journeys.patterns import Limits, closed, frequent
from training.journeys.sequences import Sequences

LONGEST: Final = 10  # steps
_MOST: Final = 100_000


class CannotMine(NotTrained):
    """There are no journeys to be found in these records. The text says why, and what would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyOrder:
    """Which journeys are looked for; see the module for the keys of the same names."""

    name: str
    title: str
    outcome: str
    word: str
    window_days: float | None
    gap: Gap
    longest: int
    minimum_share: float
    minimum_visitors: int
    limit: int
    false_discovery_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Journeys:
    """What was found.

    Attributes:
        order: what was looked for.
        visitor_count: visitors whose outcome is known.
        base_rate: share of them with the outcome.
        least_count: visitors who had to make a journey.
        tested_count: journeys whose difference was tested: all that are reported.
        is_all: whether there was no further frequent journey than those that the limit allows.
        journeys: closed, those first that chance explains least.
    """

    order: JourneyOrder
    visitor_count: int
    base_rate: float
    least_count: int
    tested_count: int
    is_all: bool
    journeys: tuple[Journey, ...]

    @property
    def sure(self) -> tuple[Journey, ...]:
        """Those that make a difference, as far as the false discovery rate lets one say."""
        return tuple(j for j in self.journeys if j.q_value <= self.order.false_discovery_rate)


def read_journey(section: Section) -> JourneyOrder:
    """The order of a [[journeys]].

    Raises:
        BadConfig: it is none. The text says where, and what would be right.
    """
    name = section.text("name")
    section.called(name)
    window_days = section.number("window_days")
    if window_days is not None and window_days <= 0:
        raise section.fault(f"window_days is {window_days:g}; needed is more than 0, or leave it out for no limit")
    order = JourneyOrder(
        name=name,
        title=section.text("title"),
        outcome=section.text("outcome"),
        word=section.text("word"),
        window_days=window_days,
        gap=read_gap(section),
        longest=_whole(section, "longest", 5, 1, LONGEST),
        minimum_share=_share(section, "minimum_share", 0.01),
        minimum_visitors=_whole(section, "minimum_visitors", 20, 1, _MOST),
        limit=_whole(section, "limit", 1000, 1, _MOST),
        false_discovery_rate=_share(section, "false_discovery_rate", 0.05),
    )
    section.finish()
    return order


def _whole(section: Section, key: str, default: int, least: int, most: int) -> int:
    number = section.whole(key)
    number = default if number is None else number
    if not least <= number <= most:
        raise section.fault(f"{key} is {number}; needed is a whole number from {least} to {most}")
    return number


def _share(section: Section, key: str, default: float) -> float:
    number = section.number(key)
    number = default if number is None else number
    if not 0 < number < 1:
        raise section.fault(f"{key} is {number:g}; needed is a share more than 0 and less than 1")
    return number


def mine(order: JourneyOrder, sequences: Sequences, outcomes: npt.NDArray[np.float64]) -> Journeys:
    """The journeys that are frequent, and what comes of them.

    Args:
        order: what to look for.
        sequences: what each visitor did strictly before the moment from which on the outcome is waited for.
        outcomes: shape (n,), 1 for who had the outcome, 0 for who had not, NaN where that is not known.

    Raises:
        CannotMine: too few visitors, or all with the same outcome.
    """
    is_known = ~np.isnan(outcomes)
    known, has_outcome = sequences.where(is_known), outcomes[is_known] > 0
    least = max(order.minimum_visitors, math.ceil(order.minimum_share * len(known)))
    if len(known) < least:
        raise CannotMine(
            f"journeys {order.name!r}: there are {len(known)} visitors with a known outcome, and {least} have to make "
            "a journey for it to count; take more records, or a smaller minimum_visitors"
        )
    if has_outcome.all() or not has_outcome.any():
        who = "every visitor has" if has_outcome.all() else "no visitor has"
        raise CannotMine(
            f"journeys {order.name!r}: {who} the outcome {order.outcome!r}, so no journey can differ in it"
        )
    limits = Limits(gap=order.gap, least_count=least, longest=order.longest, most=order.limit)
    patterns, is_all = frequent(known, limits)
    journeys = judge(closed(patterns), known.vocabulary, has_outcome)
    return Journeys(
        order=order,
        visitor_count=len(known),
        base_rate=float(has_outcome.mean()),
        least_count=least,
        tested_count=len(journeys),
        is_all=is_all,
        journeys=tuple(journeys),
    )


def to_evaluation(found: Journeys) -> Mapping[str, object]:
    """The findings as evaluation.json has them, numbers and sentences."""
    order = found.order
    return {
        "name": order.name,
        "title": order.title,
        "outcome": order.outcome,
        "gap": order.gap.text,
        "visitor_count": found.visitor_count,
        "base_rate": found.base_rate,
        "least_count": found.least_count,
        "tested_count": found.tested_count,
        "is_all": found.is_all,
        "false_discovery_rate": order.false_discovery_rate,
        "note": ""
        if found.is_all
        else f"only the {order.limit} most frequent journeys were looked at; a larger limit would find more",
        "journeys": [
            {**asdict(journey), "words": list(journey.words), "text": _sentence(journey), "sure": journey in found.sure}
            for journey in found.journeys
        ],
    }


def _sentence(journey: Journey) -> str:
    """Such as "search, then cart: 12.0 % of visitors, 34.1 % of them with the outcome, 3.1 times as many as of all"."""
    steps = ", then ".join(journey.words)
    return (
        f"{steps}: {journey.share:.1%} of visitors, {journey.rate:.1%} of them with the outcome, "
        f"{journey.lift:.2g} times as many as of all ({journey.lift_low:.2g} to {journey.lift_high:.2g})"
    )
