"""Records as views of a DuckDB database that may read these files, and do nothing else."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa

from training.configuration.section import BadConfig, Section
from training.quality.refusal import AbsentColumn, BadData
from training.quality.set_aside import NO_ROW, Aside
from training.sources.files import prepare
from training.sources.order import RECORDS, SourceOrder

_ROWS = "rows_of_query"
_MOST_SHOWN, _LONGEST_SHOWN = 20, 300  # columns, and characters of their names, in the text of an error
_MOST_REJECTS = 1_000_000  # lines; beyond them the file is of another kind than was said


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Rows of a query over files.

    Attributes:
        connection: has a view for each file, and may not read other files, write any, or reach a network.
        view: of the rows.
        is_ordered: whether the rows come in the order of a file.
        columns: names of the rows' columns.
    """

    connection: duckdb.DuckDBPyConnection
    view: str
    is_ordered: bool
    columns: tuple[str, ...]

    def fetch(self, columns: Sequence[str]) -> pa.Table:
        """These columns of all rows: in the order of the file, or of a query ordered by these columns, first to last.

        Rows of a query that are equal in all of them cannot be told apart, so that the order is always the same.

        Raises:
            BadData: a column is absent (AbsentColumn), or a value breaks the query.
        """
        for column in columns:
            if column not in self.columns:
                raise AbsentColumn(column, absent(column, self.columns))
        names = ", ".join(quoted(column) for column in dict.fromkeys(columns))
        order = "" if self.is_ordered else " ORDER BY ALL"
        try:
            rows: pa.Table = self.connection.sql(f"SELECT {names} FROM {self.view}{order}").to_arrow_table()
        except duckdb.Error as error:
            raise BadData(f"the records cannot be read: {_first_line(error)}") from error
        return rows

    def rejects(self) -> list[Aside]:
        """Lines of a CSV file that were no rows when they were fetched, by reason."""
        tables = {name for (name,) in self.connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        if "reject_errors" not in tables:
            return []
        found = self.connection.execute(
            "SELECT DISTINCT line, error_message, csv_line FROM reject_errors ORDER BY ALL"
        ).fetchall()
        reasons = dict.fromkeys(str(reason).splitlines()[0] for _, reason, _ in found)
        return [_rejected(reason, [(line, text) for line, r, text in found if r == reason]) for reason in reasons]


def _rejected(reason: str, lines: Sequence[tuple[int, str]]) -> Aside:
    texts = pa.array([f"line {line}: {text}" for line, text in lines], pa.string())
    return Aside(
        source=RECORDS, reason=reason.lower(), column="", rows=np.full(len(lines), NO_ROW, dtype=np.int64), values=texts
    )


@contextmanager
def open_records(
    sources: Mapping[str, SourceOrder], place: Section, query: str, folders: Sequence[Path], memory: str = ""
) -> Iterator[Records]:
    """The rows of a query over files, as long as the context lasts.

    Args:
        sources: the files, each by the name of its view; without a query there is one.
        place: the table of the query, for errors.
        query: one SELECT, "" for the records of the only file as they are. All values of a CSV file are text in it.
        folders: where relative paths are looked up.
        memory: as DuckDB's memory_limit has it, "" for its own; beyond it rows go to a temporary folder.

    Raises:
        BadConfig: a file cannot be read, or the query cannot be asked.
    """
    with TemporaryDirectory(prefix="audience-") as work, duckdb.connect() as connection:
        spill = Path(work) / "spill"
        connection.execute(f"SET temp_directory = {_text(str(spill))}")
        if memory:
            connection.execute(f"SET memory_limit = {_text(memory)}")
        paths = []
        for number, (name, source) in enumerate(sources.items()):
            folder = Path(work) / str(number)
            folder.mkdir()
            path = prepare(source, folders, folder)
            _attach(connection, name, source, path, is_asked=bool(query))
            paths.append(path)
        _lock(connection, paths)
        if query:
            _ask(connection, place, query)
        view = _ROWS if query else quoted(next(iter(sources)))
        yield Records(connection, view, not query, _columns(connection, view))


def absent(column: str, columns: Sequence[str]) -> str:
    """That there is no such column, and which was perhaps meant."""
    lower = {name.lower(): name for name in columns}
    close = difflib.get_close_matches(column.lower(), lower, 1)
    some = _shown(columns)
    meant = f"did you mean {lower[close[0]]!r}?" if close else f"there are {some}"
    if len(columns) == 1 and any(character in columns[0] for character in ",;|\t"):
        meant = f"there is only {columns[0][:80]!r}: is the delimiter another one?"
    return f"the records have no column {column!r}; {meant}"


def _shown(columns: Sequence[str]) -> str:
    """Some names, as far as a line of a terminal can show them."""
    printable = ["".join(letter if letter.isprintable() else "?" for letter in name) for name in columns[:_MOST_SHOWN]]
    text = ", ".join(printable)
    if len(text) > _LONGEST_SHOWN:
        return f"{text[:_LONGEST_SHOWN]}…"
    return text + (", …" if len(columns) > _MOST_SHOWN else "")


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _attach(
    connection: duckdb.DuckDBPyConnection, name: str, order: SourceOrder, path: Path, *, is_asked: bool
) -> None:
    """A view of the file; of a CSV file that a query is asked of, a table.

    DuckDB 2.0 moves a query's casts into the scan of a CSV file, where one that fails takes the whole line away, even
    a TRY_CAST. (measured)
    """
    kind = "TABLE" if order.format == "csv" and is_asked else "VIEW"
    if not path.stat().st_size:
        raise order.place.fault(f"path is {order.path!r}, which is empty; needed are records")
    try:
        scan = _scan(connection, name, order, path)
        connection.execute(f"CREATE {kind} {quoted(name)} AS SELECT * FROM {scan}")  # all of it is quoted
    except duckdb.Error as error:
        raise order.place.fault(
            f"path is {order.path!r}, which cannot be read as {order.format}: {_first_line(error).rstrip('.')}"
            + ("; see its delimiter and encoding, and that each quote is closed" if order.format == "csv" else "")
        ) from error


def _scan(connection: duckdb.DuckDBPyConnection, name: str, order: SourceOrder, path: Path) -> str:
    file = _text(str(path))
    if order.format == "parquet":
        return f"read_parquet({file})"
    if order.format == "json":
        return f"read_json({file}, format = 'newline_delimited', sample_size = -1)"
    if order.format == "duckdb":
        connection.execute(f"ATTACH {file} AS {quoted(name + '_file')} (READ_ONLY)")
        schema_table = ".".join(quoted(part) for part in order.table.split("."))
        return f"{quoted(name + '_file')}.{schema_table}"
    return (
        f"read_csv({file}, delim = {_text(order.delimiter)}, quote = {_text(order.quote)}, {_header(order)}, "
        f"all_varchar = true, ignore_errors = true, store_rejects = true, rejects_limit = {_MOST_REJECTS})"
    )


def _header(order: SourceOrder) -> str:
    names = ", ".join(map(_text, order.header))
    return f"header = false, names = [{names}]" if names else "header = true"


def _lock(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """From here on the connection reads these files alone; DuckDB refuses all others, and every network."""
    allowed = ", ".join(_text(str(path)) for path in paths)
    connection.execute(f"SET allowed_paths = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _ask(connection: duckdb.DuckDBPyConnection, place: Section, query: str) -> None:
    try:
        statements = connection.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise place.fault('query is no single SELECT; needed is one, such as query = "SELECT * FROM records"')
        connection.execute(f"CREATE VIEW {_ROWS} AS {statements[0].query.rstrip().rstrip(';')}")
    except duckdb.Error as error:
        raise _bad_query(place, error) from error


def _bad_query(place: Section, error: duckdb.Error) -> BadConfig:
    return place.fault(f"query cannot be asked: {_first_line(error)}")


def _columns(connection: duckdb.DuckDBPyConnection, view: str) -> tuple[str, ...]:
    return tuple(name for name, *_ in connection.execute(f"DESCRIBE {view}").fetchall())


def _first_line(error: duckdb.Error) -> str:
    return str(error).split("\n", 1)[0]
