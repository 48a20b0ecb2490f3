"""Whether an outcome was known, in one way or another, to those who were to foretell it."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from training.errors import NotTrained
from training.features import Features
from training.heads import BoolArray, FloatArray, Tested
from training.judging.document import Entry
from training.judging.outcome import VALUE
from training.judging.single_feature import REFUSE, WARN, finding, single_features
from training.quality.refusal import BadData
from training.table import Table

_REPEATED_SHARE = 0.01  # of the tested rows
_LEAST_REPEATED = 10  # of them without the usual outcome
_SAME_SHARE = 0.9  # of those
_COARSE = 0.5  # below this share of distinct rows, equal ones are no surprise
_LEAST_DATES = 5
_GROWTH_CORRELATION = 0.95
_LEAST_GROWTH = 0.1
_UPPER = 0.95
_CONSTANT_SHARE = 0.99
_LEAST_VISITORS = 20


class Leaks(NotTrained):
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
    name: str, kind: str, table: Table, tested: Tested, known_at: Mapping[str, str], seed: int
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
        *single_features(kind, table, name, tested, seed),
        *_newer(table, known_at),
        *_repeated(table, name, tested),
        *_growing(table),
        *_same_for_visitor(table, name, kind, tested),
    ]
    return [{"outcome": name, **one} for one in sorted(findings, key=lambda one: one["severity"] != REFUSE)]


def _newer(table: Table, known_at: Mapping[str, str]) -> Iterator[Entry]:
    """Features whose values were known only at the moment of the row, or after it."""
    if table.as_of_ms is None:
        return
    for feature, column in known_at.items():
        if column not in table.columns:
            continue
        times = _times(column, table.columns[column])
        late = float((times >= table.as_of_ms).mean())
        if late:
            yield finding(
                "newer_than_row",
                feature,
                late,
                REFUSE,
                f"{feature} was known only at the row's moment or later in {late:.1%} of the rows ({column}): take its "
                "value from strictly before",
            )


def _times(column: str, values: npt.NDArray[Any]) -> FloatArray:
    """Milliseconds, NaN where there is none."""
    try:
        return np.array([np.nan if value is None else float(value) for value in values.tolist()])
    except ValueError:
        odd = next(value for value in values.tolist() if value is not None and not _is_number(value))
        raise BadData(
            f"{column}, which is to say when a feature was known (known_at), holds {odd!r}; needed are milliseconds "
            "since 1970"
        ) from None


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def _repeated(table: Table, name: str, tested: Tested) -> Iterator[Entry]:
    """Tested rows that another visitor has exactly alike, with the outcome, among those that were fitted on.

    Equal features alone are no sign: visitors who have just come are alike. So it is looked at rows without the usual
    outcome, of which copies have the same one, and those who are alike by chance often not.
    """
    codes, distinct = _row_codes(table.features)
    if distinct < _COARSE * len(table):
        return
    actual = table.outcomes[name]
    with_outcome, _ = _row_codes(np.column_stack([table.features, actual]).astype(np.float32))
    fitted = _fitted(table, tested)
    repeated, same = _elsewhere(codes, table, fitted, tested), _elsewhere(with_outcome, table, fitted, tested)
    values, counts = np.unique(tested.actual, return_counts=True)
    unusual = repeated & (tested.actual != values[counts.argmax()])
    share = float(same.mean())
    if share > _REPEATED_SHARE and unusual.sum() >= _LEAST_REPEATED and same[unusual].mean() >= _SAME_SHARE:
        yield finding(
            "repeated_rows",
            "",
            share,
            WARN,
            f"{share:.1%} of the tested rows are, in every feature and in {name}, rows of other visitors that were "
            "fitted on: records stand there twice, under several visitors; take repeated ones out",
        )


def _elsewhere(codes: npt.NDArray[np.int64], table: Table, fitted: BoolArray, tested: Tested) -> BoolArray:
    """Which tested rows have the code of a fitted row of another visitor, shape (m,)."""
    _, people = np.unique(table.visitors, return_inverse=True)
    low, high = np.full(codes.max() + 1, len(table)), np.full(codes.max() + 1, -1)
    np.minimum.at(low, codes[fitted], people[fitted])
    np.maximum.at(high, codes[fitted], people[fitted])
    own, mine = people[tested.rows], codes[tested.rows]
    found: BoolArray = (high[mine] >= 0) & ((low[mine] != own) | (high[mine] != own))
    return found


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
            yield finding(
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
        yield finding(
            "same_for_visitor",
            "",
            share,
            WARN,
            f"{share:.0%} of the visitors who have {name} at all have it in every row, before the test and in it: a "
            "model only has to know them again; test it on other visitors",
        )
