"""Publishing to an address, such as s3://bucket/prefix, where nothing can be renamed.

A version is visible once its SHA256SUMS is there; so that is written last. Who may write a version is settled before,
by a claim, <model>/.versions/<version>, which only one writer can create: it holds the hash of SHA256SUMS, stays for
ever, and so keeps a number from being used again. A publication that broke off can be taken up with the same files;
with others it needs the next number.
"""

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from server.bundle import SUMS_FILE, read_bundle
from server.catalogue import is_version_name, read_catalogue
from server.download import fetch
from server.errors import BadBundle, RepositoryUnreadable
from server.model import load_model
from server.remote import AlreadyThere, Remote, RemoteFile
from training.publish import NotPublished

_CLAIMS = ".versions"
_LAST_VERSION = ".last_version"  # of a repository that was a folder before; as training.publish writes it
_LARGEST_NOTE_BYTES = 100

Files = Mapping[str, RemoteFile]


def publish_remote(address: str, model: str, version: int, files: Mapping[str, bytes]) -> str:
    """Puts the files below <address>/<model>/<version>/, after a server's own checks of them; its address.

    Raises:
        NotPublished: the version exists, its number was used, the address cannot be read or written, or its store has
            no conditional writes. The text says which.
        BadBundle: a server would refuse it.
    """
    return publish_to(Remote.connect(address), model, version, files)


def publish_to(remote: Remote, model: str, version: int, files: Mapping[str, bytes]) -> str:
    """As `publish_remote`, where a connection is there already."""
    _check(model, version, files)
    place = f"{model}/{version}"
    try:
        _claim(remote, model, version, files[SUMS_FILE])
        for name in sorted(files.keys() - {SUMS_FILE}):
            remote.replace(f"{place}/{name}", files[name])  # whoever has this claim writes the same bytes
        remote.create(f"{place}/{SUMS_FILE}", files[SUMS_FILE])
    except AlreadyThere as error:
        raise NotPublished(f"{remote.address}/{place} cannot be published: it exists") from error
    except RepositoryUnreadable as error:
        raise NotPublished(f"{remote.address}/{place} cannot be published: {error}") from error
    return f"{remote.address}/{place}"


def last_remote_version(remote: Remote, model: str) -> int:
    """The last number that was ever used for the model, 0 for none, even if its version has been taken away since.

    Raises:
        NotPublished: what remembers it is damaged.
        RepositoryUnreadable: the repository cannot be listed.
    """
    return _last_version(remote, model, remote.files())


@contextmanager
def local_copy(address: str, model: str) -> Iterator[Path]:
    """A folder, until the end, that stands for the repository when a version is made after the ones before.

    It has the model's newest version that is whole, and knows the last number: what `find_previous` and `next_version`
    ask for.

    Raises:
        NotPublished: the repository cannot be read, or what remembers the last number is damaged.
    """
    with tempfile.TemporaryDirectory(prefix="audience-") as name:
        folder = Path(name)
        try:
            _copy_newest(Remote.connect(address), model, folder)
        except RepositoryUnreadable as error:
            raise NotPublished(str(error)) from error
        yield folder


@contextmanager
def published_at(repository: Path | str, model: str) -> Iterator[Path]:
    """The folder to publish a model's next version into; what appears there goes on to the repository's address.

    Args:
        repository: a folder, made if it is not there, or an address.
        model: name of the model.

    Raises:
        NotPublished: as local_copy and publish_remote.
        OSError: the folder cannot be written.
    """
    if isinstance(repository, Path):
        repository.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryDirectory(prefix=".incoming-", dir=repository).cleanup()  # can it be written at all
        yield repository
        return
    with local_copy(repository, model) as folder:
        before = _versions(folder / model)
        yield folder
        for version in sorted(_versions(folder / model) - before):
            files = {path.name: path.read_bytes() for path in (folder / model / str(version)).iterdir()}
            publish_remote(repository, model, version, files)


def _versions(model: Path) -> set[int]:
    return {int(folder.name) for folder in model.iterdir() if is_version_name(folder.name)}


def _copy_newest(remote: Remote, model: str, folder: Path) -> None:
    files = remote.files()
    versions = {key: one for key, one in read_catalogue(files).versions.items() if key.model == model}
    for key in sorted(versions, reverse=True):
        with contextlib.suppress(BadBundle):
            fetch(remote, key, versions[key], folder)
            break
    (folder / model).mkdir(exist_ok=True)
    (folder / model / _LAST_VERSION).write_text(f"{_last_version(remote, model, files)}\n", encoding="ascii")


def _check(model: str, version: int, files: Mapping[str, bytes]) -> None:
    """A server's own checks, on this machine."""
    with tempfile.TemporaryDirectory(prefix="audience-") as name:
        folder = Path(name) / model / str(version)
        folder.mkdir(parents=True)
        for file, data in files.items():
            (folder / file).write_bytes(data)
        load_model(read_bundle(folder), largest_batch=1)


def _claim(remote: Remote, model: str, version: int, sums: bytes) -> None:
    """Makes the number ours, or finds that it is.

    Raises:
        AlreadyThere: the version is complete.
        NotPublished: the number is somebody else's, or was used before there were claims.
    """
    name, claim = f"{model}/{_CLAIMS}/{version}", hashlib.sha256(sums).hexdigest().encode()
    files = remote.files()
    if f"{model}/{version}/{SUMS_FILE}" in files:
        raise AlreadyThere(name)
    if name not in files:
        _check_unused(remote, model, version, files)
    try:
        remote.create(name, claim)
        remote.create(name, claim)
    except AlreadyThere:
        if remote.read(name, _LARGEST_NOTE_BYTES) != claim:
            raise _used(remote, model, version, max(version, _last_version(remote, model, files))) from None
        return
    raise NotPublished(
        f"{remote.address} lets a file be written over that was only to be created, so that two publishers could spoil "
        "each other's version; needed is a store with conditional writes, such as Amazon S3 or Google Cloud Storage"
    )


def _check_unused(remote: Remote, model: str, version: int, files: Files) -> None:
    last = _last_version(remote, model, files)
    if version <= _noted_version(remote, model, files) or any(path.startswith(f"{model}/{version}/") for path in files):
        raise _used(remote, model, version, last)


def _used(remote: Remote, model: str, version: int, last: int) -> NotPublished:
    return NotPublished(
        f"{remote.address}/{model}/{version} cannot be published: the number was used for other files, and is "
        f"never used again; the next one is {last + 1}"
    )


def _last_version(remote: Remote, model: str, files: Files) -> int:
    paths = (path.split("/") for path in files)
    inside = [parts[1:] for parts in paths if parts[0] == model]
    claimed = [parts[1] for parts in inside if parts[0] == _CLAIMS and parts[1:]]
    numbers = [int(name) for name in [*claimed, *(parts[0] for parts in inside if parts)] if is_version_name(name)]
    return max([_noted_version(remote, model, files), *numbers])


def _noted_version(remote: Remote, model: str, files: Files) -> int:
    name = f"{model}/{_LAST_VERSION}"
    if name not in files:
        return 0
    text = remote.read(name, _LARGEST_NOTE_BYTES)
    try:
        return int(text)
    except ValueError as error:
        raise NotPublished(
            f"{remote.address}/{name} should hold the number of the last version; it has {text!r}"
        ) from error
