"""A server whose repository is in an object store."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from demo.server import Server, serving
from tests.bundles import MODEL, Made
from tests.integration.pages import read_page
from tests.integration.processes import ask, total
from tests.store import Repository
from training.remote import publish_to


class Start(Protocol):
    """Starts a server of an address."""

    def __call__(self, address: str) -> Server:
        """The server, which listens."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers that share one folder for copies; all are stopped at the end."""
    with ExitStack() as stack:
        flags = ("--mirror", str(tmp_path / "mirror"), "--mirror-seconds", "0.1")
        yield lambda address: stack.enter_context(serving(address, tmp_path / "server.log", *flags))


def publish(remote: Repository, made: Made) -> None:
    """Publishes the version in the store."""
    publish_to(remote.connect(), MODEL, made.manifest.version, made.files())


def test_versions_in_a_store_are_followed(remote: Repository, start: Start, first: Made, second: Made) -> None:
    """A version that is published in a store serves; so does the next, and the one before when that is removed."""
    publish(remote, first)
    server = start(remote.address)
    assert ask(server) == "1"  # it listens once what is there is mirrored
    publish(remote, second)
    server.log.wait_for("version serves", version=2, replaces=1)
    assert ask(server) == "2"
    remote.remove(f"{MODEL}/2")
    server.log.wait_for("version serves", version=1, replaces=2)
    assert total(server, "audience_repository_failures_total") == 0


def test_start_while_the_store_is_away(
    remote: Repository, start: Start, first: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was mirrored serves at the next start too, when the store cannot be reached; the log and page say that."""
    publish(remote, first)
    assert start(remote.address).stop() == 0
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    server = start(remote.address)
    server.log.wait_for("version serves", version=1)
    assert ask(server) == "1"
    line = server.log.wait_for("cannot be mirrored; what is here is kept")
    assert "cannot be listed" in str(line["reason"])
    assert "cannot be listed" in read_page(server, "/")
    assert total(server, "audience_repository_failures_total") >= 1


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (
            "nowhere://bucket/prefix",
            "nowhere://bucket/prefix is no address that can be read: Protocol not known: nowhere",
        ),
        ("gs://bucket/prefix", "gs://bucket/prefix cannot be read: it needs gcsfs: pip install 'audience[gcs]'"),
    ],
)
def test_address_without_a_driver(tmp_path: Path, address: str, reason: str) -> None:
    """A server that could never read its repository ends at once with status 2, and says what to install."""
    ports = [part for port in ("--port", "--control-port", "--metrics-port") for part in (port, "0")]
    command = [sys.executable, "-m", "server", "--repository", address, "--mirror", str(tmp_path), "--workers", "1"]
    done = subprocess.run([*command, *ports], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert reason in [json.loads(line).get("reason") for line in done.stderr.splitlines()]


def test_folder_for_copies_that_cannot_be_made(tmp_path: Path) -> None:
    """The reason names the folder."""
    (tmp_path / "file").touch()
    ports = [part for port in ("--port", "--control-port", "--metrics-port") for part in (port, "0")]
    command = [sys.executable, "-m", "server", "--repository", "s3://models/x", "--mirror", str(tmp_path / "file")]
    done = subprocess.run([*command, *ports], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert str(tmp_path / "file") in done.stderr
    assert "--mirror" in done.stderr
