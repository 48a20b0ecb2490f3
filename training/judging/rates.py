"""What came of a segment's visitors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.heads import CheckedOutcome, FloatArray, Segmentation
from training.judging.document import Entry
from training.judging.intervals import Visitors, mean_interval, wilson
from training.judging.order import JudgingOrder
from training.judging.outcome import EVENTS, VALUE
from training.table import Table


@dataclass(frozen=True, slots=True)
class Judged:
    """An outcome's head.

    Attributes:
        head: fitted.
        kind: of the outcome.
        table: the rows that its `tested` speaks of.
    """

    head: CheckedOutcome
    kind: str
    table: Table


def segment_outcomes(head: Segmentation, judged: Sequence[Judged], order: JudgingOrder, seed: int) -> list[list[Entry]]:
    """Rate or mean of each event and amount in each segment, with its interval, by the segment's position.

    They are of the rows that the outcome was tested on: later ones where rows have times.
    """
    found: list[list[Entry]] = [[] for _ in range(head.count)]
    for outcome in judged:
        if outcome.kind not in (*EVENTS, VALUE):
            continue
        tested = outcome.head.tested
        labels = head.assign(outcome.table.features[tested.rows])
        visitors = outcome.table.visitors[tested.rows]
        for position in range(head.count):
            inside = labels == position
            figures = _figures(outcome.kind, tested.actual[inside], visitors[inside], order.bootstraps, seed)
            found[position].append(_about(outcome) | figures | {"population": float(tested.actual.mean())})
    return found


def _about(outcome: Judged) -> Entry:
    question = outcome.head.question
    return {"outcome": question.name, "title": question.title, "unit": question.unit}


def _figures(kind: str, actual: FloatArray, visitors: Visitors, bootstraps: int, seed: int) -> Entry:
    figures: Entry = {"rate": None, "mean": None, "low": None, "high": None, "count": len(actual)}
    if not len(actual):
        return figures
    mean = float(actual.mean())
    if kind == VALUE:
        interval = mean_interval(actual, visitors, bootstraps, seed)
    else:
        trials = np.unique(visitors).size  # rows of one visitor are not independent
        interval = wilson(mean * trials, trials)
    low, high = interval or (None, None)
    return figures | {"mean" if kind == VALUE else "rate": mean, "low": low, "high": high}
