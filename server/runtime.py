"""The folder in which the processes of one server find each other: files that are replaced whole, and the counters."""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from server import pieces

_PREFIX = "audience-"
_MEMORY = Path("/dev/shm")  # noqa: S108  # kept in memory; the folder in it is the owner's alone
_LOCK = "lock"

Signature = tuple[int, int, int]


class Runtime:
    """Where each process's files are.

    Args:
        folder: as `made` gave it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counters = folder / "counters"
        self.wish = folder / "wish.json"
        self.control = folder / "control.json"
        self.loading = folder / "loading"

    def state(self, worker: int) -> Path:
        """The file in which a worker says what it does."""
        return self.folder / f"worker-{worker}.json"

    def replace(self, path: Path, content: bytes) -> None:
        """Puts this content in place of a file's: whoever reads it sees the one or the other.

        Only one process writes each file. Two of its threads may write the same at once (server.aside).
        """
        draft = path.with_name(f".{threading.get_native_id()}.{path.name}")
        pieces.write(draft, content)
        draft.replace(path)

    def replace_json(self, path: Path, content: object) -> None:
        """As `replace`, with a JSON object: see `as_json`."""
        self.replace(path, as_json(content))


def as_json(content: object) -> bytes:
    """The content as JSON; a dataclass, also within it, is the object of its fields."""
    return json.dumps(content, default=_fields).encode()


def _fields(value: Any) -> dict[str, Any]:  # noqa: ANN401  # what json passes
    # asdict copies all that is within: a wish of two versions takes three times as long (measured)
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _signature(status: os.stat_result) -> Signature:
    return status.st_ino, status.st_mtime_ns, status.st_size


class Watched:
    """A file that others replace; looking at it costs one system call while it stays."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: Signature | None = None
        self.content: dict[str, Any] | None = None

    def look(self) -> bool:
        """Whether it is another file than at the last look; if so, `content` is its JSON object, None when it went."""
        try:
            if _signature(os.stat(self._path)) == self._seen:  # noqa: PTH116  # half the time of Path.stat
                return False
            with open(self._path, "rb") as file:  # noqa: PTH123  # as above
                self._seen, self.content = _signature(os.fstat(file.fileno())), json.loads(file.read())
        except FileNotFoundError:
            was_there, self._seen, self.content = self._seen is not None, None, None
            return was_there
        return True


@contextmanager
def made(room_bytes: int) -> Iterator[Runtime]:
    """A new runtime folder, in memory where there is room, removed at the end. Those of killed servers go too."""
    remove_abandoned(_MEMORY)
    parent = _MEMORY if _has_room(_MEMORY, room_bytes) else Path(tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    try:
        with (folder / f".{_LOCK}").open("xb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            Path(lock.name).rename(folder / _LOCK)  # never there without being held, while its server lives
            yield Runtime(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_room(folder: Path, room_bytes: int) -> bool:
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    space = os.statvfs(folder)
    return space.f_bavail * space.f_frsize >= room_bytes


def remove_abandoned(parent: Path) -> None:
    """Removes the runtime folders of servers that were killed: nobody holds their lock."""
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError), lock.open("rb") as file:  # another user's, or held
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
