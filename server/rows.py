"""Features as callers send them → rows as a model reads them.

While a row is being read, NaN marks a value that is not known; callers cannot send one.
"""

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from protos.audience.v1 import bundle_pb2, scoring_pb2
from server.errors import InvalidRequest
from server.schema import CATEGORY, NUMBER, FloatVector, PositionVector, Schema

FloatMatrix = npt.NDArray[np.float32]
CountVector = npt.NDArray[np.int64]
_LISTED = 10  # words that a message lists


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Rows that a model can score, and what had to be assumed about each.

    Attributes:
        rows: shape (n, width), float32, finite and in range.
        missing: shape (n,), features that were not given and took their default.
        out_of_range: shape (n,), features outside the schema's range that took their default.
        remapped: for each row, whether its vector followed another schema.
        defaulted: shape (width,), how many rows took the default of each feature, for either reason.
    """

    rows: FloatMatrix
    missing: CountVector
    out_of_range: CountVector
    remapped: tuple[bool, ...]
    defaulted: CountVector


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


class Reader:
    """Reads callers' features as rows of one schema.

    Args:
        schema: the schema of the model that will score.
        known: every schema that callers may still follow, by fingerprint.
    """

    def __init__(self, schema: Schema, known: Mapping[str, Schema]) -> None:
        self._schema = schema
        self._known = {**known, schema.fingerprint: schema}
        others = (other for other in self._known.values() if other.fingerprint != schema.fingerprint)
        self._remaps = {other.fingerprint: Remap.between(other, schema) for other in others}
        self._known_kinds = frozenset((f.name, f.kind) for other in self._known.values() for f in other.features)
        self._known_names = frozenset(name for name, _ in self._known_kinds)

    def read(self, given: Sequence[scoring_pb2.Features]) -> Block:
        """One row for each message.

        Raises:
            InvalidRequest: a vector of a wrong width or of an unknown schema, a number that is not finite, a name or a
                word that no known schema has. The text names the row where there are several, and the feature.
        """
        rows = np.full((len(given), self._schema.width), np.nan, dtype=np.float32)
        for position, features in enumerate(given):
            try:
                self._read_row(features, rows[position])
            except InvalidRequest as error:
                raise error if len(given) == 1 else InvalidRequest(f"rows[{position}]: {error}") from error
        remapped = tuple(features.schema_fingerprint in self._remaps for features in given)
        return self._with_defaults(rows, remapped)

    def _read_row(self, features: scoring_pb2.Features, row: FloatVector) -> None:
        if features.vector:
            row[:] = self._read_vector(features)
        elif features.missing or features.schema_fingerprint:
            raise InvalidRequest(
                "features.missing and features.schema_fingerprint say something of a vector; none came"
            )
        for name, number in features.numbers.items():
            self._put_number(row, name, number)
        for name, word in features.categories.items():
            self._put_category(row, name, word)

    def _read_vector(self, features: scoring_pb2.Features) -> FloatVector:
        schema = self._schema_of(features.schema_fingerprint)
        if len(features.missing) > schema.width:
            raise InvalidRequest(f"features.missing has {len(features.missing)} positions; the schema {schema.width}")
        vector = np.array(features.vector, dtype=np.float32)
        if len(vector) != schema.width:
            raise InvalidRequest(
                f"features.vector has {len(vector)} numbers; the schema {schema.fingerprint} has {schema.width}"
            )
        if features.missing:
            vector[_missing_columns(features.missing, schema.width)] = np.nan
        _check_vector(vector, schema, frozenset(features.missing))
        if schema is self._schema:
            return vector
        return self._remaps[schema.fingerprint].apply(vector)

    def _schema_of(self, fingerprint: str) -> Schema:
        if not fingerprint:
            raise InvalidRequest(
                "features.vector came without features.schema_fingerprint, so its numbers could be taken for others; "
                f"the model that serves has {self._schema.fingerprint}"
            )
        schema = self._known.get(fingerprint)
        if schema is None:
            raise InvalidRequest(
                f"features.schema_fingerprint {fingerprint[:64]!r} is that of no version in the repository; "
                f"the model that serves has {self._schema.fingerprint}"
            )
        return schema

    def _put_number(self, row: FloatVector, name: str, number: float) -> None:
        column = self._column(name, NUMBER, "features.categories")
        if column is None:
            return
        if not math.isfinite(number):
            raise InvalidRequest(f"feature {name!r} is {number}; send a finite number, or leave it out if not known")
        row[column] = number

    def _put_category(self, row: FloatVector, name: str, word: str) -> None:
        column = self._column(name, CATEGORY, "features.numbers")
        if column is None:
            return
        feature = self._schema.features[column]
        code = self._schema.code(feature, word)
        if code is None and not self._is_known_word(name, word):
            raise InvalidRequest(
                f"{word[:64]!r} is no word of the category {name!r}; its words are {_some(feature.vocabulary)}"
            )
        row[column] = math.nan if code is None else code

    def _column(self, name: str, kind: bundle_pb2.FeatureKind.ValueType, right_place: str) -> int | None:
        """Column of a feature; None when only another version knows it, and its value is of no use here."""
        column = self._schema.positions.get(name)
        if column is not None and self._schema.features[column].kind == kind:
            return column
        if (name, kind) in self._known_kinds:
            return None
        if name in self._known_names:
            raise InvalidRequest(f"feature {name!r} belongs in {right_place}")
        raise InvalidRequest(f"no version knows a feature {name[:64]!r}{_closest(name, self._schema.positions)}")

    def _is_known_word(self, name: str, word: str) -> bool:
        return any(word in schema.codes.get(name, ()) for schema in self._known.values())

    def _with_defaults(self, rows: FloatMatrix, remapped: tuple[bool, ...]) -> Block:
        schema = self._schema
        missing = np.isnan(rows)
        out_of_range = (rows < schema.lowest) | (rows > schema.highest)
        unusable = missing | out_of_range
        return Block(
            rows=np.where(unusable, schema.defaults, rows),
            missing=missing.sum(axis=1),
            out_of_range=out_of_range.sum(axis=1),
            remapped=remapped,
            defaulted=unusable.sum(axis=0),
        )


def _missing_columns(missing: Iterable[int], width: int) -> list[int]:
    columns = list(missing)
    if max(columns) >= width:
        raise InvalidRequest(f"features.missing names position {max(columns)}; the vector's last is {width - 1}")
    return columns


def _check_vector(vector: FloatVector, schema: Schema, missing: frozenset[int]) -> None:
    for column in np.flatnonzero(~np.isfinite(vector)):
        if int(column) not in missing:
            raise InvalidRequest(
                f"features.vector[{column}] ({schema.features[column].name}) is {vector[column]}; "
                "send a finite number, or name its position in features.missing"
            )
    codes = vector[schema.category_columns]
    for column in schema.category_columns[~np.isnan(codes) & (codes != np.floor(codes))]:
        raise InvalidRequest(
            f"features.vector[{column}] ({schema.features[column].name}) is {vector[column]}; "
            "a category is sent as its position in the vocabulary, a whole number"
        )


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:_LISTED]) + (f" and {len(words) - _LISTED} more" if len(words) > _LISTED else "")


def _closest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:64], list(names), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
