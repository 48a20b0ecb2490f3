"""Whether one feature alone nearly decides an outcome."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from training.features import Features
from training.heads import FloatArray, Tested
from training.judging.document import Entry
from training.judging.importance import some_visitors
from training.judging.outcome import CLASSES, EVENTS, LOOKALIKE, VALUE
from training.table import Table

REFUSE: Final = "refuse"
WARN: Final = "warn"

_REFUSED_AUC = 0.95  # of one feature alone: nobody's behaviour says so much (assumed)
_REFUSED_CORRELATION = 0.95
_MOST_OF_GAIN = 0.9  # of the model's, by one feature
_LEAST_GAIN = 0.05  # of a model over chance, for a share of it to say anything
_FOLDS = 5
_MOST_ROWS = 20_000


def finding(check: str, feature: str, figure: float, severity: str, text: str) -> Entry:
    """A finding as in evaluation.json, but for the outcome."""
    return {"check": check, "feature": feature, "figure": figure, "text": text, "severity": severity}


def single_features(kind: str, table: Table, name: str, tested: Tested, seed: int) -> Iterator[Entry]:
    """Features that nearly decide the outcome alone, by a small tree on the visitors that it was not fitted to."""
    known = np.flatnonzero(np.isfinite(table.outcomes[name]))
    rows = known[some_visitors(table.visitors[known], _MOST_ROWS, seed)]
    sample = table.where(rows)
    if np.unique(sample.visitors).size < _FOLDS or kind not in _STRENGTHS:
        return
    strength, words, limit, chance = _STRENGTHS[kind]
    _, ours, theirs = np.intersect1d(rows, tested.rows, return_indices=True)
    actual = sample.outcomes[name]
    model = strength(tested.predicted[theirs], tested.actual[theirs]) - chance
    for position, spec in enumerate(sample.specs):
        alone = _alone(kind, sample.features[:, [position]], actual, sample.visitors)
        found = strength(alone, actual)
        if found > limit:
            severity = WARN if kind == LOOKALIKE else REFUSE  # an audience may well be defined by a feature
            yield finding("single_feature", spec.name, found, severity, _decides(spec.name, name, words, found))
            continue
        share = (strength(alone[ours], actual[ours]) - chance) / model if model >= _LEAST_GAIN else 0.0
        if share > _MOST_OF_GAIN:
            yield finding(
                "single_feature",
                spec.name,
                found,
                WARN,
                f"{spec.name} alone gives {share:.0%} of what the whole model of {name} adds to chance ({words} "
                f"{found:.3f}): see that it is known before the outcome",
            )


def _decides(feature: str, name: str, words: str, found: float) -> str:
    return (
        f"{feature} alone nearly decides {name} ({words} {found:.3f}): it is made from the outcome, or known only "
        "after it; leave it out, or take its value from before"
    )


def _alone(kind: str, feature: Features, actual: FloatArray, visitors: npt.NDArray[np.str_]) -> FloatArray:
    """What a small tree says by this feature, shape (n, columns), of visitors that it was not fitted to."""
    is_amount = kind == VALUE
    leaf = max(1, min(20, len(actual) // 200))
    tree = (
        DecisionTreeRegressor(max_depth=6, min_samples_leaf=leaf, random_state=0)
        if is_amount
        else DecisionTreeClassifier(max_depth=3, min_samples_leaf=leaf, random_state=0)
    )
    folds = list(GroupKFold(_FOLDS).split(feature, actual, visitors))
    said = np.zeros((len(actual), 1 if is_amount else int(actual.max()) + 1))
    for train, test in folds:
        fitted = clone(tree).fit(feature[train], actual[train])
        if is_amount:
            said[test, 0] = fitted.predict(feature[test])
        else:
            said[np.ix_(test, fitted.classes_.astype(np.int64))] = fitted.predict_proba(feature[test])
    return said[:, 1:] if kind in EVENTS else said


def _event_strength(predicted: FloatArray, actual: FloatArray) -> float:
    return float(roc_auc_score(actual, predicted[:, 0])) if len(np.unique(actual)) > 1 else 0.5


def _class_strength(predicted: FloatArray, actual: FloatArray) -> float:
    """Mean of the classes' AUC, each against the others."""
    present = [k for k in range(predicted.shape[1]) if 0 < (actual == k).mean() < 1]
    return float(np.mean([roc_auc_score(actual == k, predicted[:, k]) for k in present])) if present else 0.5


def _amount_strength(predicted: FloatArray, actual: FloatArray) -> float:
    if not len(actual) or np.ptp(predicted[:, 0]) == 0 or np.ptp(actual) == 0:
        return 0.0
    return float(spearmanr(predicted[:, 0], actual).statistic)


Strength = Callable[[FloatArray, FloatArray], float]
# By kind: how much is known of the outcome, in words, when that is too much, and what chance has.
_STRENGTHS: Final[dict[str, tuple[Strength, str, float, float]]] = {
    **dict.fromkeys(EVENTS, (_event_strength, "ROC AUC", _REFUSED_AUC, 0.5)),
    CLASSES: (_class_strength, "mean ROC AUC", _REFUSED_AUC, 0.5),
    VALUE: (_amount_strength, "rank correlation", _REFUSED_CORRELATION, 0.0),
}
