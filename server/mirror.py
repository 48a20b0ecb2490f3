"""Control's second thread, for a repository at an address: keeps a local copy of it, which the loader follows."""

import contextlib
import errno
import fcntl
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from protos.audience.v1 import policy_pb2
from server.approval import FOLDER, LARGEST_BYTES, approval_name
from server.catalogue import (
    Catalogue,
    Key,
    RemoteVersion,
    is_version_name,
    read_catalogue,
)
from server.download import HIDDEN, discard, fetch, is_held, remove, replace_file
from server.errors import BadBundle, RepositoryUnreadable
from server.policy import LARGEST_POLICY_BYTES, write_policy
from server.policy_file import replace_policy
from server.remote import Remote, RemoteFile
from server.repository import POLICY_FILE, is_model_name

_log = logging.getLogger(__name__)

_LOCK = ".lock"
_LONGEST_WAIT_S = 300.0
_LONGEST_WAIT_WHEN_BROKEN_S = 3600.0  # a version that was wrong is downloaded whole again
_PATIENCE_S = 10.0
_LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Trouble:
    """What could not be mirrored, and when it is tried again.

    Attributes:
        tag: of what it was; something else is tried at once.
        reason: for people.
        is_broken: it was read, and is wrong; else it could not be read or kept.
        count: failures in a row.
        due_s: on the mirror's clock.
    """

    tag: str
    reason: str
    is_broken: bool
    count: int
    due_s: float


