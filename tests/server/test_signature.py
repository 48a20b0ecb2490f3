import base64
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.bundle import MANIFEST_FILE, MODEL_FILE, SIGNATURE_FILE, SUMS_FILE, read_bundle, read_description
from server.errors import BadBundle, BadKey
from server.signature import TrustedKeys, read_public_keys
from tests.keys import KeyPair, make_keys, sign
from tests.server import damage
from tests.server.conftest import Versions, law


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """The publisher's keys."""
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """Somebody else's."""
    return make_keys(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def keys(pair: KeyPair) -> TrustedKeys:
    """What a server has that trusts the publisher."""
    return trusted(pair)


@pytest.fixture
def signed(folder: Path, pair: KeyPair) -> Path:
    """A good version 2 of "shop", signed by the publisher."""
    sign(folder, pair)
    return folder


def trusted(*pairs: KeyPair) -> TrustedKeys:
    """A server's keys."""
    keys = read_public_keys([pair.public for pair in pairs])
    assert keys is not None
    return keys


def refusals(folder: Path, keys: TrustedKeys) -> set[str]:
    """Why the version is refused, by both readers alike or in their own words."""
    reasons = set()
    for read in (read_bundle, read_description):
        with pytest.raises(BadBundle) as caught:
            read(folder, keys)
        reasons.add(str(caught.value))
    return reasons


def test_signed_version_is_read(signed: Path, keys: TrustedKeys) -> None:
    """What openssl signed is whole, with the key and without."""
    assert read_bundle(signed, keys).description.manifest.version == 2
    assert read_description(signed, keys).manifest.version == 2
    assert read_bundle(signed).description.manifest.version == 2


def test_any_of_the_keys_is_enough(signed: Path, pair: KeyPair, stranger: KeyPair) -> None:
    """While keys are changed a server trusts the old and the new one."""
    assert read_bundle(signed, trusted(stranger, pair)).description.manifest.version == 2
    assert read_bundle(signed, trusted(pair, stranger)).description.manifest.version == 2


def test_without_a_key_nobody_asks(folder: Path) -> None:
    """A server without a key reads a version whatever its signature is, or is not."""
    for contents in (b"", b"nonsense", bytes(64)):
        (folder / SIGNATURE_FILE).write_bytes(contents)
        assert read_bundle(folder, read_public_keys([])).description.manifest.version == 2


def _as_text(folder: Path) -> None:
    path = folder / SIGNATURE_FILE
    path.write_bytes(base64.b64encode(path.read_bytes()))


def _link(folder: Path) -> None:
    outside = (folder / SIGNATURE_FILE).rename(folder.parent.parent / "signature")
    (folder / SIGNATURE_FILE).symlink_to(outside)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(lambda f: (f / SIGNATURE_FILE).unlink(), "the version is not signed: SHA256SUMS.sig", id="none"),
        pytest.param(lambda f: (f / SIGNATURE_FILE).write_bytes(b""), "SHA256SUMS.sig has 0 bytes; an Ed2", id="empty"),
        pytest.param(_as_text, "SHA256SUMS.sig has 88 bytes; an Ed25519 signature has 64, as they are", id="base64"),
        pytest.param(_link, "SHA256SUMS.sig is not a plain file", id="link"),
        pytest.param(
            lambda f: (f / SIGNATURE_FILE).write_bytes(bytes(64)),
            "SHA256SUMS.sig is no signature of SHA256SUMS by a trusted key",
            id="zeros",
        ),
        pytest.param(
            lambda f: damage.edit(f, lambda manifest: manifest.heads[0].ClearField("title")),
            "SHA256SUMS.sig is no signature of SHA256SUMS by a trusted key: somebody else signed the version, or "
            "SHA256SUMS was altered (trusted keys: 1)",
            id="altered with its hash",
        ),
    ],
)
def test_unsigned_versions_are_refused(
    signed: Path, keys: TrustedKeys, spoil: Callable[[Path], object], reason: str
) -> None:
    """Whoever may write the repository, but has no key, cannot make a version serve; the reason says what is wrong."""
    spoil(signed)
    (told,) = refusals(signed, keys)
    assert told.startswith(reason)


def test_somebody_elses_signature_is_refused(folder: Path, stranger: KeyPair, keys: TrustedKeys) -> None:
    """A signature that is right, by a key that is not trusted."""
    sign(folder, stranger)
    (told,) = refusals(folder, keys)
    assert "somebody else signed the version" in told


