"""What is on disk: <repository>/<model>/<version>/."""

import re
from collections.abc import Mapping
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


def is_model_name(name: str) -> bool:
    """Whether a folder of this name can be a model: lower-case letters, digits, '-' and '_', at most 64."""
    return _MODEL_NAME.fullmatch(name) is not None


def scan(root: Path) -> Mapping[str, Versions]:
    """Every model in the repository, with its versions. Folders with other names, such as '.incoming', are not seen.

    Raises:
        RepositoryUnreadable: the root or a model's folder cannot be listed.
    """
    try:
        return {
            entry.name: _versions(entry) for entry in root.iterdir() if is_model_name(entry.name) and entry.is_dir()
        }
    except OSError as error:
        raise RepositoryUnreadable(f"the repository {root} cannot be read: {error.strerror}") from error


def _versions(model: Path) -> Versions:
    folders = (entry for entry in model.iterdir() if _VERSION_NAME.fullmatch(entry.name) and entry.is_dir())
    return {int(folder.name): fingerprint for folder in folders if (fingerprint := _fingerprint(folder)) is not None}


def _fingerprint(folder: Path) -> Fingerprint | None:
    """None when the folder went away while it was read; incomplete when it cannot be read, so that others still can."""
    try:
        stats = [(entry.name, entry.lstat()) for entry in folder.iterdir()]
    except FileNotFoundError:
        return None
    except OSError:
        return Fingerprint(())
    return Fingerprint(tuple(sorted((name, status.st_size, status.st_mtime_ns) for name, status in stats)))
