from collections.abc import Callable
from pathlib import Path

import pytest

from server.bundle import SIGNATURE_FILE, SUMS_FILE, read_bundle
from server.errors import BadBundle, BadKey
from server.signature import read_public_keys
from tests.bundles import Made
from tests.keys import KeyPair, make_keys, openssl
from training.publish import publish
from training.signature import read_signing_key


@pytest.fixture
def pair(tmp_path: Path) -> KeyPair:
    """The publisher's keys."""
    return make_keys(tmp_path)


def test_openssl_verifies(made: Made, repository: Path, pair: KeyPair) -> None:
    """A signature of ours is one for everybody: SHA256SUMS.sig is Ed25519's of SHA256SUMS, as it is."""
    folder = publish(repository, "shop", 1, made.files(), read_signing_key(pair.private))
    files = ("-in", str(folder / SUMS_FILE), "-sigfile", str(folder / SIGNATURE_FILE))
    assert "Verified Successfully" in openssl(
        "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", str(pair.public), *files
    )


def test_servers_verify(made: Made, repository: Path, pair: KeyPair, tmp_path: Path) -> None:
    """A published version serves where its publisher's key is trusted, and nowhere else."""
    folder = publish(repository, "shop", 1, made.files(), read_signing_key(pair.private))
    assert {path.name for path in folder.iterdir()} == {*made.files(), SIGNATURE_FILE}
    assert read_bundle(folder, read_public_keys([pair.public])).description.manifest == made.manifest
    other = make_keys(tmp_path, "other")
    with pytest.raises(BadBundle, match="somebody else signed the version"):
        read_bundle(folder, read_public_keys([other.public]))


def test_without_a_key_nothing_is_signed(made: Made, repository: Path) -> None:
    """A version has no signature unless somebody asks for one."""
    folder = publish(repository, "shop", 1, made.files())
    assert not (folder / SIGNATURE_FILE).exists()


def test_key_is_not_shown(pair: KeyPair) -> None:
    """Neither a log nor a traceback that prints the key says what it is."""
    secret = "".join(pair.private.read_text().splitlines()[1:-1])
    shown = repr(read_signing_key(pair.private))
    assert secret not in shown
    assert len(shown) < 200


def _encrypted(folder: Path) -> Path:
    password = ("-aes-256-cbc", "-pass", "pass:secret")
    openssl("genpkey", "-algorithm", "ed25519", *password, "-out", str(folder / "encrypted.pem"))
    return folder / "encrypted.pem"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda folder: folder / "gone.pem", "gone.pem cannot be read: No such file", id="absent"),
        pytest.param(lambda folder: make_keys(folder).public, "key.pub.pem holds no private key in PEM", id="public"),
        pytest.param(_encrypted, "encrypted.pem is encrypted; needed is a key without a password", id="encrypted"),
        pytest.param(
            lambda folder: make_keys(folder, "rsa", "RSA").private,
            "rsa.pem holds a key of another kind than Ed25519; make one with: openssl genpkey -algorithm ed25519",
            id="another kind",
        ),
    ],
)
def test_wrong_signing_keys_are_said(tmp_path: Path, make: Callable[[Path], Path], reason: str) -> None:
    """A file that is not there or holds something else is named, with what it should hold."""
    with pytest.raises(BadKey) as caught:
        read_signing_key(make(tmp_path))
    assert reason in str(caught.value)
