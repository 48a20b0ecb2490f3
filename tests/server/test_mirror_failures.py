import errno
import logging
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from server.download import discard
from server.mirror import held
from tests.server.mirroring import PAUSE_S, Bench
from tests.store import Counting, Crash, Repository, version_files


@pytest.fixture
def bench(remote: Repository, tmp_path: Path) -> Iterator[Bench]:
    """A mirror's surroundings."""
    made = Bench(remote, tmp_path / "mirror" / "copy")
    yield made
    made.close()


def _cut(files: dict[str, bytes]) -> None:
    files["model.onnx"] = files["model.onnx"][:-1]


def _alter(files: dict[str, bytes]) -> None:
    files["model.onnx"] = b"GRAPH"


def _lose(files: dict[str, bytes]) -> None:
    del files["reference.npz"]


def _spoil_sums(files: dict[str, bytes]) -> None:
    files["SHA256SUMS"] = b"<html>Forbidden</html>"


def _climb(files: dict[str, bytes]) -> None:
    files["SHA256SUMS"] += b"0" * 64 + b"  ../../../escaped\n"


def _long_sums(files: dict[str, bytes]) -> None:
    files["SHA256SUMS"] *= 1000


def _many(files: dict[str, bytes]) -> None:
    files.update({f"extra-{i}": b"" for i in range(40)})


def _large_unlisted(files: dict[str, bytes]) -> None:
    files["notes.txt"] = b" " * ((1 << 20) + 1)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_cut, "model.onnx was altered or cut"),
        (_alter, "model.onnx was altered or cut"),
        (_lose, "reference.npz is listed in SHA256SUMS and is not there"),
        (_spoil_sums, "SHA256SUMS has a line that is not"),
        (_climb, "SHA256SUMS has a line that is not"),
        (_long_sums, "SHA256SUMS has 319,000 bytes; at most 65,536 are mirrored"),
        (_many, "it has 45 files; at most 32 are mirrored"),
        (_large_unlisted, "notes.txt has 1,048,577 bytes and is not listed in SHA256SUMS"),
    ],
)
def test_broken_version_is_never_revealed(
    bench: Bench, caplog: pytest.LogCaptureFixture, damage: Callable[[dict[str, bytes]], None], words: str
) -> None:
    """A broken version is reported once, not tried at every look, disturbs no other, and comes once it is whole."""
    files = version_files()
    damage(files)
    bench.remote.place("shop", 2, files)
    bench.remote.place("shop", 1, version_files())
    mirror = bench.mirror()
    for _ in range(3):
        mirror.step()
    assert [str(key) for key in held(bench.folder)] == ["shop/1"]
    assert words in str(mirror.trouble)
    assert str(mirror.trouble).startswith("shop/2: ")
    assert (bench.failures, len([r for r in caplog.records if r.levelno == logging.ERROR])) == (1, 1)
    bench.now_s += PAUSE_S
    mirror.step()
    mirror.step()
    assert bench.failures == 2
    bench.remote.remove("shop/2")
    bench.remote.place("shop", 2, version_files(b"whole"))
    mirror.step()
    assert bench.copy()["shop/2/model.onnx"] == b"whole"
    assert mirror.trouble is None
    assert {path.name for path in bench.folder.parent.rglob("*")}.isdisjoint({"escaped"})


