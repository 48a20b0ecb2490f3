"""A mirror of a repository in an object store, with a clock of its own."""

from collections.abc import Callable
from pathlib import Path

from server.mirror import Mirror
from server.remote import FileSystem
from tests.store import Repository

PAUSE_S = 10.0


class Bench:
    """A mirror of one repository, its clock, and what it said."""

    def __init__(self, remote: Repository, folder: Path) -> None:
        self.remote = remote
        self.folder = folder
        self.now_s = 0.0
        self.failures = 0
        self.mirrors: list[Mirror] = []

    def mirror(self, around: Callable[[FileSystem], FileSystem] = lambda files: files) -> Mirror:
        """A new mirror, as after a start."""
        self.close()
        mirror = Mirror(
            self.remote.connect(around=around),
            self.folder,
            pause_s=PAUSE_S,
            on_failure=self._fail,
            clock_s=lambda: self.now_s,
        )
        self.mirrors.append(mirror)
        return mirror

    def close(self) -> None:
        """Ends the mirrors that were."""
        for mirror in self.mirrors:
            mirror.close()

    def _fail(self) -> None:
        self.failures += 1

    def copy(self) -> dict[str, bytes]:
        """The files that a loader sees, by path."""
        paths = [path for path in self.folder.rglob("*") if path.is_file()]
        names = {str(path.relative_to(self.folder)): path for path in paths}
        return {name: path.read_bytes() for name, path in names.items() if "/." not in f"/{name}"}