class Mirror:
    """Keeps a folder as a repository at an address is. What fails there changes nothing here.

    Args:
        remote: the repository.
        folder: its copy; made if absent. Of several servers with one folder, one mirrors at a time.
        pause_s: between two looks at the repository; after failures longer, up to 300 s.
        on_failure: called after each failure, on the mirror's thread.
        clock_s: seconds that never go back.

    Raises:
        OSError: the folder cannot be made. The text says where else it could be.
    """

    def __init__(
        self,
        remote: Remote,
        folder: Path,
        *,
        pause_s: float,
        on_failure: Callable[[], None],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        _make(folder)
        self._remote = remote
        self._folder = folder
        self._pause_s = pause_s
        self._on_failure = on_failure
        self._clock_s = clock_s
        self._lock: IO[bytes] | None = None
        self._tags: dict[str, str] = {}  # of the policies and approvals that are here
        self._troubles: dict[str, Trouble] = {}
        self._has_looked = threading.Event()

    @property
    def trouble(self) -> str | None:
        """What cannot be mirrored at present, and why; None when all is as it should be."""
        return "; ".join(trouble.reason for trouble in tuple(self._troubles.values()))[:_LONGEST_REASON] or None

    def wait(self) -> None:
        """Returns when there was a first look; with a copy from before, after ten seconds at the latest.

        So a server that starts with nothing begins with all models, and one that starts again serves what it has.
        """
        self._has_looked.wait(_PATIENCE_S if held(self._folder) else None)

    def run(self, stop: threading.Event) -> None:
        """Mirrors until `stop`. An unforeseen fault is logged; the loop goes on."""
        while not stop.is_set():
            try:
                self.step()
            except Exception:  # the edge: whatever is wrong with one repository must not end the loop
                _log.exception("the mirror failed; what is here is kept")
            self._has_looked.set()
            stop.wait(self._pause_s)

    def step(self) -> None:
        """Looks at the repository once, unless it failed a short time ago, and follows it."""
        if not self._is_due("", ""):
            return
        with self._noted("", ""):
            if not self._has_lock():
                return
            catalogue = read_catalogue(self._remote.files())
            if held(self._folder) and not catalogue.versions:
                raise RepositoryUnreadable(f"{self._remote.address} lists no version any more; what is here is kept")
            self._follow(catalogue)

    def _follow(self, catalogue: Catalogue) -> None:
        """New versions first, the newest soonest; removals last, so that what replaces a version is here before."""
        approvals = {approval_name(key.model, key.version): file for key, file in catalogue.approvals.items()}
        policies = {_policy(model): file for model, file in catalogue.policies.items()}
        followed = {"", *map(str, catalogue.versions), *approvals, *policies}
        self._troubles = {name: trouble for name, trouble in self._troubles.items() if name in followed}
        for key in sorted(catalogue.versions, key=lambda key: (-key.version, key.model)):
            if not self._follow_version(key, catalogue.versions[key]):
                break  # the next would fail too, and take its time for it
        for name, file in approvals.items():
            self._follow_file(name, file, LARGEST_BYTES)
        for name, file in policies.items():
            self._follow_file(name, file, LARGEST_POLICY_BYTES)
        self._remove_absent(catalogue, approvals.keys() | policies.keys())

    def _remove_absent(self, catalogue: Catalogue, files: Collection[str]) -> None:
        for name in held_files(self._folder).difference(files):
            discard(self._folder / name)
            self._tags.pop(name, None)
            with contextlib.suppress(OSError):  # it is the model's, or has others
                (self._folder / name).parent.rmdir()
        for key in held(self._folder) - catalogue.versions.keys():
            remove(self._folder, key)
            with contextlib.suppress(OSError):  # it has others
                (self._folder / key.model).rmdir()
            _log.info("version removed, as at its address", extra={"model": key.model, "version": key.version})

    def _follow_version(self, key: Key, version: RemoteVersion) -> bool:
        """Copies a version that is new, or another than before. False when it could not be read or kept."""
        name = str(key)
        if is_held(self._folder, key, version):
            self._troubles.pop(name, None)
            return True
        if not self._is_due(name, version.tag):
            return True
        begun_s = self._clock_s()
        with self._noted(name, version.tag):
            fetch(self._remote, key, version, self._folder)
            extra = {"model": key.model, "version": key.version, "bytes": version.size_bytes}
            _log.info("version mirrored", extra={**extra, "seconds": round(self._clock_s() - begun_s, 3)})
        trouble = self._troubles.get(name)
        return trouble is None or trouble.is_broken

    def replace_policy(self, path: Path, policy: policy_pb2.Policy) -> None:
        """Puts a policy in place of that at the address, and then of its copy. From any thread.

        Raises:
            OSError: either cannot be written.
        """
        try:
            self._remote.replace(_policy(path.parent.name), write_policy(policy))
        except RepositoryUnreadable as error:
            raise OSError(errno.EIO, str(error)) from error
        replace_policy(path, policy)

    def _follow_file(self, name: str, file: RemoteFile, limit: int) -> None:
        """Copies a file beside the versions that is new, or another than before; it has at most `limit` bytes."""
        is_here = (self._folder / name).is_file()
        if (is_here and self._tags.get(name) == file.tag) or not self._is_due(name, file.tag):
            return
        with self._noted(name, file.tag):
            content = self._remote.read(name, limit)
            if len(content) > limit:
                raise BadBundle(f"it has more than {limit:,} bytes")
            if len(content) != file.size_bytes:
                raise RepositoryUnreadable(
                    f"it was cut or replaced: {len(content):,} of {file.size_bytes:,} bytes came"
                )
            replace_file(self._folder / name, content)
            self._tags[name] = file.tag

    def _has_lock(self) -> bool:
        """Whether this is the server that mirrors into the folder; then nobody else's leftovers are in use."""
        if self._lock is not None:
            return True
        lock = (self._folder / _LOCK).open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another server's; it goes on when that ends
            lock.close()
            return False
        self._lock = lock
        for path in self._folder.glob(f"{HIDDEN}*"):
            discard(path)
        return True

    def close(self) -> None:
        """Lets another server mirror."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _is_due(self, name: str, tag: str) -> bool:
        trouble = self._troubles.get(name)
        return trouble is None or trouble.tag != tag or self._clock_s() >= trouble.due_s

    @contextmanager
    def _noted(self, name: str, tag: str) -> Iterator[None]:
        """Notes what fails inside under this name, and forgets what failed before when nothing does."""
        try:
            yield
        except BadBundle as error:
            self._note(name, tag, f"{name}: {error}", is_broken=True)
        except (RepositoryUnreadable, OSError) as error:
            self._note(name, tag, str(error), is_broken=False)
        else:
            if self._troubles.pop(name, None) is not None:
                _log.info("mirrored again", extra={"what": name or self._remote.address})

    def _note(self, name: str, tag: str, reason: str, *, is_broken: bool) -> None:
        self._on_failure()
        before, reason = self._troubles.get(name), reason[:_LONGEST_REASON]
        count = before.count + 1 if before and before.tag == tag else 1
        longest_s = _LONGEST_WAIT_WHEN_BROKEN_S if is_broken else _LONGEST_WAIT_S
        wait_s = min(self._pause_s * 2 ** min(count - 1, 16), longest_s)
        self._troubles[name] = Trouble(tag, reason, is_broken, count, self._clock_s() + wait_s)
        if before is None or (before.tag, before.reason) != (tag, reason):
            extra = {"what": name or self._remote.address, "reason": reason}
            _log.error("cannot be mirrored; what is here is kept", extra=extra)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"{error.strerror}; what is mirrored needs a folder that can be written: --mirror DIR"
        raise OSError(error.errno, reason, str(folder)) from error


def held(folder: Path) -> set[Key]:
    """The versions that the folder has a copy of."""
    models = [path for path in folder.iterdir() if is_model_name(path.name) and path.is_dir()]
    return {Key(m.name, int(path.name)) for m in models for path in m.iterdir() if is_version_name(path.name)}


def held_files(folder: Path) -> set[str]:
    """The policies and approvals that the folder has a copy of, by their names at the address."""
    paths = [*folder.glob(f"*/{POLICY_FILE}"), *folder.glob(f"*/{FOLDER}/*.json")]
    names = [path.relative_to(folder).as_posix() for path in paths]
    return {name for name in names if is_model_name(name.partition("/")[0])}


def _policy(model: str) -> str:
    return f"{model}/{POLICY_FILE}"