def test_larger_file_than_a_server_reads(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beyond the server's limit is not downloaded."""
    monkeypatch.setattr("server.bundle._LARGEST_MODEL_BYTES", 4)
    bench.remote.place("shop", 1, version_files(b"graph"))
    mirror = bench.mirror()
    mirror.step()
    assert mirror.trouble == "shop/1: model.onnx has 5 bytes; at most 4 are mirrored"
    assert held(bench.folder) == set()


class _Short(Counting):
    """A connection that ends early, without an error."""

    def cat_file(self, path: str, /, **options: Any) -> bytes:
        return super().cat_file(path, **options)[:-1]


def test_download_that_breaks_off(bench: Bench) -> None:
    """Bytes that did not come are missed before anything is revealed."""
    bench.remote.place("shop", 1, version_files())
    mirror = bench.mirror(_Short)
    mirror.step()
    assert "/shop/1/SHA256SUMS was cut: " in str(mirror.trouble)
    assert bench.copy() == {}


HOSTILE = (
    "../../escaped",
    "../shop/1/escaped",
    "shop/1/../../../escaped",
    "shop/../escaped",
    "shop//escaped",
    "/escaped",
    "shop/1//escaped",
    "shop/01/escaped",
    "shop/-1/escaped",
    "shop/1/.source",
    "shop/1/.hidden",
    "shop/1/a\\..\\escaped",
    "shop/1/tab\tescaped",
    "shop/1/deep/escaped",
    "shop/1/" + "e" * 101,
    "shop/1/" + "long/" * 150 + "escaped",
    "Shop/1/escaped",
    ".incoming-x/1/escaped",
    "policy.json",
    "shop/policy.json/1",
)


def test_hostile_keys(bench: Bench) -> None:
    """Names that are not a version's files are not seen, and nothing is written outside of the copy."""
    for key in HOSTILE:
        bench.remote.put(key, b"x")
    for folder in ("../1", "shop/01", "shop/..", "..", "shop//1", "SHOP/1", "sh.op/1", "shop/1/1"):
        for name, data in version_files().items():
            bench.remote.put(f"{folder}/{name}", data)
    bench.remote.place("shop", 1, version_files())
    mirror = bench.mirror()
    mirror.step()
    assert mirror.trouble is None
    assert sorted(bench.copy()) == sorted(f"shop/1/{name}" for name in version_files())
    assert [path.name for path in bench.folder.parent.iterdir()] == ["copy"]


def test_huge_listing_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """More files than a repository can have are not gathered: the driver stops, and what is here is kept."""
    bench.remote.place("shop", 1, version_files())
    bench.mirror().step()
    monkeypatch.setattr("server.remote.LARGEST_LISTING", 3)
    monkeypatch.setattr("server.remote._BOUNDS", {"s3": {"max_items": 4}})
    mirror = bench.mirror()
    mirror.step()
    assert "has more than 3 files; name the folder that has only the models" in str(mirror.trouble)
    assert [str(key) for key in held(bench.folder)] == ["shop/1"]


@pytest.mark.parametrize(
    "error", [PermissionError("Forbidden"), TimeoutError(), ConnectionError("half a listing"), RuntimeError("any")]
)
def test_repository_that_cannot_be_listed(bench: Bench, caplog: pytest.LogCaptureFixture, error: Exception) -> None:
    """A failing listing changes nothing, is logged once, counted each time, and asked again less and less often."""
    bench.remote.place("shop", 1, version_files())
    bench.mirror().step()
    before = bench.copy()
    fail = True

    class Failing(Counting):
        def find(self, path: str, /, **options: Any) -> Any:
            self.operations.append("find")
            if fail:
                raise error
            return super().find(path, **options)

    counting = Failing(bench.remote.files)
    mirror = bench.mirror(lambda _: counting)
    asked_s = []
    for now_s in range(0, 2000, 10):
        bench.now_s = now_s
        count = len(counting.operations)
        mirror.step()
        asked_s += [now_s] * (len(counting.operations) - count)
    assert asked_s == [0, 10, 30, 70, 150, 310, 610, 910, 1210, 1510, 1810]
    assert bench.failures == len(asked_s)
    assert bench.copy() == before
    assert type(error).__name__ in str(mirror.trouble)
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR] == [
        "cannot be mirrored; what is here is kept"
    ]
    fail = False
    bench.now_s += 300
    bench.remote.place("shop", 2, version_files())
    mirror.step()
    assert mirror.trouble is None
    assert len(held(bench.folder)) == 2


def test_one_file_that_may_not_be_read(bench: Bench) -> None:
    """A version whose file cannot be read is left out, and does not keep others away."""
    bench.remote.place("shop", 2, version_files())
    bench.remote.place("shop", 1, version_files())

    class Forbidding(Counting):
        def cat_file(self, path: str, /, **options: Any) -> bytes:
            if path.endswith("shop/2/model.onnx"):
                raise PermissionError("Access Denied")
            return super().cat_file(path, **options)

    mirror = bench.mirror(Forbidding)
    mirror.step()
    mirror.step()
    assert [str(key) for key in held(bench.folder)] == ["shop/1"]
    assert "shop/2/model.onnx cannot be read: PermissionError Access Denied" in str(mirror.trouble)


def test_no_room(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that does not fit is not begun with, and the reason says how much room is missing where."""
    bench.remote.place("shop", 1, version_files())
    usage = shutil.disk_usage("/")._replace(free=7)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    mirror = bench.mirror()
    mirror.step()
    assert "bytes are needed, 7 are free" in str(mirror.trouble)
    assert str(bench.folder) in str(mirror.trouble)
    assert bench.copy() == {}


def test_disk_that_fills_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full in the middle, what was begun is removed and the reason is the disk's."""
    bench.remote.place("shop", 1, version_files())

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("server.download._sync", fail)
    mirror = bench.mirror()
    mirror.step()
    assert "No space left on device" in str(mirror.trouble)
    assert [path.name for path in bench.folder.iterdir()] == [".lock"]


@pytest.mark.parametrize("is_late", [False, True])
def test_crash_at_every_step(bench: Bench, *, is_late: bool) -> None:
    """Wherever the process ends, what is visible is whole, and the next process goes on."""
    old, new = version_files(b"one"), version_files(b"two")
    expected = [{f"shop/1/{name}": data for name, data in files.items()} for files in (old, new)]
    for last in range(1, 7):  # a listing, and five files
        bench.close()
        discard(bench.folder)
        bench.remote.place("shop", 1, old)
        bench.mirror().step()
        bench.remote.place("shop", 1, new)
        with pytest.raises(Crash):
            bench.mirror(partial(Counting, last=last, is_late=is_late)).step()
        assert bench.copy() in expected
        bench.mirror().step()
        assert bench.copy() == expected[1]
        assert sorted(path.name for path in bench.folder.iterdir()) == [".lock", "shop"]
