"""The requests of a run as bytes, made before the clock starts, and what a right reply to them is."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from loadtest.errors import BadPayloads, one_line
from loadtest.results import Status, open_arrays
from protos.audience.v1 import bundle_pb2, scoring_pb2


@dataclass(frozen=True, slots=True)
class Payloads:
    """Serialized ScoreRequests, at least one, that a run sends in turn, and where they are from, for people."""

    source: str
    requests: tuple[bytes, ...]


def from_bundle(folder: Path) -> Payloads:
    """One request for each row of the version's reference.npz, as a vector with the schema's fingerprint.

    The model is named and the version is not, so the run goes on through a swap.

    Raises:
        BadPayloads: the folder is not a version of a model.
    """
    manifest = _manifest(folder / "manifest.json")
    rows = _rows(folder / "reference.npz", column_count=len(manifest.schema.features))
    source = f"{manifest.model} version {manifest.version}, {len(rows)} reference rows"
    return Payloads(source, tuple(_request(manifest, row) for row in rows))


def from_lines(path: Path) -> Payloads:
    """One request for each line that is not empty, a ScoreRequest as protobuf JSON.

    Raises:
        BadPayloads: the file cannot be read, a line is not a ScoreRequest, or there is none.
    """
    lines = enumerate(_text(path).splitlines(), start=1)
    requests = tuple(_line(path, number, line) for number, line in lines if line.strip())
    if not requests:
        raise BadPayloads(f"{path} has no request: write one ScoreRequest as JSON on each line")
    return Payloads(f"{path.name}, {len(requests)} requests", requests)


def reply_status(reply: bytes) -> Status:
    """OK when the reply parses and has results that are all answers, else BAD_REPLY."""
    try:
        results = scoring_pb2.ScoreReply.FromString(reply).results
    except DecodeError:
        return Status.BAD_REPLY
    is_answered = len(results) > 0 and not any(result.HasField("failure") for result in results)
    return Status.OK if is_answered else Status.BAD_REPLY


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadPayloads(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadPayloads(f"{path} is not text in UTF-8") from error


def _line(path: Path, number: int, line: str) -> bytes:
    try:
        return json_format.Parse(line, scoring_pb2.ScoreRequest()).SerializeToString()
    except json_format.ParseError as error:
        raise BadPayloads(f"{path}:{number} is not a ScoreRequest as JSON: {one_line(error)}") from error


def _manifest(path: Path) -> bundle_pb2.Manifest:
    try:
        manifest = json_format.Parse(_text(path), bundle_pb2.Manifest(), ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise BadPayloads(f"{path} is not a manifest: {one_line(error)}") from error
    if not manifest.model or not manifest.schema.fingerprint:
        raise BadPayloads(f"{path} names no model, or its schema has no fingerprint")
    return manifest


def _rows(path: Path, *, column_count: int) -> NDArray[np.float32]:
    try:
        with path.open("rb") as file, open_arrays(file) as arrays:
            rows = np.asarray(arrays["features"], dtype=np.float32)
    except OSError as error:
        raise BadPayloads(f"cannot read {path}: {error.strerror or one_line(error)}") from error
    except (ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile) as error:
        raise BadPayloads(f"{path} has no array of numbers `features`: {one_line(error)}") from error
    if rows.ndim != 2 or len(rows) == 0 or rows.shape[1] != column_count:  # noqa: PLR2004  # rows and columns
        raise BadPayloads(
            f"{path}: `features` has shape {rows.shape}, the manifest asks for (1 or more, {column_count})"
        )
    return rows


def _request(manifest: bundle_pb2.Manifest, row: NDArray[np.float32]) -> bytes:
    return scoring_pb2.ScoreRequest(
        selectors=[scoring_pb2.Selector(model=manifest.model)],
        features=scoring_pb2.Features(vector=row.tolist(), schema_fingerprint=manifest.schema.fingerprint),
    ).SerializeToString()
