"""The trees of an ensemble as arrays, and where rows go in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from training.features import Features

_WAYS_AT_ONCE: Final = 1_000_000  # of a row through a tree

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Trees:
    """The nodes of an ensemble, each known by its position in the attributes.

    Attributes:
        roots: shape (trees,), the first node of each tree.
        is_leaf: shape (nodes,).
        features: shape (nodes,), which column a node reads.
        thresholds: shape (nodes,), float32.
        if_true: shape (nodes,), where who has at most that goes on.
        if_false: shape (nodes,), where others do.
    """

    roots: Numbers
    is_leaf: npt.NDArray[np.bool_]
    features: Numbers
    thresholds: Features
    if_true: Numbers
    if_false: Numbers

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Self:
        """Those that the attributes of a TreeEnsemble operator say."""
        trees, numbers, true, false = (
            np.array(attributes[f"nodes_{name}"], np.int64)
            for name in ("treeids", "nodeids", "truenodeids", "falsenodeids")
        )
        is_leaf = np.array([mode == b"LEAF" for mode in attributes["nodes_modes"]])
        ahead = trees * (numbers.max() + 1)  # so that a node is known by one number
        known = np.argsort(ahead + numbers)
        ascending = (ahead + numbers)[known]

        def places(of: Numbers) -> Numbers:
            found: Numbers = known[np.searchsorted(ascending, np.where(is_leaf, ascending[0], ahead + of))]
            return found

        return cls(
            roots=np.unique(trees, return_index=True)[1],
            is_leaf=is_leaf,
            features=np.array(attributes["nodes_featureids"], np.int64),
            thresholds=np.array(attributes["nodes_values"], np.float32),
            if_true=places(true),
            if_false=places(false),
        )

    def visits(self, rows: Features) -> Numbers:
        """How many of the rows come to each node, shape (nodes,)."""
        counts = np.zeros(len(self.is_leaf), np.int64)
        at_once = max(1, _WAYS_AT_ONCE // len(self.roots))
        for start in range(0, len(rows), at_once):
            some = rows[start : start + at_once]
            at = np.tile(self.roots, len(some))
            row = np.repeat(np.arange(len(some)), len(self.roots))
            while len(at):
                counts += np.bincount(at, minlength=len(counts))
                goes_on = ~self.is_leaf[at]
                at, row = at[goes_on], row[goes_on]
                is_true = some[row, self.features[at]] <= self.thresholds[at]
                at = np.where(is_true, self.if_true[at], self.if_false[at])
        return counts
