"""Features as callers send them → what they say of one visitor, in a model's columns."""

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from protos.audience.v1 import bundle_pb2, scoring_pb2
from server.errors import InvalidRequest
from server.remap import Remap
from server.schema import CATEGORY, NUMBER, FloatVector, Schema

_LISTED = 10  # words that a message lists


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

    def is_foreign(self, fingerprint: str) -> bool:
        """Whether vectors with this fingerprint follow another known schema."""
        return fingerprint in self._remaps

    def read(self, features: scoring_pb2.Features) -> FloatVector:
        """What the message says, shape (width,), NaN where it does not say.

        Raises:
            InvalidRequest: a vector of a wrong width or of an unknown schema, a number that is not finite, a name or a
                word that no known schema has. The text names the feature.
        """
        row = np.full(self._schema.width, np.nan, dtype=np.float32)
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
        return row

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
