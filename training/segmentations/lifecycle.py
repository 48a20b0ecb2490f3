"""Stages of a visitor's life: new, active, at risk, lapsed, and returning after having lapsed.

In the order in which they are decided: new is who came first only lately, whatever came since; lapsed and at risk are
those who were last seen long ago, in days, or in the gaps that are usual between their own visits (the latency of
J. Novo, Drilling Down, 2004: at risk after twice the usual gap); returning is who is neither, but had lapsed before the
last visit; active is everybody else.
"""

from dataclasses import dataclass
from typing import Final

from training.segmentations.language import named
from training.segmentations.rules import Rule

AT_RISK_GAPS: Final = 2.0  # (assumed) as is customary
LAPSED_GAPS: Final = 4.0  # (assumed)
LEAST_GAP_DAYS: Final = 1.0  # several visits in a day are no rhythm (assumed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """By what stages are told apart.

    Attributes:
        recency: feature with the days since the last visit.
        tenure: feature with the days since the first.
        gap: feature with the mean days between visits; "" where limits are in days.
        absence: feature with the days between the last visit and the one before it; "" for none, and no returning.
        new_days: who first came at most so long ago is new.
        at_risk: days, or gaps, that are longer than usual.
        lapsed: days, or gaps, after which nobody is expected any more.
        least_gap_days: the shortest gap that is taken for a rhythm.
    """

    recency: str
    tenure: str
    gap: str = ""
    absence: str = ""
    new_days: float
    at_risk: float
    lapsed: float
    least_gap_days: float = LEAST_GAP_DAYS


def stage_rules(stages: Stages) -> list[Rule]:
    """The stages as rules, the last one for everybody."""
    gap = f" * max({named(stages.gap)}, {stages.least_gap_days:.15g})" if stages.gap else ""
    at_risk, lapsed = f"{stages.at_risk:.15g}{gap}", f"{stages.lapsed:.15g}{gap}"
    returning = [Rule("Returning", f"{named(stages.absence)} > {lapsed}")] if stages.absence else []
    return [
        Rule("New", f"{named(stages.tenure)} <= {stages.new_days:.15g}"),
        Rule("Lapsed", f"{named(stages.recency)} > {lapsed}"),
        Rule("At risk", f"{named(stages.recency)} > {at_risk}"),
        *returning,
        Rule("Active", ""),
    ]
