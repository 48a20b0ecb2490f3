"""The files of a log, opened: views of DuckDB by their names, and over them the events."""

import importlib.resources
from dataclasses import dataclass
from pathlib import Path

import duckdb

from training.configuration.section import BadConfig
from training.events.expressions import literal, quoted
from training.events.order import LogOrder

_PACKAGE_MARK = ":"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What DuckDB may take.

    Attributes:
        memory: as DuckDB says it, such as "5GB" or "40%" of the machine's; the rows that are made, and what is fitted
            to them, need the rest.
        threads: 0 for one for each core.
        spill: folder for what does not fit into memory, None for one below the working directory.
    """

    memory: str = "40%"
    threads: int = 0
    spill: Path | None = None


def open_events(order: LogOrder, folder: Path, limits: Limits = Limits()) -> duckdb.DuckDBPyConnection:
    """A connection with a view for each file, and the view `events` of the query. It reads these files alone.

    Args:
        order: what the file says.
        folder: where paths begin that are not absolute.
        limits: of memory and threads.

    Raises:
        BadConfig: a file is not there or cannot be read, or the query does not run. The text says which and why.
    """
    connection = duckdb.connect(config=_settings(limits))
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET TimeZone = 'UTC'")
    paths = {name: _path(name, place, folder) for name, place in order.files.items()}
    for name, path in paths.items():
        try:
            connection.execute(f"CREATE VIEW {quoted(name)} AS FROM {literal(str(path))}")
        except duckdb.Error as error:
            raise BadConfig(f"data.files: {name} cannot be read: {_first_line(error)}") from error
    connection.execute(f"SET allowed_paths = [{', '.join(literal(str(path)) for path in paths.values())}]")
    connection.execute("SET enable_external_access = false")
    try:
        statements = connection.extract_statements(order.query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise BadConfig('data: query is no single SELECT; needed is one, such as query = "SELECT * FROM file"')
        connection.execute(f"CREATE VIEW events AS {statements[0].query.rstrip().rstrip(';')}")
    except duckdb.Error as error:
        raise BadConfig(f"data: query does not run: {_first_line(error)}") from error
    return connection


def _settings(limits: Limits) -> dict[str, str | bool | int | float | list[str]]:
    settings = {
        "memory_limit": limits.memory,
        "threads": str(limits.threads or ""),
        "temp_directory": str(limits.spill or ""),
    }
    return {name: value for name, value in settings.items() if value}


def _path(name: str, place: str, folder: Path) -> Path:
    package, mark, inner = place.partition(_PACKAGE_MARK)
    try:
        path = Path(str(importlib.resources.files(package) / inner)) if mark and inner else folder / place
    except ModuleNotFoundError:
        raise BadConfig(f"data.files: {name} is in the package {package}, which is not installed here") from None
    if not path.is_file():
        raise BadConfig(f"data.files: {name} is {place!r}, and there is no such file; looked for was {path}")
    return path


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
