"""Counters that several processes keep in one file: added to without locks, kept over restarts, summed when read.

The file is a head and rows. A row belongs to one writer: `DIRECTORY_BYTES` that say what its cells are, then its cells,
64-bit integers. An entry of the directory is appended, and is there once the length at the directory's beginning covers
it; so a writer that is killed in the middle leaves a row that is whole. Nothing is ever taken out: sums never go down.
"""

import json
import logging
import mmap
import os
import struct
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

DIRECTORY_BYTES = 1 << 18  # thousands of series
CELLS = 1 << 15
DROPPED = "audience_series_dropped_total"

_MAGIC = b"audience counters 1\n"
_HEAD = struct.Struct("<32s3q")  # magic, rows, bytes of a directory, cells of a row
_HEAD_BYTES = 4096
_LENGTH_BYTES = 8
_SIZE = struct.Struct("<I")

_log = logging.getLogger(__name__)

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What some consecutive cells of a row are.

    Attributes:
        series: name of the metric.
        labels: values of its labels, for one or more of its series.
        first: first cell.
        width: cells of each series: 1, or those of a histogram.
    """

    series: str
    labels: tuple[Labels, ...]
    first: int
    width: int

    @property
    def stop(self) -> int:
        """The cell after the last."""
        return self.first + len(self.labels) * self.width


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a file's parts are."""

    rows: int
    directory_bytes: int = DIRECTORY_BYTES
    cells: int = CELLS

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.directory_bytes + 8 * self.cells

    @property
    def file_bytes(self) -> int:
        """Bytes of the file."""
        return _HEAD_BYTES + self.rows * self.row_bytes


class Counters:
    """The file, mapped into this process.

    Args:
        path: where it is.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is no file of counters.
    """

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self.shape = _read_shape(file.read(_HEAD.size), path.stat().st_size)
            self._memory = memoryview(mmap.mmap(file.fileno(), self.shape.file_bytes))

    @classmethod
    def create(cls, path: Path, shape: Shape) -> Self:
        """A new file, with every counter at 0. All of it is allocated now, so that no write can fail later.

        Raises:
            OSError: there is no room for it.
        """
        with path.open("xb") as file:
            os.posix_fallocate(file.fileno(), 0, shape.file_bytes)
            file.write(_HEAD.pack(_MAGIC, shape.rows, shape.directory_bytes, shape.cells))
        return cls(path)

    def row(self, index: int) -> "Row":
        """A row, to write to it: by one process at a time."""
        return Row(*self._parts(index))

    def sums(self, rows: Iterable[int] | None = None) -> Mapping[tuple[str, Labels], Sequence[int]]:
        """The cells of every series, by its name and label values, summed over these rows; all, when none are named."""
        sums: dict[tuple[str, Labels], list[int]] = defaultdict(list)
        for index in range(self.shape.rows) if rows is None else rows:
            directory, cells = self._parts(index)
            for entry, _ in _entries(directory, len(cells)):
                for position, labels in enumerate(entry.labels):
                    first = entry.first + position * entry.width
                    _add(sums[entry.series, labels], cells[first : first + entry.width])
        return sums

    def _parts(self, index: int) -> tuple[memoryview, memoryview]:
        if not 0 <= index < self.shape.rows:
            raise ValueError(f"there is no row {index}; the file has {self.shape.rows}")
        begin = _HEAD_BYTES + index * self.shape.row_bytes
        middle = begin + self.shape.directory_bytes
        return self._memory[begin:middle], self._memory[middle : begin + self.shape.row_bytes].cast("q")