def test_no_key_trusts_nobody(signed: Path) -> None:
    """An empty set of keys is not the same as none."""
    (told,) = refusals(signed, TrustedKeys(()))
    assert "(trusted keys: 0)" in told


@pytest.mark.parametrize("name", [MODEL_FILE, MANIFEST_FILE])
def test_altered_files_are_refused_by_their_hash(signed: Path, keys: TrustedKeys, name: str) -> None:
    """The signature covers every file through its hash."""
    (signed / name).write_bytes((signed / name).read_bytes() + b" ")
    with pytest.raises(BadBundle, match=f"{name} was altered or cut"):
        read_bundle(signed, keys)


def test_signature_cannot_be_moved(signed: Path, versions: Versions, keys: TrustedKeys, pair: KeyPair) -> None:
    """A signed version serves under its own model and number alone, and its signature is no other version's."""
    for model, version in (("shop", "4"), ("app", "2")):
        moved = Path(shutil.copytree(signed, signed.parent.parent / model / version))
        assert refusals(moved, keys) == {f"manifest.json is of shop/2; its folder is {model}/{version}"}
    other = versions.put(signed.parent.parent, 3)
    shutil.copy(signed / SIGNATURE_FILE, other)
    (told,) = refusals(other, keys)
    assert "SHA256SUMS.sig is no signature of SHA256SUMS" in told
    shutil.copy(signed / SUMS_FILE, other)
    assert {reason.split(":")[0] for reason in refusals(other, keys)} == {"manifest.json was altered or cut"}


@given(place=st.sampled_from(["sums", "signature"]), bit=st.integers(0, 511))
@law
def test_every_bit_counts(pair: KeyPair, keys: TrustedKeys, place: str, bit: int) -> None:
    """With one bit turned, in what is signed or in the signature, it is none."""
    signed = {"sums": SUMS, "signature": _signature(pair)}
    keys.check(signed["sums"], signed["signature"])
    altered = bytearray(signed[place])
    altered[bit // 8] ^= 1 << bit % 8
    signed[place] = bytes(altered)
    with pytest.raises(BadBundle, match="is no signature of SHA256SUMS"):
        keys.check(signed["sums"], signed["signature"])


SUMS = b"0" * 64 + b"  manifest.json\n"


def _signature(pair: KeyPair) -> bytes:
    """Of SUMS, by openssl; made once."""
    (pair.private.parent / SUMS_FILE).write_bytes(SUMS)
    if not (pair.private.parent / SIGNATURE_FILE).exists():
        sign(pair.private.parent, pair)
    return (pair.private.parent / SIGNATURE_FILE).read_bytes()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda folder: folder / "gone.pem", "gone.pem cannot be read: No such file", id="absent"),
        pytest.param(lambda folder: folder, "cannot be read: Is a directory", id="folder"),
        pytest.param(
            lambda folder: make_keys(folder).private, "key.pem holds no public key in PEM; make it", id="private"
        ),
        pytest.param(
            lambda folder: make_keys(folder, "ec", "EC", "-pkeyopt", "ec_paramgen_curve:P-256").public,
            "ec.pub.pem holds a key of another kind than Ed25519",
            id="another kind",
        ),
        pytest.param(lambda folder: make_keys(folder, "x", "X25519").public, "of another kind", id="not for signing"),
    ],
)
def test_wrong_public_keys_are_said(tmp_path: Path, make: Callable[[Path], Path], reason: str) -> None:
    """A file that is not there or holds something else is named, with what it should hold."""
    with pytest.raises(BadKey) as caught:
        read_public_keys([make(tmp_path)])
    assert reason in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"hello", b"\xff\0", b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"])
def test_public_keys_that_are_none(tmp_path: Path, text: bytes) -> None:
    """Garbage is told from a key."""
    (tmp_path / "key.pub.pem").write_bytes(text)
    with pytest.raises(BadKey, match="holds no public key in PEM; make it with: openssl pkey"):
        read_public_keys([tmp_path / "key.pub.pem"])


def test_only_control_has_keys() -> None:
    """The supervisor and the workers do without the library that keys need."""
    code = "import sys, server.supervisor, server.worker; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "onnxruntime" in loaded
    assert "cryptography" not in loaded
