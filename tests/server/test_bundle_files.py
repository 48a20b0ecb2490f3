import hashlib
import os
import shutil
import tracemalloc
from pathlib import Path

import pytest

from server.bundle import EVALUATION_FILE, MANIFEST_FILE, MODEL_FILE, SUMS_FILE, read_bundle
from server.errors import BadBundle
from server.reference import REFERENCE_FILE
from tests.server.damage import Damage

HASH = "0" * 64


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
        pytest.param(
            lambda folder: sums_line((folder / SUMS_FILE).read_text().splitlines()[0])(folder),
            "SHA256SUMS lists a file twice; needed is one line for each",
            id="listed twice",
        ),
        pytest.param(sums_line(f"{HASH}  SHA256SUMS"), "SHA256SUMS was altered or cut", id="hash of itself"),
        pytest.param(
            sums("\n" * ((1 << 16) + 1)), "SHA256SUMS has 65,537 bytes; at most 65,536 are read", id="endless hashes"
        ),
        pytest.param(
            lambda folder: (folder / "weights.bin").touch(),
            "does not list 'weights.bin', which is in the folder; list it, or take it away",
            id="file that is not listed",
        ),
        pytest.param(lambda folder: (folder / "more").mkdir(), "does not list 'more'", id="folder within"),
        pytest.param(
            lambda folder: (folder / "up").symlink_to(folder.parent), "does not list 'up'", id="link that is not listed"
        ),
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


def test_hidden_files_are_passed_over(folder: Path) -> None:
    """What systems hide in folders, such as NFS for a file that is still open, is no reason to refuse a version."""
    (folder / ".nfs0000000000000001").write_text("gone")
    assert read_bundle(folder).description.manifest.version == 2


def test_many_files_need_the_room_of_the_largest(folder: Path) -> None:
    """A list of many names for few bytes on disk does not fill the memory: what is only verified is not kept."""
    (folder / "zeros0").touch()
    os.truncate(folder / "zeros0", 1 << 25)
    for number in range(1, 16):
        (folder / f"zeros{number}").hardlink_to(folder / "zeros0")
    digest = hashlib.sha256(bytes(1 << 25)).hexdigest()
    with (folder / SUMS_FILE).open("a") as file:
        file.writelines(f"{digest}  zeros{number}\n" for number in range(16))
    tracemalloc.start()
    try:
        read_bundle(folder)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 3 << 25
