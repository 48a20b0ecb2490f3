"""Features made comparable, for distances and for the words that set segments apart."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from training.export.nodes import Nodes
from training.features import Features, FeatureSpec

CLIP_SD: Final = 3.0  # beyond this many standard deviations a value says no more than "very"


@dataclass(frozen=True, slots=True)
class Shaping:
    """Features made comparable: logarithm where skewed, standardised, clipped.

    Attributes:
        columns: shape (d,), which columns of the features are read.
        is_skewed: shape (d,), where the logarithm of 1 + x is taken.
        mean: shape (d,), of the population after the logarithm.
        scale: shape (d,), standard deviation of the population after the logarithm, never 0.
        width: number of the features of which columns are read.
    """

    columns: npt.NDArray[np.int64]
    is_skewed: npt.NDArray[np.bool_]
    mean: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    width: int

    @classmethod
    def fit(cls, features: Features, specs: Sequence[FeatureSpec], names: Collection[str]) -> Self:
        """The shaping of the named features for this population, shape (n, len(specs)). Absent names are left out."""
        columns = np.array([i for i, spec in enumerate(specs) if spec.name in names], dtype=np.int64)
        is_skewed = np.array([specs[i].is_skewed for i in columns])
        values = _unskewed(features[:, columns], is_skewed)
        scale = values.std(axis=0)
        return cls(columns, is_skewed, values.mean(axis=0), np.where(scale > 0, scale, 1.0), features.shape[1])

    def apply(self, features: Features) -> npt.NDArray[np.float64]:
        """Shape (n, d), in standard deviations."""
        values = _unskewed(features[:, self.columns], self.is_skewed)
        return np.clip((values - self.mean) / self.scale, -CLIP_SD, CLIP_SD)

    def emit(self, nodes: Nodes, features: str) -> str:
        """The same in ONNX: float64 [rows, d], of float32 [rows, features]."""
        values = nodes.cast(nodes.gather(features, tuple(self.columns.tolist()), self.width), np.float64)
        if self.is_skewed.any():
            # Of those that are not skewed too, where it may be no number and is not taken.
            logarithm = nodes.add("Log", nodes.add("Add", values, nodes.constant(1.0)))
            values = nodes.add("Where", nodes.constant(self.is_skewed), logarithm, values)
        centred = nodes.add("Sub", values, nodes.constant(self.mean))
        scaled = nodes.add("Div", centred, nodes.constant(self.scale))
        return nodes.add("Clip", scaled, nodes.constant(-CLIP_SD), nodes.constant(CLIP_SD))


def _unskewed(values: Features, is_skewed: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    wide = values.astype(np.float64)
    return np.where(is_skewed, np.log1p(np.where(is_skewed, wide, 0.0)), wide)
