"""Everything that is known of an outcome's head, on rows that it, or others fitted in the same way, never saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from training.errors import NotTrained
from training.heads import CheckedOutcome, FloatArray, Tested
from training.judging.amounts import amount_figures, judge_amounts
from training.judging.classes import class_figures, judge_classes
from training.judging.document import Entry, Figures
from training.judging.drift import drift
from training.judging.fairness import judge_groups
from training.judging.importance import Figure, importance, some_visitors
from training.judging.intervals import Interval
from training.judging.mitigation import column_groups, thresholds
from training.judging.order import THRESHOLDS, JudgingOrder
from training.judging.probabilities import event_figures, judge_events
from training.judging.ranking import Ranking
from training.table import Table

PROPENSITY: Final = "propensity"
LOOKALIKE: Final = "lookalike"
CLASSES: Final = "classes"
VALUE: Final = "value"
UPLIFT: Final = "uplift"
EVENTS: Final = (PROPENSITY, LOOKALIKE)

# What an uplift gains needs both sides of a campaign, and who belongs to an audience is not known of those not listed.
_OWN_FIGURES: Final = (LOOKALIKE, UPLIFT)
_OF_RANKING: Final = ("base_rate", "roc_auc", "average_precision", "lift_top_decile", "gain_top_decile")
_PLACED: Final = {"method", "rule", "methods", "tested", "figures", "intervals", "baseline", "without", "qini"}
_EMPTY: Final[Mapping[str, Any]] = {
    "roc": None,
    "precision_recall": None,
    "calibration": None,
    "deciles": None,
    "confusion": None,
    "qini": None,
    "intervals": {},
}


class CannotJudge(NotTrained):
    """The rows that are left for a test do not say how good the head is. The text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an outcome's head was asked for, as far as its answers do not say.

    Attributes:
        kind: PROPENSITY, LOOKALIKE, CLASSES, VALUE or UPLIFT.
        label: what came of it, a phrase for people.
        words: the classes.
        without: features that it was fitted again without, with what came of that.
    """

    kind: str
    label: str = ""
    words: Sequence[str] = ()
    without: Sequence[tuple[Sequence[str], Tested]] = ()


def judge_outcome(head: CheckedOutcome, asked: Asked, table: Table, order: JudgingOrder, seed: int) -> Entry:
    """The head's part of evaluation.json.

    How it was chosen is as its own evaluation says; so are figures of a lookalike and an uplift, beside what is found
    here. A figure "x" with "x_low" and "x_high" gives an interval. What else the evaluation holds becomes "details".

    Args:
        head: fitted, with what it said of the rows that it was tested on.
        asked: what for.
        table: the rows that it was fitted and tested on.
        order: how to judge.
        seed: of every random number.

    Raises:
        CannotJudge: no row was tested, or all had the same outcome.
        NoSuchColumn: fairness is to be looked at by a column that is not there.
    """
    tested, own = head.tested, head.evaluation
    _check(head.name, asked.kind, tested)
    judged = dict(_EMPTY) | _judge(asked, table, tested, order, seed)
    if asked.kind in _OWN_FIGURES:
        figures, intervals = _split(own.get("figures"))
        judged |= {"figures": judged["figures"] | figures, "intervals": judged["intervals"] | intervals}
    return {
        "title": head.title,
        "kind": asked.kind,
        "horizon_days": head.question.horizon_days,
        "unit": head.question.unit,
        "label": asked.label,
        "method": own.get("method"),
        "rule": own.get("rule"),
        "methods": own.get("methods", []),
        "tested": facts(table, tested),
        "baseline": own.get("baseline"),
        **judged,
        "qini": own.get("qini"),
        **_importance(head, asked.kind, table, order, seed),
        **drift(table, tested),
        "without": [{"features": list(names), "figures": figures_of(asked.kind, one)} for names, one in asked.without],
        "fairness": _fairness(asked.kind, table, tested, order),
        "mitigation": _mitigation(asked.kind, table, tested, order),
        "details": {name: value for name, value in own.items() if name not in _PLACED},
    }


def _split(own: object) -> tuple[Figures, dict[str, Interval]]:
    """A head's own figures, and the intervals that stand among them."""
    items = own.items() if isinstance(own, Mapping) else ()
    numbers = {name: float(value) for name, value in items if isinstance(value, int | float)}
    intervals = {
        name: (numbers[f"{name}_low"], numbers[f"{name}_high"])
        for name in numbers
        if f"{name}_low" in numbers and f"{name}_high" in numbers
    }
    ends = {f"{name}_{end}" for name in intervals for end in ("low", "high")}
    return {name: value for name, value in numbers.items() if name not in ends}, intervals


