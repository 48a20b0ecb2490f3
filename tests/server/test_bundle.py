import io
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import json_format

from protos.audience.v1 import bundle_pb2
from server.bundle import (
    EVALUATION_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    SUMS_FILE,
    read_bundle,
    read_description,
)
from server.errors import BadBundle
from server.reference import REFERENCE_FILE
from tests import bundles
from tests.server import damage

Damage = Callable[[Path], object]
HASH = "0" * 64
# Version 2 of bundles.py: 5 features, 9 scores.
ROWS = np.zeros((2, 5), np.float32)
SCORES = np.zeros((2, 9), np.float32)


def alter(name: str) -> Damage:
    """Changes one byte in the middle of a file."""

    def apply(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)

    return apply


def cut(name: str) -> Damage:
    """Takes the last byte of a file."""
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-1])


def remove(name: str) -> Damage:
    """Takes a file away; its hash stays."""
    return lambda folder: (folder / name).unlink()


def link(name: str) -> Damage:
    """Moves a file out of the folder, and links to it."""

    def apply(folder: Path) -> None:
        outside = folder.parent.parent / name
        (folder / name).rename(outside)
        (folder / name).symlink_to(outside)

    return apply


def pipe(name: str) -> Damage:
    """Puts a pipe in a file's place, from which reading would never return."""

    def apply(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return apply


def sums(text: str) -> Damage:
    """Replaces the list of hashes."""
    return lambda folder: (folder / SUMS_FILE).write_text(text)


def sums_line(line: str) -> Damage:
    """Adds a line to the list of hashes."""

    def apply(folder: Path) -> None:
        with (folder / SUMS_FILE).open("a") as file:
            file.write(f"{line}\n")

    return apply


def unlisted(name: str) -> Damage:
    """Takes a file out of the list of hashes."""

    def apply(folder: Path) -> None:
        lines = (folder / SUMS_FILE).read_text().splitlines(keepends=True)
        (folder / SUMS_FILE).write_text("".join(line for line in lines if name not in line))

    return apply


def manifest(text: str | bytes) -> Damage:
    """Replaces the manifest."""
    data = text if isinstance(text, bytes) else text.encode()
    return lambda folder: damage.rewrite(folder, MANIFEST_FILE, data)


def edited(change: Callable[[bundle_pb2.Manifest], object]) -> Damage:
    """Changes the manifest."""
    return lambda folder: damage.edit(folder, change)


def reference(data: bytes) -> Damage:
    """Replaces the reference rows."""
    return lambda folder: damage.rewrite(folder, REFERENCE_FILE, data)


def arrays(**named: object) -> Damage:
    """Replaces the reference rows by these arrays."""
    file = io.BytesIO()
    np.savez(file, **{name: np.asarray(array) for name, array in named.items()})  # type: ignore[arg-type]  # as stubbed
    return reference(file.getvalue())


def archive(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive of these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as zipped:
        for name, data in members.items():
            zipped.writestr(name, data)
    return file.getvalue()


def array_file(header: str, data: bytes = b"") -> bytes:
    """A .npy file with a header that need not be true."""
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data


def bare() -> bytes:
    """A good array that is in no archive."""
    file = io.BytesIO()
    np.save(file, ROWS)
    return file.getvalue()


def claimed(shape: str, descr: str = "<f4") -> bytes:
    """An archive whose arrays say that they have this shape, and hold nothing."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}\n"
    return archive({"features.npy": array_file(header), "scores.npy": array_file(header)})


def flagged(offset: int, value: int) -> bytes:
    """A good archive of which every member has one byte of its description changed."""
    file = io.BytesIO()
    np.savez(file, features=ROWS, scores=SCORES)
    data = bytearray(file.getvalue())
    for signature, start in ((b"PK\x01\x02", offset), (b"PK\x03\x04", offset - 2)):
        position = data.find(signature)
        while position >= 0:
            data[position + start] = value
            position = data.find(signature, position + 1)
    return bytes(data)


def spoilt_stream() -> bytes:
    """A compressed archive with damage within a member."""
    file = io.BytesIO()
    np.savez_compressed(file, features=np.random.default_rng(0).normal(size=(99, 99)), scores=SCORES)
    data = bytearray(file.getvalue())
    data[100:200] = bytes(100)
    return bytes(data)


def bomb() -> bytes:
    """100 kB that unpack to 80 MB of zeros, as many rows of the right shape."""
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4000000, 5)}\n"
    member = array_file(header, bytes(4 * 5 * 4_000_000))
    return archive({"features.npy": member, "scores.npy": b""}, zipfile.ZIP_DEFLATED)


def test_whole_version_is_read(folder: Path) -> None:
    """A published version round trips: every file verified, the manifest as it was written, arrays as they were."""
    bundle = read_bundle(folder)
    written = json_format.Parse((folder / MANIFEST_FILE).read_bytes(), bundle_pb2.Manifest())
    assert bundle.description.manifest == written
    assert list(bundle.description.schema.positions) == [spec.name for spec in bundles.SPECS]
    assert list(bundle.description.heads) == ["value", "style", "buys_7d", "spend_30d"]
    assert bundle.model == (folder / MODEL_FILE).read_bytes()
    assert bundle.reference.features.shape == (len(bundle.reference.scores), 5)
    assert bundle.reference.scores.shape[1] == written.graph.score_count == 9


def test_description_needs_only_the_manifest(folder: Path) -> None:
    """What a version says of itself is known though its graph is gone."""
    (folder / MODEL_FILE).unlink()
    assert read_description(folder).manifest.version == 2


def test_more_files_are_verified_too(folder: Path) -> None:
    """A version may have files that this server does not know; their hashes count all the same."""
    damage.rewrite(folder, "notes.txt", b"made on a Friday")
    read_bundle(folder)
    (folder / "notes.txt").write_text("on a Monday")
    with pytest.raises(BadBundle, match=r"notes.txt was altered or cut"):
        read_bundle(folder)


def test_unknown_fields_are_no_damage(folder: Path) -> None:
    """A manifest with fields of the future is read without them."""
    text = (folder / MANIFEST_FILE).read_text().replace("{", '{"from_the_future": {"a": [1]},', 1)
    damage.rewrite(folder, MANIFEST_FILE, text.encode())
    assert read_bundle(folder).description.manifest.version == 2


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(cut(MODEL_FILE), "model.onnx was altered or cut: its SHA-256 is", id="model cut"),
        pytest.param(alter(MODEL_FILE), "model.onnx was altered or cut", id="model altered"),
        pytest.param(alter(MANIFEST_FILE), "manifest.json was altered or cut", id="manifest altered"),
        pytest.param(alter(REFERENCE_FILE), "reference.npz was altered or cut", id="reference altered"),
        pytest.param(alter(EVALUATION_FILE), "evaluation.json was altered or cut", id="evaluation altered"),
        pytest.param(remove(MODEL_FILE), "model.onnx cannot be read: No such file", id="model missing"),
        pytest.param(remove(SUMS_FILE), "SHA256SUMS cannot be read: No such file", id="hashes missing"),
        pytest.param(shutil.rmtree, "SHA256SUMS cannot be read: No such file", id="folder gone"),
        pytest.param(sums("hello\n"), "has a line that is not '<sha256>  <file name>'", id="hashes are garbage"),
        pytest.param(sums(""), "does not list evaluation.json, manifest.json, model.onnx", id="hashes are empty"),
        pytest.param(
            lambda folder: (folder / SUMS_FILE).write_bytes(b"\xff\xfe\0"), "has a line that is not", id="not UTF-8"
        ),
        pytest.param(unlisted(MODEL_FILE), "SHA256SUMS does not list model.onnx", id="model not listed"),
        pytest.param(unlisted(EVALUATION_FILE), "does not list evaluation.json", id="evaluation not listed"),
        pytest.param(sums_line(""), "has a line that is not", id="empty line"),
        pytest.param(sums_line(f"{HASH}  ../x"), "has a line that is not", id="path out"),
        pytest.param(sums_line(f"{HASH}  /etc/passwd"), "has a line that is not", id="absolute path"),
        pytest.param(sums_line(f"{HASH}  sub/x"), "has a line that is not", id="path in"),
        pytest.param(sums_line(f"{HASH}  .."), "has a line that is not", id="folder above"),
        pytest.param(sums_line(f"{HASH}  ."), "has a line that is not", id="folder itself"),
        pytest.param(sums_line(f"{HASH}  x\0y"), "has a line that is not", id="null in a name"),
        pytest.param(sums_line(f"{HASH}  {'x' * 101}"), "has a line that is not", id="long name"),
        pytest.param(sums_line(f"{HASH} *model.onnx"), "has a line that is not", id="binary mode"),
        pytest.param(sums_line(f"{'0' * 63}  x"), "has a line that is not", id="short hash"),
        pytest.param(sums_line(f"{'A' * 64}  x"), "has a line that is not", id="capitals"),
        pytest.param(sums_line(f"{HASH}  gone"), "gone cannot be read: No such file", id="listed, not there"),
        pytest.param(link(MODEL_FILE), "model.onnx is not a plain file", id="link instead of the model"),
        pytest.param(link(SUMS_FILE), "SHA256SUMS is not a plain file", id="link instead of the hashes"),
        pytest.param(
            lambda folder: (remove(MODEL_FILE)(folder), (folder / MODEL_FILE).mkdir()),
            "model.onnx is not a plain file",
            id="folder instead of the model",
        ),
        pytest.param(
            pipe(MANIFEST_FILE),
            "manifest.json is not a plain file",
            id="pipe instead of the manifest",
        ),
        pytest.param(
            lambda folder: os.truncate(folder / MANIFEST_FILE, (1 << 26) + 1),
            "manifest.json has 67,108,865 bytes; at most 67,108,864 are read",
            id="endless manifest",
        ),
        pytest.param(
            lambda folder: os.truncate(folder / MODEL_FILE, (1 << 30) + 1),
            "model.onnx has 1,073,741,825 bytes",
            id="endless model",
        ),
    ],
)
def test_damaged_files_are_refused(folder: Path, spoil: Damage, reason: str) -> None:
    """A file that is cut, altered, missing, not listed or no file is refused by its name."""
    spoil(folder)
    with pytest.raises(BadBundle) as caught:
        read_bundle(folder)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(edited(lambda m: setattr(m, "version", 3)), "is of shop/3; its folder is shop/2", id="version"),
        pytest.param(edited(lambda m: setattr(m, "version", -2)), "is of shop/-2", id="negative version"),
        pytest.param(edited(lambda m: setattr(m, "model", "app")), "is of app/2; its folder is shop/2", id="model"),
        pytest.param(edited(lambda m: setattr(m, "format_version", 2)), "format version 2; this server", id="newer"),
        pytest.param(edited(lambda m: m.ClearField("format_version")), "has format version 0", id="no format"),
        pytest.param(
            edited(lambda m: setattr(m.schema, "fingerprint", "0" * 32)),
            "the schema's fingerprint is '000",
            id="schema",
        ),
        pytest.param(edited(lambda m: m.ClearField("schema")), "the schema has no features", id="no schema"),
        pytest.param(edited(lambda m: setattr(m.heads[0], "kind", 0)), "head 'value' is of no kind", id="head"),
        pytest.param(edited(lambda m: m.ClearField("heads")), "the manifest has no heads", id="no heads"),
        pytest.param(edited(lambda m: m.ClearField("graph")), "the graph has 0", id="no graph"),
        pytest.param(manifest(""), "is not an audience.v1.Manifest", id="empty"),
        pytest.param(manifest("hello"), "is not an audience.v1.Manifest", id="not JSON"),
        pytest.param(manifest("null"), "is not an audience.v1.Manifest", id="null"),
        pytest.param(manifest("3"), "is not an audience.v1.Manifest", id="number"),
        pytest.param(manifest("[]"), "has format version 0", id="list"),
        pytest.param(manifest('{"heads": 5}'), "is not an audience.v1.Manifest", id="wrong type"),
        pytest.param(manifest('{"heads": [null]}'), "is not an audience.v1.Manifest", id="null among heads"),
        pytest.param(manifest('{"version": 1e999}'), "is not an audience.v1.Manifest", id="infinite version"),
        pytest.param(manifest(f'{{"version": {"9" * 9999}}}'), "is not an audience.v1.Manifest", id="endless version"),
        pytest.param(
            manifest(f'{{"parity": {{"absolute_tolerance": 1{"0" * 400}}}}}'),
            "is not an audience.v1.Manifest",
            id="number beyond floats",
        ),
        pytest.param(manifest(b"\xff\xfe"), "is not an audience.v1.Manifest", id="not UTF-8"),
        pytest.param(manifest('{"model": "\\ud800"}'), "is not an audience.v1.Manifest", id="half a character"),
        pytest.param(manifest("[" * 10**6), "is not an audience.v1.Manifest", id="a million brackets"),
        pytest.param(manifest('{"a":' * 10**6), "is not an audience.v1.Manifest", id="a million braces"),
        pytest.param(manifest('{"a":' * 500 + "1" + "}" * 500), "has format version 0", id="deep in what is not known"),
    ],
)
def test_bad_manifests_are_refused(folder: Path, spoil: Damage, reason: str) -> None:
    """A manifest that is none, of another version or of the future is refused, by both readers alike."""
    spoil(folder)
    for read in (read_bundle, read_description):
        with pytest.raises(BadBundle) as caught:
            read(folder)
        assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(arrays(features=ROWS[:, 1:], scores=SCORES), "needed: (n, 5) and (n, 9)", id="narrow rows"),
        pytest.param(arrays(features=ROWS, scores=SCORES[:, 1:]), "needed: (n, 5) and (n, 9)", id="narrow scores"),
        pytest.param(arrays(features=ROWS, scores=SCORES[1:]), "shapes ((2, 5), (1, 9))", id="fewer scores"),
        pytest.param(arrays(features=ROWS[:0], scores=SCORES[:0]), "shapes ((0, 5), (0, 9))", id="no rows"),
        pytest.param(arrays(features=ROWS[0], scores=SCORES[0]), "shapes ((5,), (9,))", id="one dimension"),
        pytest.param(arrays(features=1.0, scores=1.0), "shapes ((), ())", id="no dimension"),
        pytest.param(arrays(features=ROWS.astype(float), scores=SCORES), "('float64', 'float32')", id="doubles"),
        pytest.param(arrays(features=ROWS), "scores is not a file in the archive", id="no scores"),
        pytest.param(
            arrays(features=np.array([{}], dtype=object), scores=SCORES), "Object arrays cannot be", id="pickled"
        ),
        pytest.param(reference(b""), "does not hold the arrays features and scores", id="empty"),
        pytest.param(reference(b"hello"), "does not hold the arrays features and scores", id="not a zip"),
        pytest.param(reference(b"PK\x03\x04"), "does not hold the arrays", id="start of a zip"),
        pytest.param(reference(bare()), "does not hold the arrays", id="bare array"),
        pytest.param(reference(archive({})), "does not hold the arrays", id="empty zip"),
        pytest.param(reference(archive({"features": b"a", "scores": b"b"})), "of ('bytes8', 'bytes8')", id="bytes"),
        pytest.param(reference(claimed(f"({10**12}, 5)")), "does not hold the arrays", id="trillions of rows"),
        pytest.param(reference(claimed(f"({2**62}, 4)")), "does not hold the arrays", id="wraps to nothing"),
        pytest.param(reference(claimed(f"({10**30}, 5)")), "does not hold the arrays", id="beyond any integer"),
        pytest.param(reference(claimed("(-1, 5)")), "does not hold the arrays", id="fewer than no rows"),
        pytest.param(reference(claimed("(" * 999)), "does not hold the arrays", id="no shape"),
        pytest.param(reference(claimed("(2, 5)")), "does not hold the arrays", id="shape without data"),
        pytest.param(reference(claimed("(2, 5)", "|O")), "Object arrays cannot be loaded", id="pickle in a header"),
        pytest.param(reference(spoilt_stream()), "does not hold the arrays", id="damage within"),
        pytest.param(reference(flagged(8, 1)), "does not hold the arrays", id="encrypted"),
        pytest.param(reference(flagged(10, 99)), "does not hold the arrays", id="unknown compression"),
        pytest.param(reference(bomb()), "unpacks to 80,000,", id="few bytes that unpack to many"),
    ],
)
def test_bad_reference_is_refused(folder: Path, spoil: Damage, reason: str) -> None:
    """A reference that is no archive, holds something else or claims the impossible is refused, whatever NumPy says."""
    spoil(folder)
    with pytest.raises(BadBundle) as caught:
        read_bundle(folder)
    assert f"{REFERENCE_FILE} " in str(caught.value)
    assert reason in str(caught.value)
