import re
import subprocess
import sys

import pytest

from tests.chaos.publishing import Death, faults


def run(module: str) -> tuple[int, list[str]]:
    """Exit status, and the lines on standard output."""
    ended = subprocess.run([sys.executable, "-m", module], capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout.splitlines()


def test_publisher_that_is_killed_leaves_whole_versions() -> None:
    """At whichever step it dies, the old versions are seen or the new one too, whole, and the next one is published."""
    status, (first, second, verdict) = run("tests.chaos.publishing")
    assert (status, verdict) == (0, "every one left whole versions, and the next publication worked")
    for line, before, after in ((first, "[]", "[1]"), (second, "[1]", "[1, 2]")):
        assert "10 at fsync" in line  # five files, their folder, the number, its folder, and both folders above
        assert "2 at os.rename" in line  # the number, and the version
        assert re.search(rf"seen after: {re.escape(before)} \d+ times, {re.escape(after)} \d+ times$", line)


def test_publisher_that_leaves_torn_versions_is_found() -> None:
    """One that writes where everybody looks leaves files that are cut or not there yet, and each such death is told."""
    status, lines = run("tests.chaos.careless")
    assert status == 1
    for reason in ("SHA256SUMS does not list manifest.json", "cannot be read: No such file", "was altered or cut"):
        assert any("torn: 2: " in line and reason in line for line in lines)


def death(step: int, seen: tuple[int, ...], after: tuple[int, ...], *torn: str) -> Death:
    """One that publishing version 2 beside version 1 died."""
    return Death(step, "fsync", seen, torn, (), after)


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        ([death(1, (1,), (1, 2)), death(2, (1,), (1, 3)), death(3, (1, 2), (1, 2, 3))], []),
        ([death(1, (1, 2), (1, 2, 3), "2: cut")], ["step 1, fsync: torn: 2: cut"]),
        ([death(1, (), (2,))], ["step 1, fsync: versions () are seen"]),
        ([death(1, (1, 3), (1, 3, 4))], ["step 1, fsync: versions (1, 3) are seen"]),
        (
            [death(1, (1, 2), (1, 2, 3)), death(2, (1,), (1, 2))],
            ["step 1, fsync: versions (1, 2) are seen, and fewer a step later"],
        ),
        ([death(1, (1,), (1,))], ["step 1, fsync: from (1,) the next publication makes (1,)"]),
        ([death(1, (1,), (2, 3))], ["step 1, fsync: from (1,) the next publication makes (2, 3)"]),
    ],
)
def test_what_should_not_be_left(found: list[Death], fault: list[str]) -> None:
    """Versions that are torn, missing, strange or lost are each a fault, and so is a publication that adds none."""
    assert faults(found, (1,)) == fault
