"""Rows of a batch that are laid out alike: read as one table of bytes instead of one by one.

Who asks about many visitors at once mostly has ids of one length and vectors of one schema, so that all rows have the
same bytes in the same places but for the ids and the numbers. Whatever is not so plain is read as it always was
(server/requests.py), which defines the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, overload

import numpy as np
import numpy.typing as npt

_ID_TAG: Final = 1 << 3 | 2  # the only field of a Visitor, and that of the visitor in a Row
_FEATURES_TAG: Final = 2 << 3 | 2
_MORE: Final = 0x80
_SEVEN: Final = 0x7F
_ASCII: Final = 0x80  # below it
_BEFORE_ID: Final = 4  # bytes: two tags, each with a length of one byte
_LONGEST_VARINT: Final = 4  # bytes; no message is so long that it takes more

Bytes = npt.NDArray[np.uint8]


class Column(Sequence[bytes]):
    """The same part of each of several rows of one length, cut out when it is asked for.

    Attributes:
        table: shape (rows, bytes of the part), uint8.
    """

    __slots__ = ("table",)

    def __init__(self, table: Bytes) -> None:
        self.table = table

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        part: bytes = self.table[index].tobytes()
        return part


@dataclass(frozen=True, slots=True)
class Even:
    """What rows have that are laid out alike.

    Attributes:
        ids: the visitors', ASCII, of fewer than 128 characters.
        features: their Features.
    """

    ids: Column
    features: Column


def even(rows: Sequence[bytes]) -> Even | None:
    """Reads serialized Rows, at least one; None where they are not laid out alike."""
    first, length = rows[0], len(rows[0])
    if len(set(map(len, rows))) > 1:
        return None
    places = _places(first)
    if places is None:
        return None
    ids, features = places
    table: Bytes = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), length)
    for same in (slice(0, ids.start), slice(ids.stop, features.start)):
        if np.count_nonzero(table[:, same] != table[0, same]):
            return None
    if np.count_nonzero(table[:, ids] >= _ASCII):
        return None
    return Even(Column(table[:, ids]), Column(table[:, features]))


def _places(row: bytes) -> tuple[slice, slice] | None:
    """Where the visitor's id and the content of the features are; None in rows of another form than id, features."""
    ids = slice(0, 0)
    if len(row) > _BEFORE_ID and row[0] == row[2] == _ID_TAG and row[1] - 2 == row[3] and row[1] < _MORE:
        ids = slice(_BEFORE_ID, _BEFORE_ID + row[3])
    if row[ids.stop : ids.stop + 1] != bytes([_FEATURES_TAG]):
        return None
    length = 0
    for number, byte in enumerate(row[ids.stop + 1 : ids.stop + 1 + _LONGEST_VARINT]):
        length |= (byte & _SEVEN) << 7 * number
        if byte < _MORE:
            begin = ids.stop + 2 + number
            return (ids, slice(begin, len(row))) if begin + length == len(row) else None
    return None