def _check(name: str, kind: str, tested: Tested) -> None:
    if not len(tested.rows):
        raise CannotJudge(f"{name}: no row is left for a test")
    if kind in EVENTS and not 0 < tested.actual.mean() < 1:
        raise CannotJudge(
            f"{name}: all {len(tested.actual):,} rows of the test have the outcome {tested.actual[0]:g}; "
            "needed are some with and some without it"
        )


def facts(table: Table, tested: Tested) -> Entry:
    """Which rows the head was tested on."""
    times = None if table.as_of_ms is None else table.as_of_ms[tested.rows]
    return {
        "row_count": len(tested.rows),
        "visitor_count": int(np.unique(table.visitors[tested.rows]).size),
        "split": tested.split,
        "from_ms": None if times is None else int(times.min()),
        "to_ms": None if times is None else int(times.max()),
    }


def figures_of(kind: str, tested: Tested) -> Figures:
    """The figures of these rows, as of the head itself; none of an uplift, of which a visitor shows one side."""
    if kind in EVENTS:
        found = event_figures(tested.predicted[:, 0], tested.actual)
        return found if kind == PROPENSITY else {name: found[name] for name in _OF_RANKING}
    if kind == VALUE:
        return amount_figures(tested.predicted[:, 0], tested.actual)
    return class_figures(tested.predicted, tested.actual) if kind == CLASSES else {}


def _judge(asked: Asked, table: Table, tested: Tested, order: JudgingOrder, seed: int) -> Entry:
    visitors, predicted = table.visitors[tested.rows], tested.predicted
    if asked.kind in EVENTS:
        found = judge_events(predicted[:, 0], tested.actual, visitors, order.bootstraps, seed)
        return found if asked.kind == PROPENSITY else _ranking_alone(found)
    if asked.kind == VALUE:
        return judge_amounts(predicted[:, 0], tested.actual, visitors, order.bootstraps, seed)
    if asked.kind == CLASSES:
        return judge_classes(predicted, tested.actual, asked.words, visitors, order.bootstraps, seed)
    return {"figures": {"mean_score": float(predicted[:, 0].mean())}}


def _ranking_alone(found: Entry) -> Entry:
    """Of a lookalike: its probability is of belonging, and what is known is who was listed: only the order counts."""
    return found | {
        "figures": {name: found["figures"][name] for name in _OF_RANKING},
        "intervals": {name: value for name, value in found["intervals"].items() if name in _OF_RANKING},
        "calibration": None,
    }


def _auc(scores: FloatArray, actual: FloatArray) -> float:
    return Ranking.of(actual, scores[:, 0]).areas(np.ones(len(actual)))["roc_auc"]


def _rank_correlation(scores: FloatArray, actual: FloatArray) -> float:
    return amount_figures(scores[:, 0], actual)["spearman"]


def _likelihood(scores: FloatArray, actual: FloatArray) -> float:
    return -class_figures(scores, actual)["log_loss"]


# By kind: what is lost when a feature is shuffled, in words and as a figure.
_LOST: Final[Mapping[str, tuple[str, Figure]]] = {
    **dict.fromkeys(EVENTS, ("ROC AUC", _auc)),
    VALUE: ("rank correlation", _rank_correlation),
    CLASSES: ("log loss", _likelihood),
}


def _importance(head: CheckedOutcome, kind: str, table: Table, order: JudgingOrder, seed: int) -> Entry:
    if kind not in _LOST or not order.importance_rows:
        return {"importance": [], "importance_of": None}
    words, figure = _LOST[kind]
    kept = some_visitors(table.visitors[head.tested.rows], order.importance_rows, seed)
    rows, actual = head.tested.rows[kept], head.tested.actual[kept]
    found = importance(head, table.where(rows), actual, figure, order.importance_repeats, seed)
    return {
        "importance": found,
        "importance_of": f"{words} that the head loses when a feature is shuffled, "
        f"{order.importance_repeats} times on {len(rows):,} rows of the test, which it may have been fitted on since",
    }


def _fairness(kind: str, table: Table, tested: Tested, order: JudgingOrder) -> list[Entry]:
    if kind not in EVENTS:
        return []
    scores = tested.predicted[:, 0]
    by_column = [(column, column_groups(table, column)[tested.rows]) for column in order.fairness]
    return [
        judge_groups(column, groups, scores, tested.actual, order.threshold, order.smallest_group)
        for column, groups in by_column
    ]


def _mitigation(kind: str, table: Table, tested: Tested, order: JudgingOrder) -> Entry | None:
    """Thresholds for the groups; what weights in the fit changed only a second fit can say: see mitigation.compared."""
    if order.mitigation is None or order.mitigation.method != THRESHOLDS or kind not in EVENTS:
        return None
    return thresholds(
        order.mitigation.column,
        column_groups(table, order.mitigation.column)[tested.rows],
        table.visitors[tested.rows],
        tested.predicted[:, 0],
        tested.actual,
        order.threshold,
        order.smallest_group,
    )
