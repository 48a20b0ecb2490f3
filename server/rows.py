"""Rows that a model can score, of many calls at once.

A row mostly comes as a vector of the model's own schema, or by names that the model knows. Then its numbers go from the
message into the block that is scored without being looked at one by one, and are checked there, many rows at once.
Every other row, and every row that this check stops at, is read with care (server/features.py), which defines the
result. While a row is being read, NaN marks a value that is not known; callers cannot send one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from protos.audience.v1 import scoring_pb2
from server.errors import InvalidRequest
from server.features import Reader
from server.requests import Features, public_features
from server.schema import CATEGORY, NUMBER, Schema

FloatMatrix = npt.NDArray[np.float32]
CountVector = npt.NDArray[np.int64]

_FLOAT_BYTES = 4
_UNKNOWN = np.float32(np.nan).tobytes()


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """What one visitor's features say.

    Attributes:
        numbers: the bytes of `width` little-endian floats, NaN where they do not say.
        features: the message that they are from, while its numbers are not checked yet; None once they are.
        unknown: how many of them are NaN because the message does not say; of no meaning once they are checked.
        is_remapped: whether a vector of another schema was read by names.
    """

    numbers: bytes
    features: Features | None
    unknown: int
    is_remapped: bool


@dataclass(frozen=True, slots=True, eq=False)
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


class RowReader:
    """Reads rows of one schema; the arguments are those of Reader."""

    def __init__(self, schema: Schema, known: Mapping[str, Schema]) -> None:
        self._schema = schema
        self._careful = Reader(schema, known)
        self._vector_bytes = schema.width * _FLOAT_BYTES
        self._numbers = {_number_key(f.name): i for i, f in enumerate(schema.features) if f.kind == NUMBER}
        self._words = dict(_word_entries(schema))

    def read(self, features: Features) -> Row:
        """The row of one visitor, from the private form of Features (server/requests.py).

        Raises:
            InvalidRequest: as Reader.read, as far as that shows without looking at every number.
        """
        vector = features.vector
        if not features.missing:
            is_by_names = features.numbers or features.categories
            if vector and not is_by_names and self._is_own(vector, features.schema_fingerprint):
                return Row(vector, features, 0, is_remapped=False)
            if not vector and not features.schema_fingerprint:
                row = self._read_names(features) if is_by_names else self._nothing
                if row is not None:
                    return row
        return self._read_carefully(features)

    def _is_own(self, vector: bytes, fingerprint: str) -> bool:
        return fingerprint == self._schema.fingerprint and len(vector) == self._vector_bytes

    @property
    def _nothing(self) -> Row:
        return Row(_UNKNOWN * self._schema.width, None, 0, is_remapped=False)

    def _read_names(self, features: Features) -> Row | None:
        """None when a name or a word is not simply one of the model's own."""
        cells: list[bytes | None] = [None] * self._schema.width
        try:
            for entry in features.numbers:
                cells[self._numbers[entry[:-_FLOAT_BYTES]]] = entry[-_FLOAT_BYTES:]
            for entry in features.categories:
                column, code = self._words[entry]
                cells[column] = code
        except KeyError:
            return None
        numbers = b"".join([_UNKNOWN if cell is None else cell for cell in cells])
        return Row(numbers, features, cells.count(None), is_remapped=False)

    def _read_carefully(self, features: Features) -> Row:
        numbers = self._careful.read(public_features(features)).tobytes()
        is_remapped = bool(features.vector) and self._careful.is_foreign(features.schema_fingerprint)
        return Row(numbers, None, 0, is_remapped)

    def complete(self, rows: Sequence[Row]) -> Block:
        """All of the rows, each value that is not known or not possible replaced by its default."""
        data = rows[0].numbers if len(rows) == 1 else b"".join([row.numbers for row in rows])
        block = np.frombuffer(data, dtype="<f4").reshape(-1, self._schema.width)
        schema = self._schema
        usable = (block >= schema.lowest) & (block <= schema.highest)
        if usable.all() and self._are_codes(block):
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
