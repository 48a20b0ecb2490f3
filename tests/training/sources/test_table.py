"""From a file to a table: which rows are used, in which order, what is known of them, and what was set aside."""

from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from tests.training.sources.conftest import Read
from training.configuration.configuration import find_configuration, read_configuration
from training.configuration.section import BadConfig
from training.quality.refusal import BadData
from training.quality.set_aside import write_set_aside
from training.sources.table import Reading, read_table

PLAIN = """
[data]
shape = "rows"
path = "rows.csv"
"""
VISITS = '[[features]]\nname = "visits"\n'
BOUGHT = '[[outcomes]]\nname = "buys"\nkind = "propensity"\nlabel = "bought"\n'
CSV = """\
visitor,at,visits,bought,ok,gender
a,2026-01-01T00:00:00Z,1,yes,yes,f
,2026-01-01T00:00:00Z,2,no,yes,f
b,1980-01-01,3,no,yes,m
c,2027-01-01,4,no,yes,m
d,someday,5,no,yes,m
e,2026-01-02,6,no,no,m
f,2026-01-02,7,no,,m
a,2026-01-03,x,no,yes,m
g,2026-01-03,8,?,yes,
"""
FULL = (
    PLAIN
    + 'entity = "visitor"\ntime = "at"\nconsent = "ok"\nuntil = 2027-01-01T00:00:00Z\ncolumns = ["gender"]\n'
    + VISITS
    + 'kind = "number"\n'
    + BOUGHT
)


def _shipped(name: str, data: Path) -> Reading:
    configuration = read_configuration(find_configuration(name))
    assert configuration.rows is not None
    reading = read_table(
        configuration.rows,
        configuration.features,
        configuration.labels,
        folders=(data,),
        limits=configuration.quality,
    )
    reading.quality.refuse()
    return reading


def test_rows_that_are_used(read: Read) -> None:
    """Rows of a visitor, at a possible moment, with consent; missing values have become the typical one."""
    table = read(FULL, CSV).table
    assert table.visitors.tolist() == ["a", "a", "g"]
    assert table.as_of_ms is not None
    assert table.as_of_ms.tolist() == [1767225600000, 1767398400000, 1767398400000]
    assert table.features.dtype == np.float32
    assert table.features.tolist() == [[1], [4.5], [8]]
    assert table.is_missing.tolist() == [[False], [True], [False]]
    np.testing.assert_array_equal(table.outcomes["buys"], [1, 0, np.nan])
    assert table.columns["gender"].tolist() == ["f", "m", None]


def test_set_aside(read: Read, tmp_path: Path) -> None:
    """What is not used is in a file with its row, value and reason."""
    path = write_set_aside(tmp_path, read(FULL, CSV).asides)
    assert [tuple(row.values())[1:] for row in pyarrow.parquet.read_table(path).to_pylist()] == [
        (1, "visitor", None, "the column 'visitor' names no visitor"),
        (4, "at", "someday", "the column 'at' is no moment"),
        (2, "at", "1980-01-01", "'at' is before 1990"),
        (3, "at", "2027-01-01", "'at' is not before the end of the records (until)"),
        (5, "ok", "no", "the column 'ok' gives no consent"),
        (6, "ok", None, "the column 'ok' gives no consent"),
        (7, "visits", "x", "is no number"),
    ]


def test_findings(read: Read) -> None:
    """What was set aside is counted, and so is what is not known."""
    quality = read(FULL, CSV).quality
    assert (quality.row_count, quality.kept_count) == (9, 3)
    counted = [(finding.check, finding.column, finding.count) for finding in quality.findings]
    assert counted == [
        ("visitor", "visitor", 1),
        ("time", "at", 1),
        ("time", "at", 1),
        ("time", "at", 1),
        ("consent", "ok", 2),
        ("set_aside", "", 6),
        ("unreadable", "visits", 1),
        ("missing", "visits", 1),
        ("label_missing", "buys", 1),
    ]


def test_every_row_its_own_visitor(read: Read) -> None:
    """Without a column of visitors each row is somebody else, and without one of moments there are none."""
    table = read(PLAIN + VISITS, "visits\n3\n1\n3\n").table
    assert table.visitors.tolist() == ["0", "1", "2"]
    assert table.as_of_ms is None
    assert table.features.tolist() == [[3], [1], [3]]


@pytest.mark.parametrize(("key", "kept"), [("", [1, 1, 2]), ('duplicates = "drop"\n', [1, 2])])
def test_same_rows(read: Read, key: str, kept: list[int]) -> None:
    """Rows that are the same in every column that is used are kept and counted, or dropped when that is said."""
    reading = read(PLAIN + key + VISITS, "visits,note\n1,a\n1,b\n2,c\n")
    assert reading.table.features[:, 0].tolist() == kept
    assert [(finding.check, finding.count) for finding in reading.quality.findings] == [("duplicates", 1)]


