"""A version's folder, read and verified. See bundle.proto for what is in it."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from google.protobuf import json_format

from server import pieces
from server.errors import BadBundle
from server.head_reader import read_heads
from server.manifest import parse_manifest
from server.reference import REFERENCE_FILE, Reference, read_reference
from server.schema import Schema, read_schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from protos.audience.v1 import bundle_pb2
    from server.heads import Head
    from server.signature import TrustedKeys  # only control has keys, and the library that they need

FORMAT_VERSION = 1
SUMS_FILE = "SHA256SUMS"
SIGNATURE_FILE = "SHA256SUMS.sig"
MODEL_FILE = "model.onnx"
MANIFEST_FILE = "manifest.json"
EVALUATION_FILE = "evaluation.json"
REQUIRED_FILES = frozenset({MODEL_FILE, MANIFEST_FILE, REFERENCE_FILE, EVALUATION_FILE})

# Largest sizes that are read. (assumed: forests of thousands of trees stay below half of it)
_LARGEST_MODEL_BYTES = 1 << 30
_LARGEST_OTHER_BYTES = 1 << 26
_LARGEST_SUMS_BYTES = 1 << 16  # hundreds of files

_SUMS_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]{0,99})")


@dataclass(frozen=True, slots=True)
class Description:
    """What a version says of itself: all but the graph. The next reader may get the same one: copy what is altered.

    Attributes:
        manifest: as the file has it.
        schema: its feature schema, checked.
        heads: its heads, checked, by name and in the manifest's order.
    """

    manifest: bundle_pb2.Manifest
    schema: Schema
    heads: Mapping[str, Head]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A whole version, its hashes verified.

    Attributes:
        description: what it says of itself.
        model: the graph, a serialized ModelProto.
        model_sha256: of the graph, in hex.
        reference: rows and their scores.
    """

    description: Description
    model: bytes
    model_sha256: str
    reference: Reference


def read_description(folder: Path, keys: TrustedKeys | None = None) -> Description:
    """What the version in `folder` says of itself, with the manifest's hash verified.

    Args:
        folder: of the version.
        keys: who may have made it; None asks nobody, whether it is signed or not.

    Raises:
        BadBundle: it is damaged, of another model or version than its folder, of a newer format, or not signed by one
            of the keys.
    """
    return _describe(folder, _verified(folder, MANIFEST_FILE, _read_sums(folder, keys)))


def read_bundle(folder: Path, keys: TrustedKeys | None = None) -> Bundle:
    """The version in `folder`, every file's hash verified.

    Args:
        folder: of the version.
        keys: as for read_description.

    Raises:
        BadBundle: as read_description, and for every other file. The text names the file and what is wrong.
    """
    sums = _read_sums(folder, keys)
    _check_listed(folder, sums)
    for name in sorted(sums.keys() - REQUIRED_FILES):  # not kept: many need no more memory than one
        _verified(folder, name, sums)
    files = {name: _verified(folder, name, sums) for name in sorted(REQUIRED_FILES)}
    description = _describe(folder, files[MANIFEST_FILE])
    width, score_count = description.schema.width, description.manifest.graph.score_count
    reference = read_reference(files[REFERENCE_FILE], width, score_count)
    return Bundle(description, files[MODEL_FILE], sums[MODEL_FILE], reference)


def largest_bytes(name: str) -> int:
    """The most bytes that are read of a version's file of this name."""
    return {MODEL_FILE: _LARGEST_MODEL_BYTES, SUMS_FILE: _LARGEST_SUMS_BYTES}.get(name, _LARGEST_OTHER_BYTES)


def _read_sums(folder: Path, keys: TrustedKeys | None) -> Mapping[str, str]:
    """SHA-256 in hex by file name, from SHA256SUMS; with keys, only when one of them signed exactly these bytes."""
    text = _read_file(folder / SUMS_FILE)
    if keys is not None:
        keys.check(text, _read_signature(folder))
    return parse_sums(text)


def _read_signature(folder: Path) -> bytes:
    path = folder / SIGNATURE_FILE
    if not os.path.lexists(path):
        raise BadBundle(f"the version is not signed: {SIGNATURE_FILE} is not there, and this server has a public key")
    return _read_file(path)


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
    if len(sums) < len(lines):
        raise BadBundle(f"{SUMS_FILE} lists a file twice; needed is one line for each")
    absent = REQUIRED_FILES - sums.keys()
    if absent:
        raise BadBundle(f"{SUMS_FILE} does not list {', '.join(sorted(absent))}")
    return sums


def _check_listed(folder: Path, sums: Mapping[str, str]) -> None:
    """Nothing lies in the folder that no hash covers, but for the list itself and what systems hide there."""
    try:
        present = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    except OSError as error:
        raise BadBundle(f"the folder cannot be listed: {error.strerror}") from error
    extra = sorted(present - sums.keys() - {SUMS_FILE, SIGNATURE_FILE})
    if extra:
        raise BadBundle(f"{SUMS_FILE} does not list {extra[0]!r}, which is in the folder; list it, or take it away")


def _verified(folder: Path, name: str, sums: Mapping[str, str]) -> bytes:
    data = _read_file(folder / name)
    actual = hashlib.sha256(data).hexdigest()
    if actual != sums[name]:
        raise BadBundle(f"{name} was altered or cut: its SHA-256 is {actual[:12]}…, {SUMS_FILE} has {sums[name][:12]}…")
    return data


def _read_file(path: Path) -> bytes:
    """The file's bytes, if it is a plain file of an acceptable size; a link could lead out of the folder."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe is not waited for
        try:
            size = _plain_size(handle, path.name)
            with open(handle, "rb", closefd=False) as file:  # what was checked is read, whatever its name
                return pieces.read(file, size)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise BadBundle(f"{path.name} is not a plain file") from error
        raise BadBundle(f"{path.name} cannot be read: {error.strerror}") from error


def _plain_size(handle: int, name: str) -> int:
    """Bytes of an open file, if it is a plain one that is not too large."""
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        raise BadBundle(f"{name} is not a plain file")
    limit = largest_bytes(name)
    if status.st_size > limit:
        raise BadBundle(f"{name} has {status.st_size:,} bytes; at most {limit:,} are read")
    return status.st_size


def _describe(folder: Path, text: bytes) -> Description:
    description = _parse(text)
    manifest = description.manifest
    if (manifest.model, str(manifest.version)) != (folder.parent.name, folder.name):
        raise BadBundle(
            f"{MANIFEST_FILE} is of {manifest.model}/{manifest.version}; "
            f"its folder is {folder.parent.name}/{folder.name}"
        )
    return description


@lru_cache(maxsize=1)  # a version's schema is read first, and the whole version soon afterwards
def _parse(text: bytes) -> Description:
    try:
        manifest = parse_manifest(text)
    except (json_format.ParseError, ValueError, RecursionError) as error:
        raise BadBundle(f"{MANIFEST_FILE} is not an audience.v1.Manifest: {error}") from error
    if manifest.format_version != FORMAT_VERSION:
        raise BadBundle(
            f"{MANIFEST_FILE} has format version {manifest.format_version}; this server reads {FORMAT_VERSION}"
        )
    return Description(manifest, read_schema(manifest.schema), read_heads(manifest))
