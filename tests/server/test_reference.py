import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from server.bundle import read_bundle
from server.errors import BadBundle
from server.reference import REFERENCE_FILE
from tests.server import damage
from tests.server.damage import Damage

# Version 2 of bundles.py: 5 features, 9 scores.
ROWS = np.zeros((2, 5), np.float32)
SCORES = np.zeros((2, 9), np.float32)


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
        pytest.param(
            arrays(features=ROWS, scores=SCORES + np.float32("inf")),
            "has inf in row 0, column 0 of scores",
            id="infinite scores",
        ),
        pytest.param(
            arrays(features=ROWS, scores=np.full_like(SCORES, np.nan)),
            "has nan in row 0, column 0 of scores",
            id="scores that are no numbers",
        ),
        pytest.param(
            arrays(features=ROWS - np.float32("inf"), scores=SCORES),
            "has -inf in row 0, column 0 of features",
            id="infinite rows",
        ),
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
