"""What is on disk: <repository>/<model>/<version>/, and beside the versions who gets them and who approved them."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from server.bundle import SUMS_FILE
from server.errors import RepositoryUnreadable

_MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VERSION_NAME = re.compile(r"[1-9][0-9]{0,14}")  # up to 10^15 - 1, which bundle.proto's 2^53 - 1 covers


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Changes when any file of a version's folder does: name, bytes and modification time of each."""

    files: tuple[tuple[str, int, int], ...]

    @property
    def is_complete(self) -> bool:
        """Whether the list of hashes is there; a folder that is being copied may not have it yet."""
        return any(name == SUMS_FILE for name, _, _ in self.files)


POLICY_FILE = "policy.json"

Versions = Mapping[int, Fingerprint]


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look at the repository sees. Another look that sees the same needs no further one.

    Attributes:
        models: every model, with its versions.
        beside: of the other files of each model (its policy, approvals), in their order: names, and what changes with
            them.
    """

    models: Mapping[str, Versions]
    beside: tuple[tuple[object, ...], ...]


def look(root: Path) -> Sight:
    """Looks at everything that decides what serves; raises as scan."""
    models = scan(root)
    beside = (tuple(_beside(os.path.join(root, name))) for name in models)  # noqa: PTH118  # a third of Path's time
    return Sight(models, tuple(beside))


def _beside(folder: str, depth: int = 2) -> Iterator[object]:
    """The files in a folder and in those within it, but for the versions; what cannot be read looks like an error."""
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.path, _is_folder(entry)) for entry in entries)
    except OSError as error:  # it may have gone just now, or be somebody's own; who needs it says so
        yield error.errno
        return
    for name, path, is_folder in found:
        if not is_folder:
            yield name, _file(path)
        elif depth > 1 and not _VERSION_NAME.fullmatch(name):
            yield name
            yield from _beside(path, depth - 1)


def _file(path: str) -> tuple[int, ...]:
    """What changes with a file, or with the one that it leads to."""
    try:
        status = os.stat(path)  # noqa: PTH116  # a third of Path's time
    except OSError as error:
        return (error.errno or 0,)
    return status.st_ino, status.st_size, status.st_mtime_ns


def is_model_name(name: str) -> bool:
    """Whether a folder of this name can be a model: lower-case letters, digits, '-' and '_', at most 64."""
    return _MODEL_NAME.fullmatch(name) is not None


def scan(root: Path) -> Mapping[str, Versions]:
    """Every model in the repository, with its versions. Folders with other names, such as '.incoming', are not seen.

    Raises:
        RepositoryUnreadable: the root or a model's folder cannot be listed.
    """
    try:
        with os.scandir(root) as entries:
            models = [entry for entry in entries if is_model_name(entry.name) and _is_folder(entry)]
        return {entry.name: _versions(entry.path) for entry in models}
    except OSError as error:
        raise RepositoryUnreadable(f"the repository {root} cannot be read: {error.strerror}") from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Or a link to one. A link that leads to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _versions(model: str) -> Versions:
    with os.scandir(model) as entries:
        folders = [entry for entry in entries if _VERSION_NAME.fullmatch(entry.name) and _is_folder(entry)]
    read = ((int(folder.name), _fingerprint(folder.path)) for folder in folders)
    return {version: fingerprint for version, fingerprint in read if fingerprint is not None}


def _fingerprint(folder: str) -> Fingerprint | None:
    """None when the folder went away while it was read; incomplete when it cannot be read, so that others still can."""
    try:
        with os.scandir(folder) as entries:
            stats = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
    except FileNotFoundError:
        return None
    except OSError:
        return Fingerprint(())
    return Fingerprint(tuple(sorted((name, status.st_size, status.st_mtime_ns) for name, status in stats)))
