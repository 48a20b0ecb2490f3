"""A version appears in the repository whole, or not at all."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from google.protobuf import json_format

from protos.audience.v1 import bundle_pb2
from server.bundle import (
    EVALUATION_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    SIGNATURE_FILE,
    SUMS_FILE,
    read_bundle,
)
from server.model import load_model
from server.reference import REFERENCE_FILE
from training.errors import NotTrained
from training.features import Features
from training.signature import SigningKey

# A number, and with it the segments' keys, is never used again, whatever becomes of the version.
_LAST_VERSION = ".last_version"
_INCOMING = ".incoming-"
_ABANDONED_S = 24 * 3600  # publishing takes seconds


class NotPublished(NotTrained):
    """The version could not be put into the repository. The text says why."""


def bundle_files(
    manifest: bundle_pb2.Manifest,
    graph: bytes,
    reference: tuple[Features, Features],
    evaluation: Mapping[str, object],
    others: Mapping[str, bytes] = MappingProxyType({}),
) -> Mapping[str, bytes]:
    """The files of a version, with their hashes.

    Args:
        manifest: what the version says of itself.
        graph: model.onnx.
        reference: rows and their scores, shapes (m, width) and (m, score_count).
        evaluation: every figure, by head.
        others: further files, by name.
    """
    arrays = io.BytesIO()
    np.savez(arrays, features=reference[0], scores=reference[1])
    files = {
        MODEL_FILE: graph,
        MANIFEST_FILE: json_format.MessageToJson(manifest, preserving_proto_field_name=True).encode(),
        REFERENCE_FILE: arrays.getvalue(),
        EVALUATION_FILE: json.dumps(evaluation, indent=2, allow_nan=False).encode(),
        **others,
    }
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    return {**files, SUMS_FILE: sums.encode()}


def publish(
    repository: Path, model: str, version: int, files: Mapping[str, bytes], signing_key: SigningKey | None = None
) -> Path:
    """Puts the files into <repository>/<model>/<version>/ by one atomic rename, after a server's own checks of them.

    Args:
        repository: a folder that is there.
        model: name of the model.
        version: which no version has or had.
        files: what bundle_files returned.
        signing_key: whose signature the version gets; None for none.

    Raises:
        NotPublished: the version exists already, or the repository is not there or cannot be written.
        BadBundle: a server would refuse it.
    """
    target = repository / model / str(version)
    try:
        with tempfile.TemporaryDirectory(prefix=_INCOMING, dir=repository, ignore_cleanup_errors=True) as hidden:
            incoming = Path(hidden) / model / str(version)
            _sweep(Path(hidden))
            _write(incoming, _signed(files, signing_key))
            load_model(read_bundle(incoming, signing_key.trusted if signing_key else None), largest_batch=1)
            target.parent.mkdir(exist_ok=True)
            _reveal(incoming, target)
    except (OSError, NotPublished) as error:
        with contextlib.suppress(OSError):
            target.parent.rmdir()  # if it was made for this version: it goes only when it is empty
        if isinstance(error, NotPublished):
            raise
        raise NotPublished(f"{target} cannot be published: {error.strerror}") from error
    return target


def _signed(files: Mapping[str, bytes], key: SigningKey | None) -> Mapping[str, bytes]:
    return files if key is None else {**files, SIGNATURE_FILE: key.sign(files[SUMS_FILE])}


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Every file, on disk before the folder gets its name."""
    folder.mkdir(parents=True)
    for name, data in files.items():
        with (folder / name).open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    _sync(folder)


def _sweep(hidden: Path) -> None:
    """Removes what publishers left beside this folder when they were killed, a day ago or more by the disk's clock."""
    now_s = hidden.stat().st_mtime
    for left in hidden.parent.glob(f"{_INCOMING}*"):
        with contextlib.suppress(OSError):  # it went away, or is somebody else's: in nobody's way
            if now_s - left.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(left)


def _reveal(incoming: Path, target: Path) -> None:
    """The rename, once the number is used up: whoever sees the version cannot make another one of its number."""
    before = last_version(target.parent.parent, target.parent.name)
    try:
        _remember(target.parent, max(before, int(target.name)))
        _rename(incoming, target)
    except OSError:
        if not target.exists():  # somebody else's, then
            with contextlib.suppress(OSError):  # a number that stays used up is no harm
                _remember(target.parent, before)
        raise


def _rename(incoming: Path, target: Path) -> None:
    """The rename; undone when it cannot be made sure of, since a power failure could undo it later."""
    incoming.rename(target)
    try:
        _sync(target.parent)
        _sync(target.parent.parent)  # the model's folder may be new
    except OSError:
        target.rename(incoming)
        raise


def last_version(repository: Path, model: str) -> int:
    """The last version that was ever published of the model, 0 for none, even if it has been taken away since.

    Raises:
        NotPublished: what remembers it is damaged.
    """
    path = repository / model / _LAST_VERSION
    try:
        return int(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0
    except (OSError, ValueError) as error:
        raise NotPublished(f"{path} should hold the number of the last version: {error}") from error


def _remember(folder: Path, number: int) -> None:
    """Notes the last version's number in the model's folder, by one atomic replacement; 0 is noted by nothing."""
    path = folder / _LAST_VERSION
    if not number:
        path.unlink(missing_ok=True)
        return
    temporary = path.with_name(f"{_LAST_VERSION}.new")
    try:
        with temporary.open("w", encoding="ascii") as file:
            file.write(f"{number}\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(folder)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
