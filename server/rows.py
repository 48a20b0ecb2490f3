"""Rows that a model can score, of many calls at once.

A row mostly comes as a vector of the model's own schema, or by names that the model knows. Then its numbers go from the
message into the block that is scored without being looked at one by one, and are checked there, many rows at once.
Every other row, and every row that this check stops at, is read with care (server/features.py), which defines the
result. While a row is being read, NaN marks a value that is not known; callers cannot send one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, overload

import numpy as np
import numpy.typing as npt

from protos.audience.v1 import scoring_pb2
from server.errors import InvalidRequest
from server.even import Column
from server.features import Reader
from server.requests import Features, parse_features, public_features
from server.schema import CATEGORY, NUMBER, Schema

FloatMatrix = npt.NDArray[np.float32]
CountVector = npt.NDArray[np.int64]

_FLOAT = np.dtype("<f4")
_FLOAT_BYTES = 4
_UNKNOWN = np.float32(np.nan).tobytes()


@dataclass(slots=True, eq=False)  # made for every row; a frozen one takes three times as long (measured)
class Row:
    """What one visitor's features say.

    Attributes:
        numbers: the bytes of `width` little-endian floats, NaN where they do not say.
        features: the message that they are from, while its numbers are not checked yet; None once they are.
        unknown: how many of them are NaN because the message does not say; of no meaning once they are checked.
        is_remapped: whether a vector of another schema was read by names.
    """

    numbers: bytes
    features: bytes | None
    unknown: int
    is_remapped: bool


class Table(Sequence[Row]):
    """Rows that came as vectors of the model's own schema and are laid out alike: made when they are asked for.

    Args:
        features: the messages that they are from.

    Attributes:
        numbers: shape (n, width), float32, not checked yet.
    """

    __slots__ = ("_features", "numbers")

    def __init__(self, numbers: FloatMatrix, features: Column) -> None:
        self.numbers = numbers
        self._features = features

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        return Row(self.numbers[index].tobytes(), self._features[index], 0, is_remapped=False)


def remapped(rows: Sequence[Row]) -> bytes:
    """A byte for each of them: 1 where a vector of another schema was read by names, otherwise 0."""
    return bytes(len(rows)) if isinstance(rows, Table) else bytes([row.is_remapped for row in rows])


@dataclass(slots=True, eq=False)  # as above
class Block:
    """Rows that can be scored, and what had to be assumed about each.

    Attributes:
        rows: shape (n, width), float32, finite and in range.
        missing: shape (n,), features that were not given and took their default; None: of no row any.
        out_of_range: shape (n,), features outside the schema's range that took their default; None: of no row any.
        defaulted: shape (n, width), whether a feature took its default, for either reason; None: none did.
        errors: what is wrong with a row, by its number; its scores mean nothing.
    """

    rows: FloatMatrix
    missing: CountVector | None = None
    out_of_range: CountVector | None = None
    defaulted: npt.NDArray[np.bool_] | None = None
    errors: Mapping[int, InvalidRequest] | None = None


@dataclass(frozen=True, slots=True)
class _Plain:
    """The bytes of Features that are a vector of one schema and nothing else.

    Attributes:
        length: of all of it.
        start: what comes before the vector.
        vector: where the vector is.
        end: what comes after it: the schema's fingerprint.
    """

    length: int
    start: bytes
    vector: slice
    end: bytes

    @classmethod
    def of(cls, schema: Schema) -> Self:
        """The pattern of a schema."""
        width, fingerprint = schema.width, schema.fingerprint
        message = scoring_pb2.Features(vector=[0.0] * width, schema_fingerprint=fingerprint).SerializeToString()
        end = scoring_pb2.Features(schema_fingerprint=fingerprint).SerializeToString()
        last = len(message) - len(end)
        first = last - width * _FLOAT_BYTES
        return cls(len(message), message[:first], slice(first, last), end)


class RowReader:
    """Reads rows of one schema; the arguments are those of Reader.

    Attributes:
        fingerprint: the schema's.
    """

    def __init__(self, schema: Schema, known: Mapping[str, Schema]) -> None:
        self.fingerprint = schema.fingerprint
        self._schema = schema
        self._careful = Reader(schema, known)
        self._plain = _Plain.of(schema)
        self._numbers = {_number_key(f.name): i for i, f in enumerate(schema.features) if f.kind == NUMBER}
        self._words = dict(_word_entries(schema))

    def read(self, features: bytes) -> Row:
        """The row of one visitor, from its Features as they came.

        Raises:
            InvalidRequest: as Reader.read, as far as that shows without looking at every number.
        """
        vector = self.vector_in(features)
        if vector is None:
            return self._read_otherwise(features)
        return Row(features[vector], features, 0, is_remapped=False)

    def read_all(self, features: Sequence[bytes]) -> Sequence[Row]:
        """`read` of each of these; raises as it does."""
        if isinstance(features, Column) and (numbers := self._numbers_in(features)) is not None:
            return Table(numbers, features)
        plain = self._plain
        length, start, vector, end = plain.length, plain.start, plain.vector, plain.end
        return [
            Row(one[vector], one, 0, is_remapped=False)
            if len(one) == length and one.startswith(start) and one.endswith(end)
            else self._read_otherwise(one)
            for one in features
        ]

    def vector_in(self, features: bytes) -> slice | None:
        """Where the numbers are in Features that are a vector of this very schema and nothing else; None in others."""
        plain = self._plain
        if len(features) == plain.length and features.startswith(plain.start) and features.endswith(plain.end):
            return plain.vector
        return None

    def _numbers_in(self, features: Column) -> FloatMatrix | None:
        """The numbers of Features that are vectors of this very schema and nothing else, shape (n, width)."""
        plain, table = self._plain, features.table
        if table.shape[1] != plain.length:
            return None
        for place, content in ((slice(plain.vector.start), plain.start), (slice(plain.vector.stop, None), plain.end)):
            if np.count_nonzero(table[:, place] != np.frombuffer(content, np.uint8)):
                return None
        return np.ascontiguousarray(table[:, plain.vector]).view(_FLOAT)

    def _read_otherwise(self, features: bytes) -> Row:
        parsed = parse_features(features)
        if not (parsed.vector or parsed.missing or parsed.schema_fingerprint):
            if not (parsed.numbers or parsed.categories):
                return Row(_UNKNOWN * self._schema.width, None, 0, is_remapped=False)
            row = self._read_names(features, parsed)
            if row is not None:
                return row
        return self._read_carefully(features)

    def _read_names(self, features: bytes, parsed: Features) -> Row | None:
        """None when a name or a word is not simply one of the model's own."""
        cells: list[bytes | None] = [None] * self._schema.width
        numbers = self._numbers
        try:
            for entry in parsed.numbers:
                cells[numbers[entry[:-_FLOAT_BYTES]]] = entry[-_FLOAT_BYTES:]
            for entry in parsed.categories:
                column, code = self._words[entry]
                cells[column] = code
        except KeyError:
            return None
        unknown = cells.count(None)
        known = cells if not unknown else [_UNKNOWN if cell is None else cell for cell in cells]
        return Row(b"".join(known), features, unknown, is_remapped=False)  # type: ignore[arg-type]  # none is None

    def _read_carefully(self, features: bytes) -> Row:
        public = public_features(features)
        numbers = self._careful.read(public).tobytes()
        is_remapped = bool(public.vector) and self._careful.is_foreign(public.schema_fingerprint)
        return Row(numbers, None, 0, is_remapped)

    def complete(self, rows: Sequence[Row]) -> Block:
        """All of the rows, each value that is not known or not possible replaced by its default."""
        schema = self._schema
        if isinstance(rows, Table):
            block = rows.numbers
        else:
            data = rows[0].numbers if len(rows) == 1 else b"".join([row.numbers for row in rows])
            block = np.ndarray((len(rows), schema.width), _FLOAT, data)
        usable = (block >= schema.lowest) & (block <= schema.highest)
        if np.count_nonzero(usable) == usable.size and self._are_codes(block):  # `all` takes five times as long
            return Block(block)
        return self._repair(block, ~usable, rows)

    def _are_codes(self, block: FloatMatrix) -> bool:
        columns = self._schema.category_columns
        if not columns.size:
            return True
        codes = block[:, columns]
        return bool((codes == np.floor(codes)).all())

    def _repair(self, block: FloatMatrix, unusable: npt.NDArray[np.bool_], rows: Sequence[Row]) -> Block:
        missing = np.isnan(block)
        errors = {}
        for number in np.flatnonzero(self._is_doubtful(block, rows)).tolist():
            try:
                self._recheck(rows[number])
            except InvalidRequest as error:
                errors[number] = error
        return Block(
            rows=np.where(unusable, self._schema.defaults, block),
            missing=missing.sum(axis=1),
            out_of_range=(unusable & ~missing).sum(axis=1),
            defaulted=unusable,
            errors=errors or None,
        )

    def _is_doubtful(self, block: FloatMatrix, rows: Sequence[Row]) -> npt.NDArray[np.bool_]:
        """Rows whose numbers were not checked and are not what their message may say: shape (n,)."""
        expected = np.array([row.unknown for row in rows])
        is_unchecked = np.array([row.features is not None for row in rows])
        codes = block[:, self._schema.category_columns]
        is_fraction = (np.isfinite(codes) & (codes != np.floor(codes))).any(axis=1)
        is_odd: npt.NDArray[np.bool_] = ((~np.isfinite(block)).sum(axis=1) != expected) | is_fraction
        return is_unchecked & is_odd

    def _recheck(self, row: Row) -> None:
        if row.features is not None:
            self._careful.read(public_features(row.features))


def _number_key(name: str) -> bytes:
    """All but the number itself of the entry of Features.numbers with this name."""
    return _entry(scoring_pb2.Features(numbers={name: 1.0}))[:-_FLOAT_BYTES]


def _word_entries(schema: Schema) -> Sequence[tuple[bytes, tuple[int, bytes]]]:
    """For each word of each category: its entry in Features.categories, and its column and code."""
    return [
        (_entry(scoring_pb2.Features(categories={f.name: word})), (column, np.float32(code).tobytes()))
        for column, f in enumerate(schema.features)
        if f.kind == CATEGORY
        for code, word in enumerate(f.vocabulary)
    ]


def _entry(features: scoring_pb2.Features) -> bytes:
    """The content of the only entry of the only field of the message."""
    message = features.SerializeToString()
    start = 1
    while message[start] & 0x80:
        start += 1
    return message[start + 1 :]
