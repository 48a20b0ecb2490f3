"""Control and a worker of an empty repository."""

from pathlib import Path

import pytest

from server.runtime import Runtime
from tests.server.conftest import Measured
from tests.server.loader.pair import Pair


@pytest.fixture
def pair(tmp_path: Path, measured: Measured) -> Pair:
    """Control and a worker of an empty repository."""
    (tmp_path / "runtime").mkdir()
    return Pair(tmp_path / "followed", Runtime(tmp_path / "runtime"), measured)
