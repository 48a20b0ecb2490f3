"""One version from an address: into a hidden folder, verified, then revealed by a rename."""

import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from server.bundle import SUMS_FILE, parse_sums
from server.catalogue import Key, RemoteVersion
from server.errors import BadBundle
from server.remote import Remote

HIDDEN = ".incoming-"

# In a version's folder: the tag of what it is a copy of. No remote file can have this name.
_SOURCE = ".source"

# A file that SHA256SUMS does not list, such as a signature of it. (assumed)
_LARGEST_UNLISTED_BYTES = 1 << 20


def is_held(folder: Path, key: Key, version: RemoteVersion) -> bool:
    """Whether the folder has a copy of exactly this version, every file at its full length."""
    copy = folder / str(key)
    try:
        if (copy / _SOURCE).read_text(encoding="ascii") != version.tag:
            return False
        return all((copy / name).stat().st_size == file.size_bytes for name, file in version.files.items())
    except (OSError, ValueError):
        return False


def fetch(remote: Remote, key: Key, version: RemoteVersion, folder: Path) -> None:
    """Copies a version into the folder, in place of the copy that may be there. What fails leaves nothing behind.

    Raises:
        BadBundle: it is too large, or its files are not what its SHA256SUMS lists.
        RepositoryUnreadable: it cannot be read.
        OSError: the folder cannot be written, or has no room.
    """
    version.check()
    _check_room(folder, version)
    incoming = folder / f"{HIDDEN}{key.model}-{key.version}"
    discard(incoming)
    try:
        incoming.mkdir()
        _download(remote, key, version, incoming)
        (incoming / _SOURCE).write_text(version.tag, encoding="ascii")
        _reveal(incoming, folder, key)
    finally:
        discard(incoming)


def remove(folder: Path, key: Key) -> None:
    """Takes the copy of a version away, at once for those who look."""
    hidden = folder / f"{HIDDEN}removed-{key.model}-{key.version}"
    discard(hidden)
    (folder / str(key)).rename(hidden)
    discard(hidden)


def discard(path: Path) -> None:
    """Removes a file or a folder that may not be there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Puts this content in place of a file's: whoever reads it sees the one or the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(content)
    draft.replace(path)


def _check_room(folder: Path, version: RemoteVersion) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if version.size_bytes > free_bytes:
        reason = f"no room: {version.size_bytes:,} bytes are needed, {free_bytes:,} are free"
        raise OSError(errno.ENOSPC, reason, str(folder))


def _download(remote: Remote, key: Key, version: RemoteVersion, incoming: Path) -> None:
    """Every file, on disk before the folder gets its name; each as SHA256SUMS says."""
    remote.download(f"{key}/{SUMS_FILE}", version.files[SUMS_FILE].size_bytes, incoming / SUMS_FILE)
    sums = parse_sums((incoming / SUMS_FILE).read_bytes())
    _check_listed(version, sums)
    for name in sorted(version.files.keys() - {SUMS_FILE}):
        actual = remote.download(f"{key}/{name}", version.files[name].size_bytes, incoming / name)
        if sums.get(name, actual) != actual:
            raise BadBundle(
                f"{name} was altered or cut: its SHA-256 is {actual[:12]}…, {SUMS_FILE} has {sums[name][:12]}…"
            )
    _sync(*(incoming / name for name in version.files), incoming)


def _check_listed(version: RemoteVersion, sums: Mapping[str, str]) -> None:
    for name in sorted(sums.keys() - version.files.keys()):
        raise BadBundle(f"{name} is listed in {SUMS_FILE} and is not there")
    for name in sorted(version.files.keys() - sums.keys() - {SUMS_FILE}):
        size_bytes = version.files[name].size_bytes
        if size_bytes > _LARGEST_UNLISTED_BYTES:
            raise BadBundle(
                f"{name} has {size_bytes:,} bytes and is not listed in {SUMS_FILE}; "
                f"at most {_LARGEST_UNLISTED_BYTES:,} of such a file are mirrored"
            )


def _sync(*paths: Path) -> None:
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _reveal(incoming: Path, folder: Path, key: Key) -> None:
    target, replaced = folder / str(key), folder / f"{HIDDEN}replaced-{key.model}-{key.version}"
    target.parent.mkdir(exist_ok=True)
    discard(replaced)
    if target.exists():
        target.rename(replaced)
    incoming.rename(target)
    discard(replaced)
