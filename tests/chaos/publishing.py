"""Kills publishing at every step on the file system, and looks at what is left: python -m tests.chaos.publishing.

A step is what Python's audit hooks report of opening, making, renaming and removing, and each fsync. A process that is
killed at an fsync leaves half of the file, as a machine may that loses its power. After each death a scan has to see
the old versions or the new one too, all whole, and the next publication has to work.
"""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from unittest import mock

from server.bundle import read_bundle
from server.errors import BadBundle
from server.repository import scan
from tests.bundles import MODEL, make
from training.previous import next_version
from training.publish import publish

Files = Mapping[str, bytes]
Publish = Callable[[Path, str, int, Files], object]

_EVENTS = frozenset({"os.mkdir", "os.rename", "os.remove", "os.rmdir"})
_KILLED = 86  # exit status


@dataclass(frozen=True, slots=True)
class Death:
    """What one death left.

    Attributes:
        step: at which the publisher was killed, from 1.
        event: what that step was.
        seen: complete versions that were seen then.
        torn: why those of them that are not whole are refused.
        left: other entries of the repository.
        after: complete versions after the next publication, which succeeded.
    """

    step: int
    event: str
    seen: tuple[int, ...]
    torn: tuple[str, ...]
    left: tuple[str, ...]
    after: tuple[int, ...]


class _Killer:
    """Ends this process when it has taken so many steps, and writes down what the last one would have been."""

    def __init__(self, steps: int, repository: Path, epitaph: Path) -> None:
        self._left = steps
        self._repository = str(repository)
        self._epitaph = os.open(epitaph, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self._fsync = os.fsync

    def hear(self, event: str, arguments: tuple[object, ...]) -> None:
        """Is told of everything that is audited; what Python opens to import does not count."""
        if event in _EVENTS or (event == "open" and str(arguments[0]).startswith(self._repository)):
            self._take(event)

    def fsync(self, handle: int) -> None:
        """Stands for os.fsync."""
        self._take("fsync", handle)
        self._fsync(handle)

    def _take(self, event: str, handle: int | None = None) -> None:
        self._left -= 1
        if self._left:
            return
        if handle is not None and stat.S_ISREG(os.fstat(handle).st_mode):
            os.ftruncate(handle, os.fstat(handle).st_size // 2)
        os.write(self._epitaph, event.encode())
        os._exit(_KILLED)


def deaths(
    folder: Path, old: Sequence[int], versions: Mapping[int, Files], publish_: Publish = publish
) -> Iterator[Death]:
    """Every death that publishing the next version can die.

    Args:
        folder: an empty one.
        old: versions that are there before.
        versions: files by number: those, and two more.
        publish_: what is killed, with the arguments of training's publish.
    """
    before = folder / "before"
    before.mkdir()
    for version in old:
        publish(before, MODEL, version, versions[version])
    for step in count(1):
        repository = Path(shutil.copytree(before, folder / str(step)))
        epitaph = folder / f"{step}.event"
        status = _ends(partial(_die, partial(_Killer, step, repository, epitaph), repository, versions, publish_))
        if not status:
            return  # it was done before this step
        if status != _KILLED:
            raise RuntimeError(f"publishing failed by itself before step {step}, with exit status {status}")
        yield _look(step, epitaph.read_text(encoding="ascii"), repository, versions)


def _die(killed: Callable[[], _Killer], repository: Path, versions: Mapping[int, Files], publish_: Publish) -> None:
    killer = killed()
    version = next_version(repository, MODEL)
    with mock.patch.object(os, "fsync", killer.fsync):
        sys.addaudithook(killer.hear)
        publish_(repository, MODEL, version, versions[version])
        os._exit(0)


def _look(step: int, event: str, repository: Path, versions: Mapping[int, Files]) -> Death:
    seen = _complete(repository)
    torn = tuple(reason for version in seen if (reason := _torn(repository / MODEL / str(version))))
    left = tuple(sorted(path.name for path in repository.iterdir() if path.name != MODEL))
    following = next_version(repository, MODEL)
    if _ends(lambda: publish(repository, MODEL, following, versions[following])):
        raise RuntimeError(f"after a death at step {step}, {event}, version {following} cannot be published")
    return Death(step, event, seen, torn, left, _complete(repository))


def _complete(repository: Path) -> tuple[int, ...]:
    found = scan(repository).get(MODEL, {})
    return tuple(sorted(version for version, fingerprint in found.items() if fingerprint.is_complete))


def _torn(folder: Path) -> str:
    try:
        read_bundle(folder)
    except BadBundle as error:
        return f"{folder.name}: {error}"
    return ""


def _ends(work: Callable[[], object]) -> int:
    """Exit status of a process that does this and nothing else."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        work()
        os._exit(0)
    except BaseException as error:  # the edge of a process
        os.write(2, f"{error!r}\n".encode())
    finally:
        os._exit(1)


def faults(found: Sequence[Death], old: Sequence[int]) -> list[str]:
    """What should not be after some death, a sentence each.

    Args:
        found: every death, in the order of their steps.
        old: versions that were there before.
    """
    new = max(old, default=0) + 1
    strange = [one for one in found if one.seen not in {tuple(old), (*old, new)}]
    lost = [one for one, later in pairwise(found) if len(later.seen) < len(one.seen)]
    again = [one for one in found if len(one.after) != len(one.seen) + 1 or set(one.seen) - set(one.after)]
    return [
        *(f"step {one.step}, {one.event}: torn: {reason}" for one in found for reason in one.torn),
        *(f"step {one.step}, {one.event}: versions {one.seen} are seen" for one in strange),
        *(f"step {one.step}, {one.event}: versions {one.seen} are seen, and fewer a step later" for one in lost),
        *(f"step {one.step}, {one.event}: from {one.seen} the next publication makes {one.after}" for one in again),
    ]


def search(publish_: Publish = publish) -> int:
    """Every death of two publications. Exit status 0: nothing was ever torn or lost; 1: something was, and is said."""
    versions = {version: make(version).files() for version in (1, 2, 3)}
    wrong: list[str] = []
    for old in ((), (1,)):
        with tempfile.TemporaryDirectory() as folder:
            found = list(deaths(Path(folder), old, versions, publish_))
        wrong += faults(found, old)
        kinds = ", ".join(f"{sum(one.event == event for one in found)} at {event}" for event in sorted(_events(found)))
        print(f"{len(found)} deaths beside {len(old)} versions ({kinds}); seen after: {_seen(found)}")  # noqa: T201
    print("\n".join(wrong) or "every one left whole versions, and the next publication worked")  # noqa: T201
    return int(bool(wrong))


def _events(found: Sequence[Death]) -> set[str]:
    return {one.event for one in found}


def _seen(found: Sequence[Death]) -> str:
    """Which versions how many deaths left."""
    kinds = sorted({one.seen for one in found})
    return ", ".join(f"{list(kind)} {sum(one.seen == kind for one in found)} times" for kind in kinds)


if __name__ == "__main__":
    sys.exit(search())
