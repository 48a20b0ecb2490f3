"""Which records are read and what their columns are, as the configuration says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from training.configuration.section import Section

NULL_WORDS = ("", "?", "NA", "N/A", "NaN", "nan", "NULL", "Null", "null", "None")
FORMATS = ("csv", "parquet", "json", "duckdb")
_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".jsonl": "json",
    ".ndjson": "json",
    ".duckdb": "duckdb",
    ".db": "duckdb",
}
KEEP, DROP = "keep", "drop"
RECORDS = "records"  # name of the only file


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOrder:
    """A file of records.

    Attributes:
        place: of the table that asks for it, for errors.
        path: of the file; "package:path" for one inside an installed package.
        member: of a .zip, "" for another file.
        format: one of FORMATS.
        table: of a database, "" for another file.
        delimiter: between the values of a CSV file.
        quote: around values of a CSV file that hold delimiters, "" where nothing is.
        encoding: of a CSV or JSON file, as Python calls it.
        header: names of the columns of a CSV file whose first line is a record already, none where it has the names.
    """

    place: Section
    path: str
    member: str = ""
    format: str = "csv"
    table: str = ""
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    header: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOrder:
    """Records of which each is a row already.

    Attributes:
        place: the table [data], for errors.
        title: what the records are, with their publisher, for people.
        sources: the files, each by the name that the query gives it.
        query: SQL over them that gives the rows, "" for the records of the only one as they are.
        null_words: texts that mean that a value is missing.
        entity: column that says whom a row is about, "" when each row is somebody else.
        time: column of the moment as of which the row is known, "" for none.
        time_format: of that column as strptime has it, "" for ISO 8601, or milliseconds since 1970.
        time_zone: of moments without an offset.
        until_ms: first moment that is too late to be true, None for no limit.
        identifier: column by which a row that comes twice is known, "" for none.
        consent: column that says whether the row may be used, "" for none.
        duplicates: whether rows that are the same in every column that is used are kept or dropped.
        columns: further columns that are kept and are no features.
    """

    place: Section
    title: str
    sources: Mapping[str, SourceOrder]
    query: str = ""
    null_words: tuple[str, ...] = NULL_WORDS
    entity: str = ""
    time: str = ""
    time_format: str = ""
    time_zone: str = "UTC"
    until_ms: int | None = None
    identifier: str = ""
    consent: str = ""
    duplicates: str = KEEP
    columns: tuple[str, ...] = ()


def read_rows_order(section: Section) -> RowsOrder:
    """The table [data] with shape = "rows".

    Raises:
        BadConfig: something in it is absent, wrong or unknown.
    """
    section.choice("shape", ("rows", "events"))
    sources, query = read_sources(section)
    order = RowsOrder(
        place=section,
        title=section.text("title", ""),
        sources=sources,
        query=query,
        null_words=read_null_words(section),
        entity=section.text("entity", ""),
        time=section.text("time", ""),
        time_format=section.text("time_format", ""),
        time_zone=read_time_zone(section),
        until_ms=section.moment_ms("until"),
        identifier=section.text("id", ""),
        consent=section.text("consent", ""),
        duplicates=section.choice("duplicates", (KEEP, DROP), KEEP),
        columns=section.texts("columns"),
    )
    section.finish()
    return order


def read_sources(section: Section) -> tuple[Mapping[str, SourceOrder], str]:
    """The files and the query over them, in a table that may have other keys; whoever reads those finishes it.

    Either the keys of the only file stand there, whose name is then RECORDS, or a table `files` has those of each.

    Raises:
        BadConfig: something in it is absent or wrong.
    """
    files = section.table("files")
    if files is None:
        return {RECORDS: read_source(section)}, section.text("query", "")
    tables = {name: files.table(name) for name in files.names()}
    sources = {name: read_source(table) for name, table in tables.items() if table is not None}
    for table in filter(None, tables.values()):
        table.finish()
    if not sources:
        raise section.fault('files is empty; needed is at least one, such as files.may = { path = "may.csv" }')
    return sources, section.text("query")


def read_source(section: Section) -> SourceOrder:
    """The keys of a file, in a table that may have others; whoever reads those finishes it.

    Raises:
        BadConfig: something in it is absent or wrong.
    """
    path, member = section.text("path"), section.text("member", "")
    if path.endswith(".zip") and not member:
        raise section.fault('member is needed with a .zip, such as member = "folder/records.csv"')
    order = SourceOrder(
        place=section,
        path=path,
        member=member,
        format=_read_format(section, member or path),
        table=section.text("table", ""),
        delimiter=_character(section, "delimiter", "\t" if (member or path).endswith(".tsv") else ","),
        quote="" if section.label("quote") == "" else _character(section, "quote", '"'),
        encoding=_read_encoding(section),
        header=section.texts("header"),
    )
    if order.header and order.format != "csv":
        raise section.fault(f"header means nothing for a file of the format {order.format}")
    if len(set(order.header)) < len(order.header):
        raise section.fault("header has a name twice; needed are distinct names")
    if order.table and order.format != "duckdb":
        raise section.fault(f"table means nothing for a file of the format {order.format}")
    if order.format == "duckdb" and not order.table:
        raise section.fault('table is needed with a database, such as table = "visits"')
    return order


def read_null_words(section: Section) -> tuple[str, ...]:
    """The texts that mean that a value is missing; an empty one always does."""
    return ("", *section.texts("null_words")) if section.has("null_words") else NULL_WORDS


def read_time_zone(section: Section) -> str:
    """The zone of moments without an offset, UTC where the key is absent.

    Raises:
        BadConfig: there is no such zone.
    """
    name = section.text("time_zone", "UTC")
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise section.fault(f"time_zone is {name!r}; needed is a name such as 'Europe/Berlin'") from None


def _read_format(section: Section, name: str) -> str:
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    return section.choice("format", FORMATS, _SUFFIXES.get(suffix, "csv"))


def _character(section: Section, key: str, usual: str) -> str:
    value = section.label(key)
    character = usual if value is None else str(value)
    if len(character) != 1:
        raise section.fault(f'{key} is {character!r}; needed is one character, such as {key} = ";"')
    return character


def _read_encoding(section: Section) -> str:
    name = section.text("encoding", "utf-8")
    try:
        "".encode(name)
    except LookupError:
        raise section.fault(f"encoding is {name!r}; needed is one such as 'utf-8', 'latin-1' or 'cp1252'") from None
    return name.lower()
