"""Records of every format are views; a query may do no more than select; the order of rows is always the same."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest

from training.configuration.section import BadConfig, Section
from training.quality.refusal import BadData
from training.sources.order import SourceOrder
from training.sources.records import open_records

ROWS = {"name": ["b", "a", "c"], "visits": [2, 1, 3]}


def _order(path: Path, form: str = "csv", **more: Any) -> SourceOrder:  # keys of several types
    return SourceOrder(place=Section({}, "data"), path=str(path), format=form, **more)


def _csv(folder: Path, text: str = "name,visits\nb,2\na,1\nc,3\n") -> SourceOrder:
    path = folder / "rows.csv"
    path.write_text(text, encoding="utf-8")
    return _order(path)


def _rows(order: SourceOrder, columns: list[str], query: str = "") -> dict[str, list[object]]:
    with open_records({"records": order}, Section({}, "data"), query, ()) as records:
        rows: dict[str, list[object]] = records.fetch(columns).to_pydict()
    return rows


def test_csv_is_text(tmp_path: Path) -> None:
    """Every value of a CSV file is text, as it stands there, in the order of the file."""
    assert _rows(_csv(tmp_path), ["visits", "name"]) == {"visits": ["2", "1", "3"], "name": ["b", "a", "c"]}


def test_delimiter_and_quote(tmp_path: Path) -> None:
    """Another delimiter and quote are as they are said; a byte order mark is no part of the first name."""
    path = tmp_path / "rows.csv"
    path.write_text("\ufeffname;visits\n'x;y';2\n", encoding="utf-8")
    assert _rows(_order(path, delimiter=";", quote="'"), ["name", "visits"]) == {"name": ["x;y"], "visits": ["2"]}


def test_parquet(tmp_path: Path) -> None:
    """Values of a Parquet file have their types."""
    pyarrow.parquet.write_table(pa.table(ROWS), tmp_path / "rows.parquet")
    assert _rows(_order(tmp_path / "rows.parquet", "parquet"), ["name", "visits"]) == ROWS


def test_json_lines(tmp_path: Path) -> None:
    """A key that a line of JSON lacks is missing."""
    (tmp_path / "rows.jsonl").write_text('{"name": "b", "visits": 2}\n{"name": "a"}\n', encoding="utf-8")
    rows = _rows(_order(tmp_path / "rows.jsonl", "json"), ["name", "visits"])
    assert rows == {"name": ["b", "a"], "visits": [2, None]}


def test_database(tmp_path: Path) -> None:
    """A table of a database is read, and the file stays as it is."""
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE visits AS SELECT * FROM (VALUES ('b', 2), ('a', 1), ('c', 3)) t(name, visits)")
    before = path.read_bytes()
    assert _rows(_order(path, "duckdb", table="visits"), ["name", "visits"]) == ROWS
    assert path.read_bytes() == before


def test_query(tmp_path: Path) -> None:
    """A query derives columns; its rows are in the order of the columns that are fetched, first to last."""
    query = "SELECT name, visits::INTEGER * 10 AS tens FROM records WHERE name <> 'c';"
    assert _rows(_csv(tmp_path), ["tens", "name"], query) == {"tens": [10, 20], "name": ["a", "b"]}


def test_two_files(tmp_path: Path) -> None:
    """A query may join several files."""
    pyarrow.parquet.write_table(pa.table(ROWS), tmp_path / "rows.parquet")
    sources = {"left_one": _csv(tmp_path), "right_one": _order(tmp_path / "rows.parquet", "parquet")}
    query = "SELECT name, l.visits::BIGINT + r.visits AS total FROM left_one l JOIN right_one r USING (name)"
    with open_records(sources, Section({}, "data"), query, ()) as records:
        assert records.fetch(["name", "total"]).to_pydict() == {"name": ["a", "b", "c"], "total": [2, 4, 6]}


def test_bad_lines(tmp_path: Path) -> None:
    """Lines that are no rows are left out, and kept with their number, text and reason."""
    order = _csv(tmp_path, "name,visits\nb,2\na,1,9\nc\nd,4\n")
    with open_records({"records": order}, Section({}, "data"), "", ()) as records:
        assert records.rejects() == []
        assert records.fetch(["name"]).to_pydict() == {"name": ["b", "d"]}
        rejects = records.rejects()
    assert [aside.values.to_pylist() for aside in rejects] == [["line 3: a,1,9"], ["line 4: c"]]
    assert [aside.reason for aside in rejects] == [
        "expected number of columns: 2 found: 3",
        "expected number of columns: 2 found: 1",
    ]


def test_casts_lose_no_rows(tmp_path: Path) -> None:
    """A cast of the query that may fail gives a missing value, and the row stays."""
    query = "SELECT name, TRY_CAST(visits AS INTEGER) AS visits FROM records"
    rows = _rows(_csv(tmp_path, "name,visits\nb,2\na,x\n"), ["name", "visits"], query)
    assert rows == {"name": ["a", "b"], "visits": [None, 2]}


@pytest.mark.parametrize(
    "query",
    [
        "DROP VIEW records",
        "COPY (SELECT 1) TO 'out.csv'",
        "SELECT 1; SELECT 2",
        "SET enable_external_access = true",
        "",
    ],
)
def test_only_one_select(tmp_path: Path, query: str) -> None:
    """A query that is not one SELECT is refused, and an empty one is none."""
    if not query:
        assert _rows(_csv(tmp_path), ["name"], query)
        return
    with pytest.raises(BadConfig, match="data: query is no single SELECT; needed is one"):
        _rows(_csv(tmp_path), ["name"], query)


@pytest.mark.parametrize("source", ["read_csv('{}')", "read_csv('https://example.com/x.csv')", "glob('/*')"])
def test_no_other_file(tmp_path: Path, source: str) -> None:
    """A query reaches neither other files nor a network."""
    other = tmp_path / "other.csv"
    other.write_text("name\nsecret\n", encoding="utf-8")
    with pytest.raises(BadConfig, match="data: query cannot be asked: Permission Error"):
        _rows(_csv(tmp_path), ["name"], f"FROM {source.format(other)}")


def test_wrong_query(tmp_path: Path) -> None:
    """A query that cannot be asked is refused with the reason, and so is one that a value breaks."""
    with pytest.raises(BadConfig, match='data: query cannot be asked: Binder Error: Referenced column "nam" not found'):
        _rows(_csv(tmp_path), ["name"], "SELECT nam FROM records")
    with pytest.raises(BadConfig, match="data: query cannot be asked: Parser Error"):
        _rows(_csv(tmp_path), ["name"], "SELEC")
    with pytest.raises(BadData, match="the records cannot be read: Conversion Error"):
        _rows(_csv(tmp_path), ["n"], "SELECT name::INTEGER AS n FROM records")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("Visit", r"no column 'Visit'; did you mean 'visits'\?$"),
        ("zzz", "no column 'zzz'; there are name, visits$"),
    ],
)
def test_absent_column(tmp_path: Path, column: str, message: str) -> None:
    """A column that is not there is named with the one that was perhaps meant, or with all."""
    with pytest.raises(BadData, match=message):
        _rows(_csv(tmp_path), [column])


def test_wrong_delimiter(tmp_path: Path) -> None:
    """Where there is one column only, the delimiter is doubted."""
    with pytest.raises(BadData, match="there is only 'name;visits': is the delimiter another one"):
        _rows(_csv(tmp_path, "name;visits\nb;2\n"), ["visits"])


@pytest.mark.parametrize(("form", "name"), [("parquet", "x.parquet"), ("duckdb", "x.duckdb"), ("json", "x.jsonl")])
def test_not_of_its_format(tmp_path: Path, form: str, name: str) -> None:
    """A file that is not of its format is refused by name."""
    (tmp_path / name).write_bytes(b"\x00something else" * 999)
    with pytest.raises((BadConfig, BadData), match="cannot be read"):
        _rows(_order(tmp_path / name, form, table="t"), ["name"])


def test_same_order_every_time(tmp_path: Path) -> None:
    """A file of many parts is read in its order by several threads, and a query's groups come in the same order."""
    count = 300_000
    table = pa.table({"at": range(count), "group": [i * 7919 % 1000 for i in range(count)]})
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet", row_group_size=5_000)
    order = _order(tmp_path / "rows.parquet", "parquet")
    assert _rows(order, ["at"])["at"] == list(range(count))
    query = 'SELECT "group" AS name, count(*) AS visits FROM records GROUP BY ALL'
    assert _rows(order, ["name", "visits"], query)["name"] == list(range(1000))