def test_same_identifier(read: Read) -> None:
    """A row that comes again by its identifier counts once, the first time; rows without one are rows of their own."""
    reading = read(PLAIN + 'id = "id"\n' + VISITS, "id,visits\n7,1\n7,2\n,3\n,4\n8,5\n")
    assert reading.table.features[:, 0].tolist() == [1, 3, 4, 5]
    assert [(aside.rows.tolist(), aside.reason) for aside in reading.asides] == [
        ([1], "'id' is that of an earlier row")
    ]


def test_rows_keep_their_positions(read: Read) -> None:
    """A value that is set aside has the position of its row in the file, whatever was set aside before."""
    csv = "visitor,visits,bought\n,1,yes\na,x,yes\n,2,yes\nb,3,perhaps\nc,4,no\n"
    reading = read(PLAIN + 'entity = "visitor"\n' + VISITS + 'kind = "number"\nmaximum = 3\n' + BOUGHT, csv)
    assert [(aside.column, aside.rows.tolist(), aside.values.to_pylist()) for aside in reading.asides] == [
        ("visitor", [0, 2], [None, None]),
        ("visits", [1], ["x"]),
        ("visits", [4], ["4"]),
        ("bought", [3], ["perhaps"]),
    ]


def test_bad_lines_are_rows(read: Read) -> None:
    """Lines that are no rows count among those that were read."""
    reading = read(PLAIN + VISITS, "visits,note\n1,a\n2\n3,b\n")
    assert (reading.quality.row_count, reading.quality.kept_count) == (3, 2)
    assert reading.quality.findings[0].check == "unreadable_line"


def test_refused(read: Read) -> None:
    """Records that break limits are refused with every reason at once, after the findings could be shown."""
    limits = "[quality]\nleast_rows = 9\nleast_positives = 2\nmost_unreadable = 0.1\n"
    csv = "visits,bought\n1,yes\n2,no\nx,no\n3,no\n"
    reading = read(PLAIN + VISITS + 'kind = "number"\n' + BOUGHT + limits, csv)
    with pytest.raises(BadData) as caught:
        reading.quality.refuse()
    assert str(caught.value) == (
        "the records are refused: 4 rows are left; needed are at least 9 (least_rows); visits: 1 of 4 (25.0%) values "
        "are of another kind, and missing now; at most 10% may be (most_unreadable); outcome 'buys': 1 rows say that "
        "it happened; needed are at least 2 (least_positives)"
    )


def test_absent_column(read: Read) -> None:
    """A column that the records do not have is named with the one that was perhaps meant."""
    with pytest.raises(
        BadConfig, match=r"line 7: features\[0\] \('visits'\): the records have no column 'visits'; did "
    ):
        read(PLAIN + VISITS, "Visits\n1\n")
    with pytest.raises(BadConfig, match=r"outcomes\[0\] \('buys'\): label is 'bought', but .* no column 'bought'; did"):
        read(PLAIN + VISITS + BOUGHT, "visits,bough\n1,yes\n")
    with pytest.raises(BadConfig, match=r"line 7: data: entity is 'who', but .* no column 'who'; there are visits"):
        read(PLAIN + 'entity = "who"\n' + VISITS, "visits\n1\n")


def test_no_rows(read: Read) -> None:
    """A file without rows, and one of which none can be used, are each a sentence."""
    with pytest.raises(BadData, match="no row"):
        read(PLAIN + VISITS, "visits\n")
    with pytest.raises(BadData, match="no row"):
        read(PLAIN + 'consent = "ok"\n' + VISITS, "visits,ok\n1,no\n")


def test_shop_sessions(data: Path) -> None:
    """The shop's sessions have the published numbers of rows, buyers and duplicates."""
    reading = _shipped("shop_sessions", data)
    assert reading.table.features.shape == (12_330, 17)
    assert int(reading.table.outcomes["buys"].sum()) == 1_908
    assert [finding.count for finding in reading.quality.findings if finding.check == "duplicates"] == [125]
    assert not reading.table.is_missing.any()


def test_bank(data: Path) -> None:
    """The bank's calls are read out of the .zip, with the published number of rows and subscribers."""
    reading = _shipped("bank", data)
    assert len(reading.table) == 41_188
    assert int(reading.table.outcomes["subscribes"].sum()) == 4_640
    assert "duration" not in {spec.name for spec in reading.table.specs}
    assert not reading.table.is_missing.any()
    assert set(reading.table.columns["marital"]) == {"married", "single", "divorced", "unknown"}


def test_telecom(data: Path) -> None:
    """The telephone contracts have the published number of rows, of those that ended, and of blanks."""
    reading = _shipped("telecom", data)
    table = reading.table
    assert len(table) == len(set(table.visitors.tolist())) == 7_043
    assert int(table.outcomes["leaves"].sum()) == 1_869
    assert table.is_missing.sum(axis=0).tolist() == [11 if s.name == "total_charges" else 0 for s in table.specs]
    assert set(table.columns) == {"gender", "SeniorCitizen"}


def test_same_every_time(data: Path) -> None:
    """Reading twice gives the same table, byte for byte."""
    first, second = _shipped("telecom", data).table, _shipped("telecom", data).table
    assert first.specs == second.specs
    assert first.features.tobytes() == second.features.tobytes()
    assert first.visitors.tolist() == second.visitors.tolist()
