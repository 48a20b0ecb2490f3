"""Values of columns, each read as what it is to be: those that are something else are found, and never guessed."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from training.quality.refusal import BadData
from training.quality.set_aside import Aside
from training.sources.moments import moment_columns, to_milliseconds
from training.sources.records import quoted

NUMBER, TRUTH, CATEGORY = "number", "truth", "category"
KINDS = (NUMBER, TRUTH, CATEGORY)
YES = ("true", "t", "yes", "y", "1", "1.0")
NO = ("false", "f", "no", "n", "0", "0.0")
_MOST_STRAY = 0.01  # of values that are no numbers, in a column of numbers (assumed)
_BLANK = "' ' || chr(9) || chr(10) || chr(13)"
_WHOLE = pa.types.is_integer

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """A column that was read.

    Attributes:
        name: in the records.
        kind: one of KINDS.
        values: shape (n,), numbers, 0 and 1, or positions among the words; NaN where it is missing.
        words: of a category, distinct, in alphabetical order.
        unreadable: values of another kind, which are missing now; None for a column whose rows were taken from another.
    """

    name: str
    kind: str
    values: Floats
    words: tuple[str, ...]
    unreadable: Aside | None

    def take(self, rows: Positions) -> "Column":
        """The values of these rows, in their order; -1 for a row that is not there, and whose value is missing."""
        values = np.append(self.values, np.nan)[rows]
        return Column(name=self.name, kind=self.kind, values=values, words=self.words, unreadable=None)


class Values:
    """Columns of rows, read one at a time.

    Args:
        rows: with all columns that will be asked for.
        null_words: texts that mean that a value is missing.
        source: name of the records, for what is set aside.
    """

    def __init__(self, rows: pa.Table, null_words: Sequence[str], source: str) -> None:
        self._rows = rows
        self._source = source
        self._null_words = ", ".join("'" + word.strip().replace("'", "''") + "'" for word in null_words)
        self._connection = duckdb.connect(config={"enable_external_access": False})

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._rows)

    def kind(self, column: str) -> str:
        """What a column holds: truths, numbers when at least 99 of 100 values that are there are, else a category."""
        if pa.types.is_boolean(self._type(column)):
            return TRUTH
        if self._is_number(column):
            return NUMBER
        distinct, rows = self._distinct(column)
        text = f"lower({self._word(column)})"
        found = self._query(
            distinct,
            f"{text} IS NOT NULL AS given, {self._number(column)} IS NOT NULL AS number, {text} IN {_listed(YES + NO)} "
            f"AS truth, {text} IN ('0', '1', '0.0', '1.0') AS digit",
        )
        weights = np.ones(len(distinct)) if rows is None else np.bincount(rows, minlength=len(distinct))
        given, numbers, truths, digits = (weights[_mask(column)].sum() for column in found.columns)
        if given and truths == given:
            return NUMBER if digits == given else TRUTH
        return NUMBER if numbers >= (1 - _MOST_STRAY) * given else CATEGORY

    def read(self, column: str, kind: str) -> Column:
        """A column as numbers, truths or words.

        Numbers that are infinite are none; those that are no number in a file of typed values (NaN) are missing.
        """
        if kind == CATEGORY:
            return self._read_words(column)
        if kind == NUMBER:
            return self._read(column, kind, self._number(column))
        text = f"lower({self._word(column)})"
        return self._read(
            column, kind, f"CASE WHEN {text} IN {_listed(YES)} THEN 1.0 WHEN {text} IN {_listed(NO)} THEN 0.0 END"
        )

    def texts(self, column: str) -> npt.NDArray[np.object_]:
        """The words of a column, shape (n,), None where one is missing; equal words are one object."""
        words, codes = self._encoded(column)
        texts: npt.NDArray[np.object_] = np.array([*words, None], dtype=object)[codes]
        return texts

    def names(self, column: str) -> tuple[npt.NDArray[np.str_], Bools]:
        """The words of a column as an array of strings, shape (n,), "" where one is missing, and where that is."""
        words, codes = self._encoded(column)
        return np.array([*words, ""], dtype=np.str_)[codes], codes == len(words)

    def moments(self, column: str, time_format: str, time_zone: str) -> tuple[Positions, Aside]:
        """Milliseconds since 1970 of a column of moments, shape (n,), and those that are none, which are 0.

        Whole numbers are milliseconds; moments without an offset are in the time zone, the earlier one where the
        clock was put back.
        """
        kind = self._type(column)
        if _WHOLE(kind):
            found = _joined(self._rows[column]).cast(pa.int64())
        elif pa.types.is_timestamp(kind):
            us = _joined(self._rows[column]).cast(pa.timestamp("us", kind.tz), safe=False).cast(pa.int64())
            found = to_milliseconds(us, pa.scalar(kind.tz is not None), time_zone)
        else:
            clock = self._each(column, moment_columns(self._word(column), time_format))
            found = to_milliseconds(_joined(clock["us"]), _joined(clock["own"]), time_zone)
        missing = found.is_null().to_numpy(zero_copy_only=False)
        return found.fill_null(0).to_numpy().astype(np.int64), self.aside(column, missing, "is no moment")

    def aside(self, column: str, where: Bools, reason: str) -> Aside:
        """The values of a column in the rows that the mask says, set aside for this reason; "" for the rows alone."""
        rows = np.flatnonzero(where)
        return Aside(source=self._source, reason=reason, column=column, rows=rows, values=self._shown(column, rows))

    def same(self, columns: Sequence[str], among: Bools) -> Bools:
        """Where a row is the same as an earlier one in these columns, shape (n,), among the rows of a mask.

        Rows are told apart by a hash of 64 bits: among ten million, one pair is taken for equal by mistake once in
        400,000 times.
        """
        names = ", ".join(quoted(column) for column in columns)
        hashes = _joined(self._query(self._rows, f"hash({names}) AS value")["value"]).to_numpy()
        rows = np.flatnonzero(among)
        repeated = among.copy()
        repeated[rows[np.unique(hashes[rows], return_index=True)[1]]] = False
        return repeated

    def _read(self, column: str, kind: str, expression: str) -> Column:
        found = self._each(column, f"({expression})::DOUBLE AS value, {self._given(column)} AS given")
        values = _joined(found["value"]).fill_null(np.nan).to_numpy(zero_copy_only=False).astype(np.float64)
        values[~np.isfinite(values)] = np.nan
        stray = _joined(found["given"]).to_numpy(zero_copy_only=False) & np.isnan(values)
        reason = "is no number" if kind == NUMBER else "is neither yes nor no"
        return Column(name=column, kind=kind, values=values, words=(), unreadable=self.aside(column, stray, reason))

    def _read_words(self, column: str) -> Column:
        words, codes = self._encoded(column)
        ranks = np.argsort(np.argsort(np.array(words, dtype=object))) if words else np.zeros(0, dtype=np.int64)
        positions = np.append(ranks.astype(np.float64), np.nan)
        values = positions[codes]
        stray = np.isin(values, [rank for word, rank in zip(words, ranks, strict=True) if not word.isprintable()])
        values[stray] = np.nan
        aside = self.aside(column, stray, "has control characters")
        return Column(name=column, kind=CATEGORY, values=values, words=tuple(sorted(words)), unreadable=aside)

    def _encoded(self, column: str) -> tuple[list[str], Positions]:
        """The distinct words of a column, and the position of each row's among them, one too high when missing."""
        distinct, rows = self._distinct(column)
        encoded = _joined(self._query(distinct, f"{self._word(column)} AS value")["value"]).dictionary_encode()
        words: list[str] = encoded.dictionary.to_pylist()
        codes = encoded.indices.fill_null(len(words)).to_numpy().astype(np.int64)
        return words, codes if rows is None else codes[rows]

    def _shown(self, column: str, rows: Positions) -> pa.Array:
        if not column:
            return pa.nulls(len(rows), pa.string())
        chosen = self._rows[column].take(pa.array(rows))
        return _joined(chosen).cast(pa.string())

    def _type(self, column: str) -> pa.DataType:
        return self._rows.schema.field(column).type

    def _is_number(self, column: str) -> bool:
        kind = self._type(column)
        return bool(_WHOLE(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))

    def _word(self, column: str) -> str:
        """SQL for a value as text, NULL when it is missing."""
        text = f"trim({quoted(column)}::VARCHAR, {_BLANK})"
        return f"CASE WHEN {text} NOT IN ({self._null_words}) THEN {text} END"

    def _number(self, column: str) -> str:
        """SQL for a value as a number, NULL when it is missing or none."""
        return f"{quoted(column)}::DOUBLE" if self._is_number(column) else f"TRY_CAST({self._word(column)} AS DOUBLE)"

    def _given(self, column: str) -> str:
        """SQL for whether a value is there."""
        if self._is_number(column):
            return f"({quoted(column)} IS NOT NULL AND NOT isnan({quoted(column)}::DOUBLE))"
        return f"({self._word(column)} IS NOT NULL)"

    def _distinct(self, column: str) -> tuple[pa.Table, Positions | None]:
        """The distinct texts of a column and the position of each row's among them; other types as they are, and None.

        Text is read once for each that differs: words are few, and trimming them takes longer than finding that.
        """
        if not pa.types.is_string(self._type(column)):
            return self._rows.select([column]), None
        encoded = _joined(self._rows[column].dictionary_encode())
        distinct = pa.concat_arrays([encoded.dictionary, pa.nulls(1, pa.string())])  # the last is for missing ones
        rows = encoded.indices.fill_null(len(distinct) - 1).to_numpy().astype(np.int64)
        return pa.table({column: distinct}), rows

    def _each(self, column: str, expressions: str) -> pa.Table:
        """What expressions over one column give of each row, in the order of the rows."""
        distinct, rows = self._distinct(column)
        found = self._query(distinct, expressions)
        return found if rows is None else found.take(pa.array(rows))

    def _query(self, rows: pa.Table, expressions: str) -> pa.Table:
        self._connection.register("fetched", rows)
        try:
            query = f"SELECT {expressions} FROM fetched"  # columns are quoted, words too
            table: pa.Table = self._connection.sql(query).to_arrow_table()
        except duckdb.Error as error:
            raise BadData(f"a column cannot be read: {str(error).splitlines()[0]}") from error
        return table


def _listed(words: Sequence[str]) -> str:
    return "(" + ", ".join(f"'{word}'" for word in words) + ")"


def _joined(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def _mask(column: pa.ChunkedArray) -> Bools:
    mask: Bools = _joined(column).fill_null(False).to_numpy(zero_copy_only=False)
    return mask
