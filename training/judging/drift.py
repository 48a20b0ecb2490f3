"""Whether features are distributed as they were."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.features import Features, FeatureSpec
from training.heads import BoolArray, FloatArray, Tested
from training.judging.document import Entry
from training.table import Table

BINS = 10
_SMALLEST_SHARE = 1e-4  # of an empty bin: the logarithm of nothing is infinite (customary)
_LEAST_DATES = 2
_PARTS = 3  # the oldest and the newest third of the dates


def population_stability(before: FloatArray, after: FloatArray, *, is_category: bool) -> float:
    """Population stability index: below 0.1 much the same, above 0.25 another population, by custom.

    Ten bins between the quantiles of `before`, each value that is frequent enough to be several quantiles in one of its
    own; of a category, a bin for each word. Of equal populations it is about 9 (1 / n + 1 / m), so that with few rows
    it says little.

    Source: Siddiqi, Credit Risk Scorecards, 2006: the sum of (a - b) ln(a / b) over the bins' shares.
    """
    tenths = np.linspace(0, 1, BINS + 1)[1:-1]
    edges = np.unique(np.append(before, after) if is_category else np.quantile(before, tenths))
    b, a = _shares(before, edges), _shares(after, edges)
    return float(((a - b) * np.log(a / b)).sum())


def _shares(values: FloatArray, edges: FloatArray) -> FloatArray:
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    shares: FloatArray = np.maximum(counts / max(1, len(values)), _SMALLEST_SHARE)
    return shares


def feature_drift(before: Features, after: Features, specs: Sequence[FeatureSpec]) -> list[Entry]:
    """The index of each feature, the largest first; shapes (n, width) and (m, width), neither without rows."""
    found = [
        {
            "feature": spec.name,
            "psi": population_stability(
                before[:, i].astype(np.float64), after[:, i].astype(np.float64), is_category=bool(spec.vocabulary)
            ),
        }
        for i, spec in enumerate(specs)
    ]
    return sorted(found, key=lambda one: -float(str(one["psi"])))


def drift(table: Table, tested: Tested) -> Entry:
    """Drift of each feature from the rows before the first one tested, or, without such rows, from the oldest dates.

    Returns:
        "drift" as in evaluation.json, empty where rows have no times or all the same, and "drift_between" in words.
    """
    sides = _sides(table, tested)
    if sides is None:
        return {"drift": [], "drift_between": None}
    before, after, between = sides
    return {
        "drift": feature_drift(table.features[before], table.features[after], table.specs),
        "drift_between": between,
    }


def _sides(table: Table, tested: Tested) -> tuple[BoolArray, npt.NDArray[np.int64] | BoolArray, str] | None:
    times = table.as_of_ms
    if times is None or not len(tested.rows):
        return None
    before = times < times[tested.rows].min()
    if before.any():
        return before, tested.rows, "the dates before the test and the dates tested on"
    dates = np.unique(times)
    if len(dates) < _LEAST_DATES:
        return None
    part = max(1, len(dates) // _PARTS)
    return times <= dates[part - 1], times >= dates[-part], "the oldest and the newest third of the dates"
