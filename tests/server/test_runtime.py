import fcntl
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server import runtime
from server.runtime import Runtime, Watched, made, remove_abandoned
from server.traffic import Route, Share
from server.wish import Serving, Wish, WishedModel, WorkerState
from server.workers import Workers


def test_folder_is_made_and_removed() -> None:
    """The folder is its owner's alone, its name tells whose it is, and it goes at the end."""
    with made(1) as one:
        assert one.folder.name.startswith("audience-")
        assert one.folder.stat().st_mode & 0o777 == 0o700
        (one.folder / "file").touch()
    assert not one.folder.exists()


def test_folder_where_memory_has_no_room() -> None:
    """Without room in memory the folder for temporary files is used."""
    with made(1 << 60) as one:
        assert one.folder.parent != Path("/dev/shm")  # noqa: S108  # the name is the point


def test_folders_of_killed_servers_go(tmp_path: Path) -> None:
    """A folder whose lock nobody holds is removed; one that is held, or is just being made, or another's, stays."""
    for name in ("audience-abandoned", "audience-held", "audience-new", "other"):
        (tmp_path / name).mkdir()
        if name != "audience-new":
            (tmp_path / name / "lock").touch()
    with (tmp_path / "audience-held" / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_abandoned(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audience-held", "audience-new", "other"]


def test_killed_server_leaves_its_lock_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel frees the lock of a process that is killed."""
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom server import runtime\n"
        "runtime._MEMORY = Path(sys.argv[1])\n"
        "with runtime.made(1): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=False)
    assert len(list(tmp_path.glob("audience-*/lock"))) == 1
    monkeypatch.setattr(runtime, "_MEMORY", tmp_path)
    with made(1) as mine:
        assert list(tmp_path.iterdir()) == [mine.folder]


def test_watched(tmp_path: Path) -> None:
    """A file is read when it is another than before, and its going is news once."""
    files, path = Runtime(tmp_path), tmp_path / "state.json"
    watched = Watched(path)
    assert (watched.look(), watched.content) == (False, None)
    files.replace_json(path, {"a": 1})
    assert (watched.look(), watched.content) == (True, {"a": 1})
    assert (watched.look(), watched.content) == (False, {"a": 1})
    files.replace_json(path, {"a": 1})
    assert watched.look()
    path.unlink()
    assert (watched.look(), watched.content) == (True, None)
    assert not watched.look()


def test_readers_see_one_or_the_other(tmp_path: Path) -> None:
    """A reader that opened a file before it was replaced reads all of what it was."""
    files, path = Runtime(tmp_path), tmp_path / "graph"
    files.replace(path, b"one" * 1000)
    with path.open("rb") as before:
        files.replace(path, b"two")
        assert before.read() == b"one" * 1000
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["graph"]  # noqa: PTH208  # names alone


def test_messages_come_back_as_they_were(tmp_path: Path) -> None:
    """A wish and a state survive being written."""
    files = Runtime(tmp_path)
    split, shadow = (Share("canary", 500),), Share("next", 100)
    route = Route({"": 2, "canary": 3}, "stable", split, "salt", 100, "other", shadow)
    routes = {"shop": route, "app": Route()}
    wish = Wish(3, (WishedModel("shop", 2, "/m", "/g", "/r", "ab"),), routes, ("/s",), ("app",), is_settled=True)
    serving = {"shop": Serving((2, 3), {"": 2, "canary": 3})}
    state = WorkerState(7, 3, serving, {"app/1": "why"}, is_listening=True, is_ready=True)
    files.replace_json(files.wish, wish)
    files.replace_json(files.state(1), state)
    watched = Watched(files.wish)
    assert watched.look()
    assert Wish.from_json(watched.content or {}) == wish
    workers = Workers(files, 2)
    assert workers.look() == (None, state)
    assert workers.look() == (None, state)
    files.state(1).unlink()
    assert workers.look() == (None, None)


def test_two_threads_write_the_same(tmp_path: Path) -> None:
    """At once, again and again: neither takes the other's draft away, and the file is whole."""
    path, content = tmp_path / "file", b"x" * 100_000

    def write(_number: int) -> bytes:
        Runtime(tmp_path).replace(path, content)
        return path.read_bytes()

    with ThreadPoolExecutor(2) as threads:
        assert set(threads.map(write, range(300))) == {content}
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
