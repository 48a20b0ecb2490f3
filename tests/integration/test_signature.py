"""A server with a public key, and who may publish for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from server.bundle import SIGNATURE_FILE
from tests.bundles import Made, make
from tests.integration.answers import TIMEOUT_S
from tests.integration.conftest import Start
from tests.integration.test_versions import version_of
from tests.keys import KeyPair, make_keys, sign


@pytest.fixture
def keys(tmp_path: Path) -> tuple[KeyPair, KeyPair]:
    """The publisher's, and somebody else's."""
    return make_keys(tmp_path, "publisher"), make_keys(tmp_path, "other")


def put(made: Made, repository: Path, pair: KeyPair | None) -> None:
    """Publishes a version that this key has signed, if any has."""
    folder = made.publish(repository.parent / "staged")
    if pair is not None:
        sign(folder, pair)
    target = repository / folder.parent.name / folder.name
    target.parent.mkdir(exist_ok=True)
    folder.rename(target)


def test_only_signed_versions_serve(repository: Path, start: Start, first: Made, keys: tuple[KeyPair, KeyPair]) -> None:
    """What nobody, or somebody else, has signed is refused with the reason; what the publisher has serves."""
    publisher, other = keys
    put(first, repository, publisher)
    server = start("--public-key", str(publisher.public))
    server.log.wait_for("version serves", version=1)
    put(make(2), repository, None)
    assert "the version is not signed" in str(server.log.wait_for("version refused", version=2)["reason"])
    put(make(3), repository, other)
    assert f"{SIGNATURE_FILE} is no signature" in str(server.log.wait_for("version refused", version=3)["reason"])
    assert version_of(server) == 1
    put(make(4), repository, publisher)
    server.log.wait_for("version serves", version=4)
    assert version_of(server) == 4


def test_one_of_several_keys_is_enough(
    repository: Path, start: Start, first: Made, keys: tuple[KeyPair, KeyPair]
) -> None:
    """A new key can be trusted before the old one no longer is."""
    put(first, repository, keys[1])
    server = start("--public-key", str(keys[0].public), "--public-key", str(keys[1].public))
    server.log.wait_for("version serves", version=1)


def test_file_that_is_no_key(repository: Path, tmp_path: Path) -> None:
    """The server does not start, rather than to trust everybody, and says what makes a key."""
    file = tmp_path / "key.pem"
    file.write_text("garbage")
    ports = [word for flag in ("--port", "--control-port", "--metrics-port") for word in (flag, "0")]
    command = [sys.executable, "-m", "server", "--repository", str(repository), "--public-key", str(file), *ports]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert ended.returncode == 2
    assert "holds no public key in PEM; make it with: openssl pkey" in ended.stderr
