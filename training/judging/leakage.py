"""Whether an outcome was known, in one way or another, to those who were to foretell it."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from training.features import Features
from training.heads import BoolArray, FloatArray, Tested
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
_REPEATED_SHARE = 0.01  # of the tested rows
_COARSE = 0.5  # below this share of distinct rows, equal ones are no surprise
_LEAST_DATES = 5
_GROWTH_CORRELATION = 0.95
_LEAST_GROWTH = 0.1
_UPPER = 0.95
_CONSTANT_SHARE = 0.99
_LEAST_VISITORS = 20


class Leaks(Exception):
    """An outcome was known beforehand. The text says by which feature, and what to do."""


def check_leaks(findings: list[Entry]) -> None:
    """Passes when none of the findings forbids to publish.

    Raises:
        Leaks: one does.
    """
    refused = [str(one["text"]) for one in findings if one["severity"] == REFUSE]
    if refused:
        raise Leaks("; ".join(refused))


def find_leaks(  # noqa: PLR0913, PLR0917  # which outcome of which rows, and how random numbers begin
    name: str, kind: str, table: Table, tested: Tested, known_at: dict[str, str], seed: int
) -> list[Entry]:
    """What looks like a leak, as in evaluation.json, what forbids to publish first; none in clean data.

    Args:
        name: of the outcome.
        kind: of the outcome.
        table: rows with this outcome.
        tested: what the head said of those that it was tested on.
        known_at: by feature, the column that says when its value was known.
        seed: of the draws.
    """
    findings = [
        *_single_features(kind, table, name, tested, seed),
        *_newer(table, known_at),
        *_repeated(table, tested),
        *_growing(table),
        *_same_for_visitor(table, name, kind, tested),
    ]
    return [{"outcome": name, **one} for one in sorted(findings, key=lambda one: one["severity"] != REFUSE)]


def _finding(check: str, feature: str, figure: float, severity: str, text: str) -> Entry:
    return {"check": check, "feature": feature, "figure": figure, "text": text, "severity": severity}


def _single_features(kind: str, table: Table, name: str, tested: Tested, seed: int) -> Iterator[Entry]:
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
            yield _finding("single_feature", spec.name, found, severity, _decides(spec.name, name, words, found))
            continue
        share = (strength(alone[ours], actual[ours]) - chance) / model if model >= _LEAST_GAIN else 0.0
        if share > _MOST_OF_GAIN:
            yield _finding(
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


def _newer(table: Table, known_at: dict[str, str]) -> Iterator[Entry]:
    """Features whose values were known only at the moment of the row, or after it."""
    if table.as_of_ms is None:
        return
    for feature, column in known_at.items():
        if column not in table.columns:
            continue
        times = _times(table.columns[column])
        late = float((times >= table.as_of_ms).mean())
        if late:
            yield _finding(
                "newer_than_row",
                feature,
                late,
                REFUSE,
                f"{feature} was known only at the row's moment or later in {late:.1%} of the rows ({column}): take its "
                "value from strictly before",
            )


def _times(values: npt.NDArray[Any]) -> FloatArray:
    """Milliseconds, NaN where there is none."""
    return np.array([np.nan if value is None else float(value) for value in values.tolist()])


def _repeated(table: Table, tested: Tested) -> Iterator[Entry]:
    """Tested rows that another visitor has exactly alike among those that were fitted on."""
    codes, distinct = _row_codes(table.features)
    if distinct < _COARSE * len(table):
        return
    before = _fitted(table, tested)
    _, people = np.unique(table.visitors, return_inverse=True)
    low, high = np.full(distinct, len(table)), np.full(distinct, -1)
    np.minimum.at(low, codes[before], people[before])
    np.maximum.at(high, codes[before], people[before])
    own, mine = people[tested.rows], codes[tested.rows]
    share = float(((high[mine] >= 0) & ((low[mine] != own) | (high[mine] != own))).mean())
    if share > _REPEATED_SHARE:
        yield _finding(
            "repeated_rows",
            "",
            share,
            WARN,
            f"{share:.1%} of the tested rows are, in every feature, rows of other visitors that were fitted on: "
            "records may stand there twice, under several visitors; take repeated ones out",
        )


def _row_codes(features: Features) -> tuple[npt.NDArray[np.int64], int]:
    """A number for each different row, shape (n,), and how many there are."""
    rows = np.ascontiguousarray(features + np.float32(0))  # -0.0 becomes 0.0, whose bytes differ
    packed = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    distinct, codes = np.unique(packed, return_inverse=True)
    return codes.astype(np.int64), len(distinct)


def _fitted(table: Table, tested: Tested) -> BoolArray:
    """Rows that a tested one may have been foretold from: earlier ones, or those of other folds, which is any."""
    before = np.zeros(len(table), dtype=np.bool_)
    if table.as_of_ms is not None:
        before = table.as_of_ms < table.as_of_ms[tested.rows].min()
    if before.any():
        return before
    before[tested.rows] = True
    return before


def _growing(table: Table) -> Iterator[Entry]:
    """Features whose largest values grow from date to date, as they do when the records begin at one moment."""
    if table.as_of_ms is None:
        return
    dates = np.unique(table.as_of_ms)
    if len(dates) < _LEAST_DATES:
        return
    for position, spec in enumerate(table.specs):
        if spec.vocabulary:
            continue
        values = table.features[:, position].astype(np.float64)
        upper = np.array([np.quantile(values[table.as_of_ms == date], _UPPER) for date in dates])
        if np.ptp(upper) == 0:
            continue
        correlation = float(spearmanr(dates, upper).statistic)
        if correlation >= _GROWTH_CORRELATION and upper[-1] - upper[0] > _LEAST_GROWTH * np.abs(upper).max():
            yield _finding(
                "growing_window",
                spec.name,
                correlation,
                WARN,
                f"the largest values of {spec.name} grow from {upper[0]:.4g} to {upper[-1]:.4g} with the date of the "
                f"rows (rank correlation {correlation:.2f}): later rows have longer windows, which a model takes for "
                "behaviour; give the feature a window of fixed length or a largest value",
            )


def _same_for_visitor(table: Table, name: str, kind: str, tested: Tested) -> Iterator[Entry]:
    """An outcome that a visitor always has, where visitors are on both sides of the test: who, not what, is learnt."""
    actual, fitted = table.outcomes[name], _fitted(table, tested)
    if fitted[tested.rows].any() or kind == VALUE:
        return  # folds keep visitors apart; amounts are never quite the same
    people = np.unique(table.visitors, return_inverse=True)[1]
    known = np.isfinite(actual)
    usual = np.bincount(actual[known].astype(np.int64)).argmax()
    low, high = np.full(people.max() + 1, np.inf), np.full(people.max() + 1, -np.inf)
    np.minimum.at(low, people[known], actual[known])
    np.maximum.at(high, people[known], actual[known])
    both = np.intersect1d(people[known & fitted], people[tested.rows])
    unusual = both[(low[both] != usual) | (high[both] != usual)]
    if len(unusual) < _LEAST_VISITORS:
        return
    share = float((low[unusual] == high[unusual]).mean())
    if share >= _CONSTANT_SHARE:
        yield _finding(
            "same_for_visitor",
            "",
            share,
            WARN,
            f"{share:.0%} of the visitors who have {name} at all have it in every row, before the test and in it: a "
            "model only has to know them again; test it on other visitors",
        )
