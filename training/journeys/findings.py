"""What comes of a journey: how often those who made it have an outcome, against everybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest, false_discovery_control, fisher_exact

from training.journeys.patterns import Frequent

CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Steps that visitors make in this order, and what comes of it.

    Attributes:
        words: the steps.
        count: visitors who make them.
        share: of all visitors, in [0, 1].
        outcome_count: those of them with the outcome.
        rate: their share of those who make the journey.
        rate_low: of its interval of 95 %, Wilson's.
        rate_high: of the same.
        lift: the rate over that of all visitors.
        lift_low: rate_low over the rate of all, which is taken as known.
        lift_high: rate_high over the same.
        p_value: of Fisher's exact test, two-sided, of those who make the journey against those who do not.
        q_value: the same among all journeys that were looked at, by Benjamini and Hochberg.
    """

    words: tuple[str, ...]
    count: int
    share: float
    outcome_count: int
    rate: float
    rate_low: float
    rate_high: float
    lift: float
    lift_low: float
    lift_high: float
    p_value: float
    q_value: float


def judge(patterns: Sequence[Frequent], vocabulary: Sequence[str], has_outcome: npt.NDArray[np.bool_]) -> list[Journey]:
    """The patterns as journeys, those first that chance explains least.

    Many are looked at, so some differ by chance: the q-value of one is the share of false ones to be expected among all
    that are at least as sure. The patterns were chosen without a look at the outcome, so their tests stand.

    Args:
        patterns: as they were found.
        vocabulary: of their words.
        has_outcome: shape (n,), of every visitor; some have it and some do not.

    Source: E. B. Wilson, Probable inference, 1927; Y. Benjamini and Y. Hochberg, Controlling the false discovery rate,
    1995, whose guarantee holds for tests that are not opposed to one another.
    """
    if not patterns:
        return []
    total, with_outcome = len(has_outcome), int(has_outcome.sum())
    counts = [(len(one.visitors), int(has_outcome[one.visitors].sum())) for one in patterns]
    p_values = [_p_value(count, hits, total, with_outcome) for count, hits in counts]
    q_values = false_discovery_control(p_values, method="bh")
    journeys = [
        _journey(tuple(vocabulary[word] for word in one.pattern), hits, count, has_outcome, (p_value, float(q_value)))
        for one, (count, hits), p_value, q_value in zip(patterns, counts, p_values, q_values, strict=True)
    ]
    return sorted(journeys, key=lambda journey: (journey.p_value, -journey.count, journey.words))


def _p_value(count: int, hits: int, total: int, with_outcome: int) -> float:
    others, other_hits = total - count, with_outcome - hits
    return min(1.0, float(fisher_exact([[hits, count - hits], [other_hits, others - other_hits]]).pvalue))


def _journey(
    words: tuple[str, ...], hits: int, count: int, has_outcome: npt.NDArray[np.bool_], values: tuple[float, float]
) -> Journey:
    base = float(has_outcome.mean())
    interval = binomtest(hits, count).proportion_ci(CONFIDENCE, method="wilson")
    return Journey(
        words=words,
        count=count,
        share=count / len(has_outcome),
        outcome_count=hits,
        rate=hits / count,
        rate_low=float(interval.low),
        rate_high=float(interval.high),
        lift=hits / count / base,
        lift_low=float(interval.low) / base,
        lift_high=float(interval.high) / base,
        p_value=values[0],
        q_value=values[1],
    )
