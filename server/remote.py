"""Files at an address, through fsspec and the driver of the address's scheme. The only module that imports fsspec."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from fsspec.core import url_to_fs

from server.addresses import scheme, shown
from server.errors import RepositoryUnreadable

# More files than any repository has (assumed: 20 models, 100 versions each, of ten files).
LARGEST_LISTING = 20_000
_LISTING_S = 30.0
_TRANSFER_S = 60.0  # of one piece
_PIECE_BYTES = 8 << 20
_LONGEST_REASON = 500

# The driver, and the extra of ours that installs it.
_DRIVERS = {"s3": ("s3fs", "s3"), "s3a": ("s3fs", "s3"), "gs": ("gcsfs", "gcs"), "gcs": ("gcsfs", "gcs")}

# What says that a file is another one, best first: a hash of its bytes, a number of its generation, a time.
_TAGS = ("ETag", "etag", "md5Hash", "generation", "LastModified", "last_modified", "updated", "mtime")

# Listings of the largest drivers can be bounded where they are made; those of others are when they are there.
_BOUNDS: Mapping[str, Mapping[str, object]] = {
    "s3": {"max_items": LARGEST_LISTING + 1},
    "s3a": {"max_items": LARGEST_LISTING + 1},
}


class NoDriver(RepositoryUnreadable):
    """The library that reads this kind of address is not installed, or there is none. The operator's fault."""


class AlreadyThere(Exception):
    """A file of this name exists, and was to be created."""


class FileSystem(Protocol):
    """The part of fsspec's that is used."""

    def find(self, path: str, /, *, detail: bool, **options: object) -> Mapping[str, Mapping[str, Any]]:
        """Every file below the path, by name."""

    def cat_file(self, path: str, /, *, start: int, end: int, **options: object) -> bytes:
        """Some of a file's bytes."""

    def pipe_file(self, path: str, value: bytes, /, *, mode: str, **options: object) -> object:
        """Writes a file; with mode "create" only where none is."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file at an address.

    Attributes:
        size_bytes: its length.
        tag: changes when its bytes do.
    """

    size_bytes: int
    tag: str


class Remote:
    """The files below an address. Names are relative to it, with '/'.

    Args:
        files: fsspec's.
        root: the address as that file system writes it.
        address: as the operator writes it.
        has_timeouts: whether its calls take `timeout`.
    """

    def __init__(self, files: FileSystem, root: str, address: str, *, has_timeouts: bool = False) -> None:
        self._files = files
        self._root = root.rstrip("/")
        self._has_timeouts = has_timeouts
        self._bounds = _BOUNDS.get(scheme(address), {})
        self.address = shown(address)

    @classmethod
    def connect(cls, address: str) -> Self:
        """The files at this address; nothing is asked of it yet.

        Raises:
            NoDriver: its scheme has no driver, or the driver is not installed.
        """
        try:
            files, root = url_to_fs(address, use_listings_cache=False, skip_instance_cache=True)
        except ImportError as error:
            raise NoDriver(_missing(address, error)) from error
        except ValueError as error:
            raise NoDriver(f"{shown(address)} is no address that can be read: {error}") from error
        return cls(files, root, address, has_timeouts=bool(getattr(files, "async_impl", False)))

    def files(self) -> Mapping[str, RemoteFile]:
        """Every file, by name. A name may be anything that a foreign writer can think of.

        Raises:
            RepositoryUnreadable: it cannot be listed, or only in part.
        """
        try:
            found = self._files.find(self._root, detail=True, **self._bounds, **self._within(_LISTING_S))
        except Exception as error:  # the edge: each driver fails in its own ways
            raise self._failure("cannot be listed", error) from error
        if len(found) > LARGEST_LISTING:
            raise RepositoryUnreadable(
                f"{self.address} has more than {LARGEST_LISTING:,} files; name the folder that has only the models"
            )
        prefix = f"{self._root}/"
        return {name.removeprefix(prefix): _read(info) for name, info in found.items() if name.startswith(prefix)}

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of a file, at most `limit` + 1 of them.

        Raises:
            RepositoryUnreadable: it cannot be read.
        """
        return self._piece(name, 0, limit + 1)

    def download(self, name: str, size_bytes: int, target: Path) -> str:
        """Writes the file's first `size_bytes` to a new local file, piece by piece; their SHA-256 in hex.

        Raises:
            RepositoryUnreadable: it cannot be read, or is shorter.
            OSError: the local file cannot be written.
        """
        digest = hashlib.sha256()
        with target.open("xb") as file:
            for start in range(0, size_bytes, _PIECE_BYTES):
                end = min(start + _PIECE_BYTES, size_bytes)
                piece = self._piece(name, start, end)
                if len(piece) != end - start:
                    raise RepositoryUnreadable(
                        f"{self.address}/{name} was cut: {start + len(piece):,} of {size_bytes:,} bytes came"
                    )
                digest.update(piece)
                file.write(piece)
        return digest.hexdigest()

    def create(self, name: str, data: bytes) -> None:
        """Writes a file that is not there yet; of several that try, one succeeds, if the store can do that.

        Raises:
            AlreadyThere: a file of this name is there.
            RepositoryUnreadable: it cannot be written.
        """
        self._write(name, data, "create")

    def replace(self, name: str, data: bytes) -> None:
        """Writes a file, in place of one that may be there.

        Raises:
            RepositoryUnreadable: it cannot be written.
        """
        self._write(name, data, "overwrite")

    def _write(self, name: str, data: bytes, mode: str) -> None:
        try:
            self._files.pipe_file(f"{self._root}/{name}", data, mode=mode, **self._within(_TRANSFER_S))
        except FileExistsError as error:
            raise AlreadyThere(f"{self.address}/{name} is there already") from error
        except Exception as error:  # the edge: each driver fails in its own ways
            raise self._failure("cannot be written", error, name) from error

    def _piece(self, name: str, start: int, end: int) -> bytes:
        try:
            return self._files.cat_file(f"{self._root}/{name}", start=start, end=end, **self._within(_TRANSFER_S))
        except Exception as error:  # the edge: each driver fails in its own ways
            raise self._failure("cannot be read", error, name) from error

    def _within(self, seconds: float) -> Mapping[str, object]:
        return {"timeout": seconds} if self._has_timeouts else {}

    def _failure(self, what: str, error: Exception, name: str = "") -> RepositoryUnreadable:
        place = f"{self.address}/{name}" if name else self.address
        return RepositoryUnreadable(f"{place} {what}: {type(error).__name__} {error}"[:_LONGEST_REASON].rstrip())


def _missing(address: str, error: ImportError) -> str:
    driver, extra = _DRIVERS.get(scheme(address), ("", ""))
    remedy = f"it needs {driver}: pip install 'audience[{extra}]'" if extra else str(error)
    return f"{shown(address)} cannot be read: {remedy}"


def _read(info: Mapping[str, Any]) -> RemoteFile:
    tag = next((str(info[key]) for key in _TAGS if info.get(key) is not None), "")
    return RemoteFile(int(info.get("size") or 0), tag)
