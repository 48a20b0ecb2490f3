"""A vector of one schema, read as another's."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from protos.audience.v1 import bundle_pb2
from server.schema import CATEGORY, FloatVector, PositionVector, Schema


@dataclass(frozen=True, slots=True)
class Remap:
    """How a vector of one schema is read as another's: by names, where kind and unit are the same.

    Attributes:
        source: columns to take from the given vector.
        target: the columns where they go; the others stay unknown.
        words: for each category among them, its target column and, by the source's code, the target's (NaN: none).
        width: width of the target.
    """

    source: PositionVector
    target: PositionVector
    words: tuple[tuple[int, FloatVector], ...]
    width: int

    @classmethod
    def between(cls, source: Schema, target: Schema) -> Self:
        """The remap from one schema to another."""
        pairs = [
            (source.positions[feature.name], column)
            for column, feature in enumerate(target.features)
            if feature.name in source.positions and _same_meaning(source, target, feature.name)
        ]
        words = tuple(
            (column, _translation(source.features[position], target, target.features[column]))
            for position, column in pairs
            if target.features[column].kind == CATEGORY
        )
        positions = np.array(pairs, dtype=np.intp).reshape(-1, 2)
        return cls(positions[:, 0], positions[:, 1], words, target.width)

    def apply(self, vector: FloatVector) -> FloatVector:
        """The vector in the target's columns, NaN where it does not say."""
        row = np.full(self.width, np.nan, dtype=np.float32)
        row[self.target] = vector[self.source]
        for column, codes in self.words:
            code = row[column]
            if not math.isnan(code):
                row[column] = codes[int(code)] if 0 <= code < len(codes) else math.inf  # out of range here too
        return row


def _same_meaning(source: Schema, target: Schema, name: str) -> bool:
    one, other = source.features[source.positions[name]], target.features[target.positions[name]]
    return one.kind == other.kind and one.unit == other.unit


def _translation(source: bundle_pb2.Feature, schema: Schema, target: bundle_pb2.Feature) -> FloatVector:
    codes = (schema.code(target, word) for word in source.vocabulary)
    return np.array([math.nan if code is None else code for code in codes], dtype=np.float32)
