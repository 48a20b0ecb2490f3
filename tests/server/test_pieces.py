"""Large files in pieces."""

import io
import tracemalloc
from pathlib import Path

import pytest

from server import pieces

_LARGE = bytes(range(256)) * 1000  # 256,000: some whole pieces and a part


@pytest.mark.parametrize("content", [b"", b"short", _LARGE])
def test_comes_back_as_it_was(tmp_path: Path, content: bytes) -> None:
    """Whatever its size, and whatever was there."""
    path = tmp_path / "file"
    path.write_bytes(b"what was there, longer than short")
    pieces.write(path, content)
    assert path.read_bytes() == content
    with path.open("rb") as file:
        assert pieces.read(file, len(content)) == content


def test_reads_no_more_than_asked_and_no_more_than_there_is() -> None:
    """The rest stays; the end of the file is not waited for."""
    file = io.BytesIO(_LARGE)
    assert pieces.read(file, 100_000) == _LARGE[:100_000]
    assert pieces.read(file, 10**9) == _LARGE[100_000:]
    assert pieces.read(file, 1) == b""


def test_no_call_takes_all_of_it() -> None:
    """A thread can be interrupted between."""

    class Watched(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            self.largest = max(self.largest, len(found))
            return found

    file = Watched(_LARGE)
    assert pieces.read(file, len(_LARGE)) == _LARGE
    assert file.largest <= 1 << 16


def test_takes_no_more_memory_than_the_content(tmp_path: Path) -> None:
    """But for a part: a graph may be as large as half of what a server has."""
    size = 32 << 20
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    with path.open("rb") as file:
        tracemalloc.start()
        try:
            content = pieces.read(file, size)
            _, highest = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(content) == size
    assert highest < 1.4 * size
