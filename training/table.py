"""The rows that heads are fitted to and judged on: who, as of when, what is known of them, and what came of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from training.features import Features, FeatureSpec


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Rows, in a stated order that never depends on the machine.

    Attributes:
        specs: the features, one for each column.
        features: shape (n, len(specs)), float32, without NaN: where nothing is known, the default stands.
        is_missing: shape (n, len(specs)), where the default stands.
        visitors: shape (n,), of str: whom each row is about. Rows of one visitor belong together in every split.
        as_of_ms: shape (n,), int64: only what happened strictly before is in the features. None: rows have no time.
        outcomes: by the name of the outcome's head, shape (n,), float64: what came of it, NaN where that is not known.
            0 and 1 for an event, an amount, or the position among the classes.
        columns: by name, shape (n,), of objects: columns of the records that are no features, such as those by which
            fairness is looked at, and who was treated in a campaign.
    """

    specs: Sequence[FeatureSpec]
    features: Features
    is_missing: npt.NDArray[np.bool_]
    visitors: npt.NDArray[np.str_]
    as_of_ms: npt.NDArray[np.int64] | None
    outcomes: Mapping[str, npt.NDArray[np.float64]]
    columns: Mapping[str, npt.NDArray[Any]]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.features)

    def where(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Self:
        """Some rows: those that a mask keeps, or those at these positions, in their order."""
        return type(self)(
            specs=self.specs,
            features=self.features[rows],
            is_missing=self.is_missing[rows],
            visitors=self.visitors[rows],
            as_of_ms=None if self.as_of_ms is None else self.as_of_ms[rows],
            outcomes={name: outcome[rows] for name, outcome in self.outcomes.items()},
            columns={name: column[rows] for name, column in self.columns.items()},
        )

    def without(self, names: Collection[str]) -> Self:
        """The same rows without some features."""
        kept = np.array([position for position, spec in enumerate(self.specs) if spec.name not in names], np.int64)
        return replace(
            self,
            specs=[self.specs[position] for position in kept],
            features=np.ascontiguousarray(self.features[:, kept]),
            is_missing=self.is_missing[:, kept],
        )

    def beside(self, specs: Sequence[FeatureSpec], features: Features, is_missing: npt.NDArray[np.bool_]) -> Self:
        """The same rows with further features, shapes (n, len(specs)), after the others."""
        return replace(
            self,
            specs=[*self.specs, *specs],
            features=np.concatenate([self.features, features], axis=1),
            is_missing=np.concatenate([self.is_missing, is_missing], axis=1),
        )

    def position(self, feature: str) -> int:
        """Which column a feature is.

        Raises:
            KeyError: there is none of this name.
        """
        for position, spec in enumerate(self.specs):
            if spec.name == feature:
                return position
        raise KeyError(feature)
