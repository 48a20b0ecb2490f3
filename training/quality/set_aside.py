"""What is set aside: rows and single values that are not used, each with its reason, kept in a file to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet

FILE = "set_aside.parquet"
NO_ROW = -1  # of a line that could not be read as a row at all


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Aside:
    """Rows, or one column's values in rows, that are set aside for one reason.

    Attributes:
        source: of the records, "records" or the name of an attribute.
        reason: a phrase for people.
        column: whose values are set aside, "" when the rows are.
        rows: shape (k,), positions in the source, from 0; NO_ROW where there is none.
        values: shape (k,), text each, as they were.
    """

    source: str
    reason: str
    column: str
    rows: npt.NDArray[np.int64]
    values: pa.Array

    def __len__(self) -> int:
        """How many."""
        return len(self.rows)

    def at(self, positions: npt.NDArray[np.int64]) -> "Aside":
        """The same of rows that were numbered anew: positions[i] is where row i was."""
        return Aside(
            source=self.source, reason=self.reason, column=self.column, rows=positions[self.rows], values=self.values
        )


def write_set_aside(folder: Path, asides: Sequence[Aside]) -> Path:
    """A Parquet file of source, row, column, value and reason, one line for each, in the order they were found.

    The source, column and reason are dictionaries, so that millions take little room.

    Returns:
        The file in this folder, which is made if absent; written even when there is nothing in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    schema = pa.schema(
        [
            ("source", pa.dictionary(pa.int32(), pa.string())),
            ("row", pa.int64()),
            ("column", pa.dictionary(pa.int32(), pa.string())),
            ("value", pa.string()),
            ("reason", pa.dictionary(pa.int32(), pa.string())),
        ]
    )
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for aside in asides:
            writer.write_table(_table(aside, schema))
    return path


def _table(aside: Aside, schema: pa.Schema) -> pa.Table:
    columns = [
        _same(aside.source, len(aside)),
        pa.array(aside.rows),
        _same(aside.column, len(aside)),
        aside.values,
        _same(aside.reason, len(aside)),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _same(word: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, dtype=np.int32)), pa.array([word]))
