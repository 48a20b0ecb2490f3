"""What a listing of files at an address says: which versions are complete, and what else is mirrored."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from server.approval import FOLDER
from server.bundle import SUMS_FILE, largest_bytes
from server.errors import BadBundle
from server.remote import RemoteFile
from server.repository import POLICY_FILE, is_model_name

_MOST_FILES = 32
_LARGEST_SUMS_BYTES = 1 << 16
_VERSION = re.compile(r"[1-9][0-9]{0,14}")
_APPROVALS = re.compile(r"([1-9][0-9]{0,14})\.json")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_IN_VERSION = 3  # parts of <model>/<version>/<file>
_IN_MODEL = 2


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A version of a model."""

    model: str
    version: int

    def __str__(self) -> str:
        return f"{self.model}/{self.version}"


@dataclass(frozen=True, slots=True)
class RemoteVersion:
    """A complete version: its files by their names in its folder."""

    files: Mapping[str, RemoteFile]

    @property
    def tag(self) -> str:
        """Changes when any of the files does."""
        lines = (f"{name} {file.size_bytes} {file.tag}\n" for name, file in sorted(self.files.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def size_bytes(self) -> int:
        """Of all files together."""
        return sum(file.size_bytes for file in self.files.values())

    def check(self) -> None:
        """Nothing, when it may be downloaded.

        Raises:
            BadBundle: it has too many files, or one is too large. The text names it and the limit.
        """
        if len(self.files) > _MOST_FILES:
            raise BadBundle(f"it has {len(self.files)} files; at most {_MOST_FILES} are mirrored")
        for name, file in self.files.items():
            limit = _LARGEST_SUMS_BYTES if name == SUMS_FILE else largest_bytes(name)
            if file.size_bytes > limit:
                raise BadBundle(f"{name} has {file.size_bytes:,} bytes; at most {limit:,} are mirrored")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that is mirrored.

    Attributes:
        versions: the complete ones.
        policies: policy.json by model.
        approvals: who agreed to complete versions.
    """

    versions: Mapping[Key, RemoteVersion]
    policies: Mapping[str, RemoteFile]
    approvals: Mapping[Key, RemoteFile] = field(default_factory=dict)


def read_catalogue(files: Mapping[str, RemoteFile]) -> Catalogue:
    """What these files are. Names that are not a model's, a version's or a plain file's are not seen."""
    folders: defaultdict[Key, dict[str, RemoteFile]] = defaultdict(dict)
    policies, approvals = {}, {}
    for path, file in files.items():
        parts = path.split("/")
        if not is_model_name(parts[0]):
            continue
        if len(parts) == _IN_MODEL and parts[1] == POLICY_FILE:
            policies[parts[0]] = file
        elif len(parts) == _IN_VERSION and is_version_name(parts[1]) and _FILE.fullmatch(parts[2]):
            folders[Key(parts[0], int(parts[1]))][parts[2]] = file
        elif len(parts) == _IN_VERSION and parts[1] == FOLDER and (match := _APPROVALS.fullmatch(parts[2])):
            approvals[Key(parts[0], int(match[1]))] = file
    complete = {key: RemoteVersion(found) for key, found in folders.items() if SUMS_FILE in found}
    return Catalogue(complete, policies, {key: file for key, file in approvals.items() if key in complete})


def is_version_name(name: str) -> bool:
    """Whether a folder of this name can be a version: a whole number from 1 to 10^15 - 1, without leading zeros."""
    return _VERSION.fullmatch(name) is not None
