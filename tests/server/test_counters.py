import logging
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.counters import DROPPED, Counters, Labels, Row, Shape
from tests.server.conftest import law

SMALL = Shape(rows=3, directory_bytes=512, cells=32)
_numbers = iter(range(1 << 30))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test's counters are."""
    return tmp_path / "counters"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a law's examples have their files."""
    return tmp_path_factory.mktemp("counters")


def fresh(folder: Path, shape: Shape = SMALL) -> Path:
    """Another file of counters."""
    path = folder / str(next(_numbers))
    Counters.create(path, shape)
    return path


def counted(counters: Counters) -> dict[tuple[str, Labels], Sequence[int]]:
    """The sums, without the rows' own series."""
    return {key: cells for key, cells in counters.sums().items() if key[0] != DROPPED}


def test_what_is_counted_is_summed(path: Path) -> None:
    """A series of several rows is their sum; its cells are at 0 from when it was asked for."""
    counters = Counters.create(path, SMALL)
    one, other = counters.row(0), counters.row(2)
    cell = one.cell("calls", ("a", "OK"))
    assert counted(counters) == {("calls", ("a", "OK")): [0]}
    one.cells[cell] += 3
    other.cells[other.cell("calls", ("a", "OK"))] += 4
    other.cells[other.cell("calls", ("b", "OK"))] += 5
    assert counted(Counters(path)) == {("calls", ("a", "OK")): [7], ("calls", ("b", "OK")): [5]}


def test_cell_is_found_again(path: Path) -> None:
    """Asking twice for a series gives its cell, also after a restart of the writer."""
    row = Counters.create(path, SMALL).row(1)
    cells = [row.cell("calls", (label,)) for label in "aba"]
    assert cells[0] == cells[2] != cells[1]
    again = Counters(path).row(1)
    assert [again.cell("calls", (label,)) for label in "aba"] == cells


def test_block(path: Path) -> None:
    """A block's cells are side by side, and each of its series has as many as was asked for."""
    counters = Counters.create(path, SMALL)
    block = counters.row(0).block("seconds", [("a",), ("b",)], 3)
    block[0], block[4] = 7, 9
    assert counted(counters) == {("seconds", ("a",)): [7, 0, 0], ("seconds", ("b",)): [0, 9, 0]}


