"""Features as linear models and networks need them: numbers of one scale, a column for each word of a category."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from training.export.nodes import Nodes
from training.features import Features, FeatureSpec

Positions = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """Numbers clipped to what was seen, logarithm where skewed, standardised; categories one-hot.

    Clipped, because a linear model or a network goes on for ever in the direction that it learnt from those seen.

    Attributes:
        plain: shape (p,), columns of numbers that are read as they are.
        skewed: shape (s,), columns of numbers whose logarithm is read: sign(x) log(1 + |x|).
        words: shape (c,), the column of a category, once for each of its words.
        codes: shape (c,), float32, the words' codes.
        low: shape (p + s,), float32, the lowest value seen, of plain columns and then skewed ones.
        high: shape (p + s,), float32, the highest.
        mean: shape (p + s,), after the logarithm.
        scale: shape (p + s,), standard deviation after the logarithm, never 0.
    """

    plain: Positions
    skewed: Positions
    words: Positions
    codes: Features
    low: Features
    high: Features
    mean: FloatArray
    scale: FloatArray

    @classmethod
    def fit(cls, features: Features, specs: Sequence[FeatureSpec]) -> Self:
        """The encoding for this population, shape (n, len(specs))."""
        plain = _positions(specs, [not spec.vocabulary and not spec.is_skewed for spec in specs])
        skewed = _positions(specs, [not spec.vocabulary and spec.is_skewed for spec in specs])
        words = [(column, code) for column, spec in enumerate(specs) for code in range(len(spec.vocabulary))]
        numbers = features[:, np.concatenate([plain, skewed])]
        values = _unskewed(numbers, len(plain))
        scale = values.std(axis=0)
        return cls(
            plain=plain,
            skewed=skewed,
            words=np.array([column for column, _ in words], dtype=np.int64),
            codes=np.array([code for _, code in words], dtype=np.float32),
            low=numbers.min(axis=0),
            high=numbers.max(axis=0),
            mean=values.mean(axis=0),
            scale=np.where(scale > 0, scale, 1.0),
        )

    @property
    def width(self) -> int:
        """Number of encoded columns."""
        return len(self.plain) + len(self.skewed) + len(self.words)

    def apply(self, features: Features) -> FloatArray:
        """Shape (n, width): numbers, then words."""
        numbers = features[:, np.concatenate([self.plain, self.skewed])]
        values = _unskewed(np.clip(numbers, self.low, self.high), len(self.plain))
        is_word = features[:, self.words] == self.codes
        return np.column_stack([(values - self.mean) / self.scale, is_word])

    def emit(self, nodes: Nodes, features: str) -> str:
        """The same in ONNX: float64 [rows, width], of float32 [rows, features]."""
        parts = []
        if len(self.low):
            parts.append(self._emit_numbers(nodes, features))
        if len(self.words):
            chosen = nodes.add("Gather", features, nodes.constant(self.words), axis=1)
            parts.append(nodes.cast(nodes.add("Equal", chosen, nodes.constant(self.codes)), np.float64))
        return parts[0] if len(parts) == 1 else nodes.add("Concat", *parts, axis=1)

    def _emit_numbers(self, nodes: Nodes, features: str) -> str:
        columns = np.concatenate([self.plain, self.skewed])
        chosen = nodes.add("Gather", features, nodes.constant(columns), axis=1)
        above = nodes.add("Max", chosen, nodes.constant(self.low))
        values = nodes.cast(nodes.add("Min", above, nodes.constant(self.high)), np.float64)
        if len(self.skewed):
            values = self._emit_unskewed(nodes, values)
        centred = nodes.add("Sub", values, nodes.constant(self.mean))
        return nodes.add("Div", centred, nodes.constant(self.scale))

    def _emit_unskewed(self, nodes: Nodes, values: str) -> str:
        if not len(self.plain):
            return self._emit_logarithm(nodes, values)
        sizes = nodes.constant(np.array([len(self.plain), len(self.skewed)], dtype=np.int64))
        plain, skewed = nodes.add_many("Split", 2, values, sizes, axis=1)
        return nodes.add("Concat", plain, self._emit_logarithm(nodes, skewed), axis=1)

    def _emit_logarithm(self, nodes: Nodes, values: str) -> str:
        if (self.low[len(self.plain) :] >= 0).all():
            return nodes.add("Log", nodes.add("Add", values, nodes.constant(1.0)))
        logarithm = nodes.add("Log", nodes.add("Add", nodes.add("Abs", values), nodes.constant(1.0)))
        return nodes.add("Mul", nodes.add("Sign", values), logarithm)


def _positions(specs: Sequence[FeatureSpec], chosen: Sequence[bool]) -> Positions:
    return np.array([i for i, _ in enumerate(specs) if chosen[i]], dtype=np.int64)


def _unskewed(numbers: Features, plain_count: int) -> FloatArray:
    values = numbers.astype(np.float64)
    skewed = values[:, plain_count:]
    values[:, plain_count:] = np.sign(skewed) * np.log(1.0 + np.abs(skewed))
    return values
