"""A version's folder, read and verified. See bundle.proto for what is in it."""

import hashlib
import io
import re
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from google.protobuf import json_format

from protos.audience.v1 import bundle_pb2
from server.errors import BadBundle
from server.heads import FloatMatrix, Head, read_heads
from server.schema import Schema, read_schema

FORMAT_VERSION = 1
SUMS_FILE = "SHA256SUMS"
MODEL_FILE = "model.onnx"
MANIFEST_FILE = "manifest.json"
REFERENCE_FILE = "reference.npz"
EVALUATION_FILE = "evaluation.json"
REQUIRED_FILES = frozenset({MODEL_FILE, MANIFEST_FILE, REFERENCE_FILE, EVALUATION_FILE})

# Largest sizes that are read. (assumed: forests of thousands of trees stay below half of it)
_LARGEST_MODEL_BYTES = 1 << 30
_LARGEST_OTHER_BYTES = 1 << 26

_SUMS_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]{0,99})")


@dataclass(frozen=True, slots=True)
class Description:
    """What a version says of itself: all but the graph.

    Attributes:
        manifest: as the file has it.
        schema: its feature schema, checked.
        heads: its heads, checked, by name and in the manifest's order.
    """

    manifest: bundle_pb2.Manifest
    schema: Schema
    heads: Mapping[str, Head]


@dataclass(frozen=True, slots=True)
class Reference:
    """Rows, and the scores that training's own estimators give them.

    Attributes:
        features: shape (n, schema width), float32.
        scores: shape (n, score_count), float32.
    """

    features: FloatMatrix
    scores: FloatMatrix


@dataclass(frozen=True, slots=True)
class Bundle:
    """A whole version, its hashes verified."""

    description: Description
    model: bytes
    reference: Reference


def read_description(folder: Path) -> Description:
    """What the version in `folder` says of itself, with the manifest's hash verified.

    Raises:
        BadBundle: it is damaged, of another model or version than its folder, or of a newer format.
    """
    return _describe(folder, _verified(folder, MANIFEST_FILE, _read_sums(folder)))


def read_bundle(folder: Path) -> Bundle:
    """The version in `folder`, every file's hash verified.

    Raises:
        BadBundle: as read_description, and for every other file. The text names the file and what is wrong.
    """
    sums = _read_sums(folder)
    files = {name: _verified(folder, name, sums) for name in sums}
    description = _describe(folder, files[MANIFEST_FILE])
    return Bundle(description, files[MODEL_FILE], _read_reference(files[REFERENCE_FILE], description))


def largest_bytes(name: str) -> int:
    """The most bytes that are read of a version's file of this name."""
    return _LARGEST_MODEL_BYTES if name == MODEL_FILE else _LARGEST_OTHER_BYTES


def _read_sums(folder: Path) -> Mapping[str, str]:
    return parse_sums(_read_file(folder / SUMS_FILE))


def parse_sums(text: bytes) -> Mapping[str, str]:
    """SHA-256 in hex by file name, from the text of SHA256SUMS.

    Raises:
        BadBundle: a line is something else, or a required file is not listed.
    """
    lines = text.decode("utf-8", "replace").splitlines()
    matches = [_SUMS_LINE.fullmatch(line) for line in lines]
    if not all(matches):
        raise BadBundle(f"{SUMS_FILE} has a line that is not '<sha256>  <file name>'")
    sums = {match[2]: match[1] for match in matches if match}
    absent = REQUIRED_FILES - sums.keys()
    if absent:
        raise BadBundle(f"{SUMS_FILE} does not list {', '.join(sorted(absent))}")
    return sums


def _verified(folder: Path, name: str, sums: Mapping[str, str]) -> bytes:
    data = _read_file(folder / name)
    actual = hashlib.sha256(data).hexdigest()
    if actual != sums[name]:
        raise BadBundle(f"{name} was altered or cut: its SHA-256 is {actual[:12]}…, {SUMS_FILE} has {sums[name][:12]}…")
    return data


def _read_file(path: Path) -> bytes:
    """The file's bytes, if it is a plain file of an acceptable size; a link could lead out of the folder."""
    limit = largest_bytes(path.name)
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise BadBundle(f"{path.name} is not a plain file")
        if status.st_size > limit:
            raise BadBundle(f"{path.name} has {status.st_size:,} bytes; at most {limit:,} are read")
        return path.read_bytes()
    except OSError as error:
        raise BadBundle(f"{path.name} cannot be read: {error.strerror}") from error


def _describe(folder: Path, text: bytes) -> Description:
    try:
        manifest = json_format.Parse(text, bundle_pb2.Manifest(), ignore_unknown_fields=True)
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise BadBundle(f"{MANIFEST_FILE} is not an audience.v1.Manifest: {error}") from error
    if manifest.format_version != FORMAT_VERSION:
        raise BadBundle(
            f"{MANIFEST_FILE} has format version {manifest.format_version}; this server reads {FORMAT_VERSION}"
        )
    if (manifest.model, str(manifest.version)) != (folder.parent.name, folder.name):
        raise BadBundle(
            f"{MANIFEST_FILE} is of {manifest.model}/{manifest.version}; "
            f"its folder is {folder.parent.name}/{folder.name}"
        )
    return Description(manifest, read_schema(manifest.schema), read_heads(manifest))


def _read_reference(data: bytes, description: Description) -> Reference:
    width, score_count = description.schema.width, description.manifest.graph.score_count
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            _check_unpacked(arrays.zip)
            reference = Reference(np.asarray(arrays["features"]), np.asarray(arrays["scores"]))
    except BadBundle:
        raise
    except Exception as error:  # NumPy and zipfile fail on foreign bytes in many ways; their errors share no class
        raise BadBundle(f"{REFERENCE_FILE} does not hold the arrays features and scores: {error}") from error
    count = len(reference.features) if reference.features.ndim else 0
    shapes = (reference.features.shape, reference.scores.shape)
    types = (reference.features.dtype.name, reference.scores.dtype.name)
    if not count or shapes != ((count, width), (count, score_count)) or types != ("float32", "float32"):
        raise BadBundle(
            f"{REFERENCE_FILE} has shapes {shapes} of {types}; needed: (n, {width}) and (n, {score_count}) of float32"
        )
    return reference


def _check_unpacked(archive: zipfile.ZipFile) -> None:
    """Few bytes can unpack to more than there is memory; zipfile unpacks no more than the archive says."""
    size = sum(entry.file_size for entry in archive.infolist())
    if size > _LARGEST_OTHER_BYTES:
        raise BadBundle(f"{REFERENCE_FILE} unpacks to {size:,} bytes; at most {_LARGEST_OTHER_BYTES:,} are read")