def test_full_row(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """When a row is full, further series are dropped: that is counted and said once, and what is there goes on."""
    counters = Counters.create(path, SMALL)
    row = counters.row(0)
    kept = row.cell("calls", ("kept",))
    with caplog.at_level(logging.WARNING):
        for number in range(100):
            row.cells[row.cell("calls", (str(number),))] += 1
        row.block("seconds", [("a",), ("b",)], 4)[3] += 1
    row.cells[kept] += 1
    sums = counters.sums()
    dropped = sum(("calls", (str(number),)) not in sums for number in range(100))
    assert 50 < dropped < 100
    assert (sums[DROPPED, ()], sums["calls", ("kept",)], ("seconds", ("a",)) in sums) == ([dropped + 2], [1], False)
    assert all(cells == [1] for (name, _), cells in sums.items() if name == "calls")
    assert caplog.text.count("no room for more metrics") == 1
    assert Counters(path).row(0).cell("calls", ("kept",)) == kept


_labels = st.lists(st.sampled_from(["", "a", "é", '"\n', "\ud800"]), max_size=2).map(tuple)
_steps = st.lists(st.tuples(st.integers(0, 2), _labels, st.integers(0, 1 << 40), st.booleans()), max_size=40)


@law
@given(steps=_steps)
def test_any_interleaving(folder: Path, steps: list[tuple[int, Labels, int, bool]]) -> None:
    """However writers take turns and restart, the sums are what was added, and none ever falls."""
    path = fresh(folder, Shape(rows=3, directory_bytes=4096, cells=64))
    reader = Counters(path)
    rows = [Counters(path).row(index) for index in range(3)]
    wanted: dict[tuple[str, Labels], list[int]] = {}
    for index, labels, count, is_restarted in steps:
        if is_restarted:
            rows[index] = Counters(path).row(index)
        row = rows[index]
        row.cells[row.cell("calls", labels)] += count
        wanted["calls", labels] = [wanted.get(("calls", labels), [0])[0] + count]
        assert counted(reader) == wanted


@law
@given(garbage=st.binary(min_size=1, max_size=600), at=st.integers(0, 511))
def test_garbage_in_the_directory(folder: Path, garbage: bytes, at: int) -> None:
    """Whatever stands in a row's directory, other rows are summed right, and the row can be written to again."""
    path = fresh(folder)
    counters = Counters(path)
    for index in range(2):
        row = counters.row(index)
        row.cells[row.cell("calls", ("a",))] += 1
    with path.open("r+b") as file:
        file.seek(4096 + at)
        file.write(garbage[: SMALL.directory_bytes - at])
    counters.sums()
    row = counters.row(0)
    before = counters.sums()["calls", ("b",)][0] if ("calls", ("b",)) in counters.sums() else 0
    row.cells[row.cell("calls", ("b",))] += 1
    counters.row(1).cells[counters.row(1).cell("calls", ("c",))] += 1
    assert counters.sums()["calls", ("c",)] == [1]
    assert counters.sums().get(("calls", ("b",)), [before])[0] in {before, before + 1}


@pytest.mark.parametrize("entry", [
    b"", b"{}", b"[" * 200, b"null", b'["a",[["b"]],1]', b'["a",[["b"]],"1",1]', b'["a",[["b"]],true,1]',
    b'["a",[["b"]],2,1]', b'["a",[["b"]],1,31]', b'["a",[["b"]],1,0]', b'["a",[["b"]],1,-1]', b'["a",[],1,1]',
    b'["a",[[1]],1,1]', b'["a","b",1,1]', b'[1,[["b"]],1,1]', b'["a",[["b"]],1,1e400]', b"\xff",
])  # fmt: skip
def test_entry_that_is_none(path: Path, entry: bytes) -> None:
    """An entry that says nonsense ends the directory there; the next series takes its place."""
    counters = Counters.create(path, SMALL)
    counters.row(0)
    directory = path.read_bytes()[4096 : 4096 + SMALL.directory_bytes]
    length = int.from_bytes(directory[:8], "little")
    spoilt = len(entry).to_bytes(4, "little") + entry
    with path.open("r+b") as file:
        file.seek(4096 + 8 + length)
        file.write(spoilt)
        file.seek(4096)
        file.write((length + len(spoilt)).to_bytes(8, "little"))
    assert counted(counters) == {}
    row = counters.row(0)
    row.cells[row.cell("calls", ())] += 1
    assert counted(counters) == {("calls", ()): [1]}


def test_writer_that_dies_in_the_middle(path: Path) -> None:
    """An entry whose length was not yet written is not there, and its place is taken by the next."""
    counters = Counters.create(path, SMALL)
    row = counters.row(0)
    row.cells[row.cell("calls", ("a",))] += 1
    before = path.read_bytes()[4096:4104]
    row.cells[row.cell("calls", ("b",))] += 9
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(before)
    assert counted(counters) == {("calls", ("a",)): [1]}
    again = counters.row(0)
    again.cells[again.cell("calls", ("c",))] += 1
    assert counted(counters) == {("calls", ("a",)): [1], ("calls", ("c",)): [1]}


WRITER = """
import sys
from itertools import count
from pathlib import Path
from server.counters import Counters
row = Counters(Path(sys.argv[1])).row(0)
for number in count():
    row.cells[row.cell("calls", (str(number % 400),))] += 1
    if number == 1000:
        print("counting", flush=True)
"""


def test_killed_writers(path: Path) -> None:
    """Processes that are killed while they count leave sums that the next one goes on from, and that never fall."""
    counters = Counters.create(path, Shape(rows=1, directory_bytes=8192, cells=1024))
    totals = [0]
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert next(writer.stdout or iter(())) == "counting\n"
            totals.append(sum(cells[0] for cells in counted(counters).values()))
            writer.send_signal(signal.SIGKILL)
        totals.append(sum(cells[0] for cells in counted(counters).values()))
    assert totals == sorted(totals)
    assert sum(cells[0] for cells in counters.sums().values()) >= 3 * 1001  # with those that had no room
    assert all(len(cells) == 1 for cells in counted(counters).values())


def spoilt_files(whole: bytes) -> Iterator[bytes]:
    """A file of counters, damaged in many ways."""
    yield from (b"", whole[:20], whole[:4096], whole[:-1], b"x" * len(whole))
    for at in (32, 40, 48):
        for number in (-1, 0, 1 << 62):
            yield whole[:at] + number.to_bytes(8, "little", signed=True) + whole[at + 8 :]


def test_file_that_is_none(path: Path) -> None:
    """A file that is cut, or something else, is refused with what is wrong."""
    Counters.create(path, SMALL)
    spoilt = list(spoilt_files(path.read_bytes()))
    for data in spoilt:
        path.write_bytes(data)
        with pytest.raises(ValueError, match="file of counters"):
            Counters(path)
    assert len(spoilt) == 14


def test_file_that_is_there(path: Path) -> None:
    """A second server does not take over another's file."""
    Counters.create(path, SMALL)
    with pytest.raises(FileExistsError):
        Counters.create(path, SMALL)


@pytest.mark.parametrize("index", [-1, 3])
def test_row_that_is_not_there(path: Path, index: int) -> None:
    """Asking for a row beyond the last says how many there are."""
    with pytest.raises(ValueError, match=f"there is no row {index}; the file has 3"):
        Counters.create(path, SMALL).row(index)


def test_row_without_room_for_anything(path: Path) -> None:
    """A file too small for a single series is a mistake of the program, and is not silent."""
    with pytest.raises(ValueError, match="no room for a single series"):
        Row(memoryview(bytearray(16)), memoryview(bytearray(16)).cast("q"))
