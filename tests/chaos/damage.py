"""What can be wrong with a version's files, and what the server says of it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.bundle import MANIFEST_FILE, MODEL_FILE, SIGNATURE_FILE, SUMS_FILE
from server.reference import REFERENCE_FILE

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Damage:
    """One way in which a version is wrong.

    Attributes:
        name: what was done, for people.
        words: that the reason of the refusal has.
        inflict: makes the files of a version wrong, given those of another one too.
        is_signed: whether the wrong files are signed by the publisher whom the server trusts.
    """

    name: str
    words: str
    inflict: Callable[[Files, Files], Files]
    is_signed: bool = True


def _corrupt(files: Files, _: Files) -> Files:
    graph = bytearray(files[MODEL_FILE])
    graph[len(graph) // 2] ^= 1
    return {**files, MODEL_FILE: bytes(graph)}


def _truncated(files: Files, _: Files) -> Files:
    return {**files, MODEL_FILE: files[MODEL_FILE][: len(files[MODEL_FILE]) // 2]}


def _truncated_knowingly(files: Files, other: Files) -> Files:
    return _summed(_truncated(files, other))


def _no_graph(files: Files, _: Files) -> Files:
    return _summed({**files, MODEL_FILE: b"not a graph"})


def _mislabelled(_: Files, other: Files) -> Files:
    return other


def _other_scores(files: Files, other: Files) -> Files:
    return _summed({**files, MODEL_FILE: other[MODEL_FILE]})


def _no_manifest(files: Files, _: Files) -> Files:
    return _summed({**files, MANIFEST_FILE: b"{"})


def _no_reference(files: Files, _: Files) -> Files:
    return {name: data for name, data in files.items() if name != REFERENCE_FILE}


def _unsigned(files: Files, _: Files) -> Files:
    return {name: data for name, data in files.items() if name != SIGNATURE_FILE}


def _signed_by_another(files: Files, _: Files) -> Files:
    return {**files, SIGNATURE_FILE: Ed25519PrivateKey.generate().sign(files[SUMS_FILE])}


def _altered_after_signing(files: Files, other: Files) -> Files:
    return _other_scores(files, other)


def _summed(files: Files) -> Files:
    """With hashes that agree, as somebody who can write the files could make."""
    names = sorted(files.keys() - {SUMS_FILE, SIGNATURE_FILE})
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in names)
    return {**files, SUMS_FILE: sums.encode()}


DAMAGES = (
    Damage("one bit of the graph is another", "altered or cut", _corrupt),
    Damage("half of the graph is missing", "altered or cut", _truncated),
    Damage("half of the graph is missing, with right hashes", "is no ONNX model", _truncated_knowingly),
    Damage("the graph is no graph, with right hashes", "is no ONNX model", _no_graph),
    Damage("the files are those of another version", "its folder is", _mislabelled),
    Damage("the graph has other scores, with right hashes", "does not give the reference rows", _other_scores),
    Damage("the manifest is no manifest, with right hashes", "is not an audience.v1.Manifest", _no_manifest),
    Damage("a file is missing", "cannot be read", _no_reference),
    Damage("nobody signed it", "SHA256SUMS.sig", _unsigned, is_signed=False),
    Damage(
        "somebody else signed it", "no signature of SHA256SUMS by a trusted key", _signed_by_another, is_signed=False
    ),
    Damage("it was altered after it was signed", "no signature of SHA256SUMS", _altered_after_signing, is_signed=False),
)
