"""What an engine found, as the table that everything is fitted on: the same for both."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from training.events.aggregates import us
from training.events.query import Plan
from training.features import FeatureSpec
from training.table import Table

Columns = Mapping[str, npt.NDArray[np.generic]]
_Number = TypeVar("_Number", bound=np.generic)


def to_table(plan: Plan, found: Columns, until_us: int) -> Table:
    """The rows with defaults where nothing is known, values within their range, and labels whose time is over.

    Args:
        plan: what was asked.
        found: as_of_us, visitor, and f0 ... and l0 ... as Plan.snapshots has them, NaN for nothing.
        until_us: end of the records.
    """
    as_of_us = found["as_of_us"].astype(np.int64)
    features = np.empty((len(as_of_us), len(plan.order.features)), dtype=np.float32)
    is_missing = np.empty(features.shape, dtype=np.bool_)
    for i, feature in enumerate(plan.order.features):
        values = found[f"f{i}"]
        is_missing[:, i] = np.isnan(values)
        features[:, i] = np.where(is_missing[:, i], feature.default, _clipped(values, feature.spec))
    outcomes = {
        name: np.where(as_of_us + us(label.within_days) <= until_us, found[f"l{i}"].astype(np.float64), np.nan)
        for i, (name, label) in enumerate(plan.labels.items())
    }
    return Table(
        specs=[feature.spec for feature in plan.order.features],
        features=features,
        is_missing=is_missing,
        visitors=found["visitor"].astype(np.str_),
        as_of_ms=as_of_us // 1000,
        outcomes=outcomes,
        columns={},
    )


def _clipped(values: npt.NDArray[np.generic], spec: FeatureSpec) -> npt.NDArray[np.generic]:
    if spec.vocabulary or (spec.minimum is None and spec.maximum is None):
        return values
    clipped: npt.NDArray[np.generic] = np.clip(values, spec.minimum, spec.maximum)
    return clipped


def defaults(plan: Plan) -> npt.NDArray[np.float32]:
    """What stands where nothing is known, shape (features,)."""
    return np.array([feature.default for feature in plan.order.features], dtype=np.float32)


def moments_us(as_of_ms: Sequence[int]) -> Sequence[int]:
    """The distinct moments in microseconds, earliest first."""
    return sorted({moment * 1000 for moment in as_of_ms})


def joined(parts: list[Table]) -> Table:
    """The rows of several tables of the same features, one after the other. Empties the list.

    Column after column, so that next to the rows themselves no more than one column is there twice.
    """
    first = parts[0]
    times = [part.as_of_ms for part in parts if part.as_of_ms is not None]
    features, is_missing = [part.features for part in parts], [part.is_missing for part in parts]
    visitors = [part.visitors for part in parts]
    outcomes = {name: [part.outcomes[name] for part in parts] for name in first.outcomes}
    specs = first.specs
    del first
    parts.clear()
    return Table(
        specs=specs,
        features=_concatenated(features),
        is_missing=_concatenated(is_missing),
        visitors=_concatenated(visitors),
        as_of_ms=_concatenated(times),
        outcomes={name: _concatenated(column) for name, column in outcomes.items()},
        columns={},
    )


def _concatenated(columns: list[npt.NDArray[_Number]]) -> npt.NDArray[_Number]:
    whole: npt.NDArray[_Number] = np.concatenate(columns)
    columns.clear()
    return whole
