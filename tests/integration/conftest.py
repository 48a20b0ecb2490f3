"""Real servers in processes of their own, asked by real clients."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo.server import Server, scoring, serving
from protos.audience.v1 import scoring_pb2_grpc
from tests.bundles import Made, make

Start = Callable[..., Server]


@pytest.fixture(scope="session")
def first() -> Made:
    """Version 1 of the small model."""
    return make(1)


@pytest.fixture(scope="session")
def second() -> Made:
    """Version 2: the same features, other scores."""
    return make(2)


@pytest.fixture(scope="session")
def shared_server(first: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of version 1 that many tests ask; none of them may change its repository."""
    folder = tmp_path_factory.mktemp("shared")
    first.publish(folder / "repository")
    with serving(folder / "repository", folder / "server.log", "--max-batch-rows", "50") as server:
        server.log.wait_for("version serves", version=1)
        yield server


@pytest.fixture(scope="session")
def client(shared_server: Server) -> Iterator[scoring_pb2_grpc.ScoringStub]:
    """A client of the shared server."""
    with scoring(shared_server.target) as stub:
        yield stub


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty repository of the test's own."""
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


@pytest.fixture
def start(repository: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts servers of the test's own repository, with the given flags; all are stopped at the end."""
    with ExitStack() as stack:

        def start_one(*flags: str) -> Server:
            return stack.enter_context(serving(repository, tmp_path / "server.log", *flags))

        yield start_one