class Row:
    """A writer's own counters. What was counted before, by a process that is no more, is kept.

    Only one thread at a time may add to a cell. Any may ask for new ones.

    Attributes:
        cells: the counters, as 64-bit integers: `cells[i] += n`.
    """

    def __init__(self, directory: memoryview, cells: memoryview) -> None:
        self.cells = cells
        self._directory = directory
        self._length = directory[:_LENGTH_BYTES].cast("q")
        self._lock = threading.Lock()
        self._known: dict[tuple[str, tuple[Labels, ...], int], int] = {}
        self._next, self._end = 0, _LENGTH_BYTES
        self._dropped: int | None = None
        for entry, end in _entries(directory, len(cells)):
            self._known[entry.series, entry.labels, entry.width] = entry.first
            self._next, self._end = max(self._next, entry.stop), end
        self._length[0] = self._end - _LENGTH_BYTES  # what follows, if anything, is no entry
        self._dropped = self._find(DROPPED, ((),), 1)

    def cell(self, series: str, labels: Labels) -> int:
        """The cell of one series. When there is no room for another, the last one, which nobody reads."""
        first = self._find(series, (labels,), 1)
        return len(self.cells) - 1 if first is None else first

    def block(self, series: str, labels: Sequence[Labels], width: int = 1) -> memoryview:
        """The cells of these series, one after the other, `width` for each. Cells that nobody reads when there is no
        room for them.
        """  # noqa: D205  # one sentence each
        first = self._find(series, tuple(labels), width)
        count = len(labels) * width
        return memoryview(bytearray(8 * count)).cast("q") if first is None else self.cells[first : first + count]

    def _find(self, series: str, labels: tuple[Labels, ...], width: int) -> int | None:
        with self._lock:
            first = self._known.get((series, labels, width))
            return self._append(Entry(series, labels, self._next, width)) if first is None else first

    def _append(self, entry: Entry) -> int | None:
        text = json.dumps([entry.series, entry.labels, entry.first, entry.width], separators=(",", ":")).encode()
        end = self._end + _SIZE.size + len(text)
        if end > len(self._directory) or entry.stop >= len(self.cells):
            self._drop(entry)
            return None
        for cell in range(entry.first, entry.stop):
            self.cells[cell] = 0
        self._directory[self._end : end] = _SIZE.pack(len(text)) + text
        self._length[0] = end - _LENGTH_BYTES  # from now on it is there
        self._known[entry.series, entry.labels, entry.width] = entry.first
        self._next, self._end = entry.stop, end
        return entry.first

    def _drop(self, entry: Entry) -> None:
        if self._dropped is None:
            raise ValueError("a row has no room for a single series")
        if not self.cells[self._dropped]:
            _log.warning("no room for more metrics; further series are not counted", extra={"series": entry.series})
        self.cells[self._dropped] += len(entry.labels)


def _read_shape(head: bytes, file_bytes: int) -> Shape:
    if len(head) < _HEAD.size or not head.startswith(_MAGIC):
        raise ValueError("this is no file of counters")
    shape = Shape(*_HEAD.unpack(head)[1:])
    if min(shape.rows, shape.directory_bytes, shape.cells) < 1 or shape.directory_bytes % 8:
        raise ValueError(f"a file of counters cannot have {shape}")
    if file_bytes < shape.file_bytes:
        raise ValueError(f"the file of counters was cut: it has {file_bytes} bytes of {shape.file_bytes}")
    return shape


def _entries(directory: memoryview, cell_count: int) -> Iterator[tuple[Entry, int]]:
    """The entries, each with where it ends in the directory; up to the first that is none."""
    (length,) = directory[:_LENGTH_BYTES].cast("q")
    stop = min(_LENGTH_BYTES + max(length, 0), len(directory))
    begin, next_cell = _LENGTH_BYTES, 0
    while begin + _SIZE.size <= stop:
        (size,) = _SIZE.unpack_from(directory, begin)
        end = begin + _SIZE.size + size
        entry = _read_entry(bytes(directory[begin + _SIZE.size : end])) if end <= stop else None
        if entry is None or entry.first != next_cell or entry.stop >= cell_count:
            return
        yield entry, end
        begin, next_cell = end, entry.stop


def _read_entry(text: bytes) -> Entry | None:
    try:
        series, labels, first, width = json.loads(text)
    except (ValueError, TypeError, RecursionError):  # JSON's, or what cannot be unpacked
        return None
    is_text = isinstance(series, str) and isinstance(labels, list) and all(map(_is_labels, labels))
    if not is_text or type(first) is not int or type(width) is not int or min(len(labels), width) < 1:
        return None
    return Entry(series, tuple(map(tuple, labels)), first, width)


def _is_labels(labels: object) -> bool:
    return isinstance(labels, list) and all(isinstance(value, str) for value in labels)


def _add(sums: list[int], cells: memoryview) -> None:
    if len(sums) < len(cells):
        sums += [0] * (len(cells) - len(sums))
    for position, count in enumerate(cells):
        sums[position] += count
