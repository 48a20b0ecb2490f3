"""A bias made less: by weights in the fit, or by a threshold for each group; and what that costs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from training.errors import NotTrained
from training.heads import BoolArray, FloatArray, Tested
from training.judging.document import Entry
from training.judging.fairness import NOT_KNOWN, Groups, cut, group_names, judge_groups
from training.judging.intervals import Visitors
from training.judging.order import REWEIGHING, THRESHOLDS
from training.judging.ranking import Ranking
from training.table import Table

_HALVES = 2


class NoSuchColumn(NotTrained):
    """A column by which fairness is looked at is not among the records. The text says which there are."""


def column_groups(table: Table, column: str) -> Groups:
    """The group of each row by a column that is no feature, shape (n,).

    Raises:
        NoSuchColumn: there is none of this name.
    """
    if column not in table.columns:
        there = ", ".join(table.columns) or "none"
        raise NoSuchColumn(f"fairness is to be looked at by {column}, which is no column beside the features: {there}")
    return group_names(table.columns[column])


def reweighing(table: Table, column: str, outcome: str) -> FloatArray:
    """Weights for a fit, with which the outcome no longer depends on the group; their mean is 1. Shape (n,).

    Rows whose outcome is not known weigh 1: they are in no fit.

    Args:
        table: rows with a column that is no feature.
        column: its name.
        outcome: name of an outcome of 0 and 1.

    Raises:
        NoSuchColumn: there is none of this name.

    Source: F. Kamiran and T. Calders, Data preprocessing techniques for classification without discrimination, 2012,
        algorithm 3: P(group) P(outcome) / P(group and outcome).
    """
    groups, actual = column_groups(table, column), table.outcomes[outcome]
    weights, known = np.ones(len(table)), np.isfinite(actual)
    for group in np.unique(groups[known]):
        for value in np.unique(actual[known]):
            inside, having = (groups == group) & known, (actual == value) & known
            both = inside & having
            if both.any():
                weights[both] = (inside.sum() / known.sum()) * having.sum() / both.sum()
    return weights


def group_thresholds(groups: Groups, scores: FloatArray, rate: float) -> Mapping[str, float]:
    """From which score on each group is chosen, so that about this share of each is; by group, in order.

    Args:
        groups: shape (n,).
        scores: shape (n,).
        rate: share that is chosen, in (0, 1].
    """
    found = {}
    for group in np.unique(groups).tolist():
        own = np.sort(scores[groups == group])
        found[group] = float(own[-max(1, round(len(own) * rate))])
    return found


def thresholds(  # noqa: PLR0913, PLR0917  # who, what was said, what came, and how groups are looked at
    column: str,
    groups: Groups,
    visitors: Visitors,
    scores: FloatArray,
    actual: FloatArray,
    threshold: float | None,
    smallest_group: int,
) -> Entry:
    """A threshold for each group with which all are chosen at the same rate, and what that costs.

    The score stays one: they are advice to whoever chooses by it. What comes after is judged on other visitors than
    those that the thresholds were found on: each half of them has those of the other half. Those whose group is not
    known, and groups that are too small, keep the threshold of all.

    Args: as judge_groups, and
        visitors: shape (n,).

    Source: demographic parity by thresholds, as Fairlearn's ThresholdOptimizer without its randomization.
    """
    at, _ = cut(scores, threshold)
    chosen = scores >= at
    rate = float(chosen.mean())
    fair = np.where(_fitting(groups, smallest_group), groups, NOT_KNOWN)
    found = _thresholds(fair, scores, rate, at)
    distinct, codes = np.unique(visitors, return_inverse=True)
    halves = np.random.default_rng(0).permutation(distinct.size)[codes] % _HALVES
    after = np.zeros(len(scores), dtype=np.bool_)
    for half in range(_HALVES):
        known = _thresholds(fair[halves != half], scores[halves != half], rate, at)
        mine = halves == half
        after[mine] = scores[mine] >= np.array([known.get(group, at) for group in fair[mine].tolist()])
    return {
        "method": THRESHOLDS,
        "column": column,
        "text": "a threshold for each group, so that all are chosen at the same rate; the score stays as it is",
        "before": _consequences(column, groups, scores, actual, chosen, smallest_group),
        "after": _consequences(column, groups, scores, actual, after, smallest_group),
        "thresholds": [{"value": group, "threshold": value} for group, value in found.items()],
    }


def _fitting(groups: Groups, smallest_group: int) -> BoolArray:
    """Where a group has rows enough for a threshold of its own."""
    names, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
    fitting: BoolArray = (counts >= smallest_group)[codes] & (names != NOT_KNOWN)[codes]
    return fitting


def _thresholds(groups: Groups, scores: FloatArray, rate: float, at: float) -> dict[str, float]:
    found = dict(group_thresholds(groups, scores, rate))
    return {group: at if group == NOT_KNOWN else value for group, value in found.items()}


def compared(  # noqa: PLR0913, PLR0917  # who, both sides, and how groups are looked at
    column: str, table: Table, before: Tested, after: Tested, threshold: float | None, smallest_group: int
) -> Entry:
    """What reweighing changed: the same head fitted without and with the weights, each on the rows it was tested on.

    Raises:
        NoSuchColumn: there is none of this name.
    """
    groups = column_groups(table, column)
    sides = {}
    for name, tested in (("before", before), ("after", after)):
        scores = tested.predicted[:, 0]
        chosen = scores >= cut(scores, threshold)[0]
        sides[name] = _consequences(column, groups[tested.rows], scores, tested.actual, chosen, smallest_group)
    return {
        "method": REWEIGHING,
        "column": column,
        "text": "rows weighed in the fit so that the outcome does not depend on the group; the published head has it",
        **sides,
        "thresholds": [],
    }


def _consequences(  # noqa: PLR0913, PLR0917  # who, what was said, what came, who is chosen
    column: str,
    groups: Groups,
    scores: FloatArray,
    actual: FloatArray,
    chosen: npt.NDArray[np.bool_],
    smallest_group: int,
) -> dict[str, Any]:
    """What it means to choose these."""
    fairness = judge_groups(column, groups, chosen.astype(np.float64), actual, 0.5, smallest_group)
    hits = float(actual[chosen].sum())
    return {
        "selection_rate_ratio": fairness["selection_rate_ratio"],
        "true_positive_gap": fairness["true_positive_gap"],
        "selection_rate": float(chosen.mean()),
        "precision": hits / float(chosen.sum()) if chosen.any() else None,
        "true_positive_rate": hits / float(actual.sum()) if actual.any() else None,
        "roc_auc": Ranking.of(actual, scores).areas(np.ones(len(actual)))["roc_auc"],
    }
