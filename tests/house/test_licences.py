import pytest

from tests.house.licences import TABLE, TOOLS, Row, read, written
from tests.house.project import REQUIREMENTS, locked


def test_table_is_in_step_with_the_locks() -> None:
    """Every locked version has its row, and those that the image carries are marked."""
    rows = read(TABLE.read_text())

    assert {row.name: row.version for row in rows} == locked(REQUIREMENTS / "dev.txt"), "run `make licences`"
    assert {row.name for row in rows if row.is_in_image} == locked(REQUIREMENTS / "server.txt").keys()


def test_every_licence_is_allowed() -> None:
    """A licence that nobody has thought about yet stops the build; see tests/house/licences.py."""
    assert [(row.name, row.licence) for row in read(TABLE.read_text()) if not row.is_allowed] == []


def test_table_reads_back_as_written() -> None:
    """The table is the rows, and the rows are the table."""
    rows = [Row("a", "1", "MIT", is_in_image=True), Row("b", "2.0", "MIT AND BSD-3-Clause", is_in_image=False)]

    assert read(written(rows)) == rows


@pytest.mark.parametrize("licence", ["MIT", "MIT AND Zlib", "GPL-2.0-only OR MIT", "GPL-2.0-only OR MIT AND Zlib"])
def test_permissive_licence_is_allowed(licence: str) -> None:
    """Any alternative will do if every part of it does."""
    assert Row("a", "1", licence, is_in_image=True).is_allowed


@pytest.mark.parametrize("licence", ["GPL-2.0-only AND MIT", "MPL-2.0", "AGPL-3.0-only", "UNKNOWN", ""])
def test_other_licence_is_refused(licence: str) -> None:
    """What is not known to be permissive is not allowed, for a tool neither."""
    assert not Row("a", "1", licence, is_in_image=False).is_allowed


def test_tool_is_allowed_by_name_and_outside_of_the_image_alone() -> None:
    """Each exception is in use, holds for that tool, and ends where the tool would be shipped."""
    in_use = {(row.name, row.licence) for row in read(TABLE.read_text())}

    assert TOOLS.keys() <= in_use
    assert Row("hypothesis", "1", "MPL-2.0", is_in_image=False).is_allowed
    assert not Row("hypothesis", "1", "MPL-2.0", is_in_image=True).is_allowed
