"""The code generator, in its own environment."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def protoc_python() -> Path:
    """Python of the environment that `make test` makes from requirements/protos.txt."""
    python = Path(os.environ.get("AUDIENCE_PROTOC_PYTHON", ROOT / "build" / "protoc" / "bin" / "python"))
    if not python.exists():
        pytest.fail(f"{python} is missing: `make test` and `make protos` make the code generator's environment")
    return python
