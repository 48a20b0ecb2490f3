"""What holds for every test."""

from __future__ import annotations

import training  # noqa: F401  # first of all: it sets what OpenMP and ONNX Runtime read when they are loaded

# isort: split
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.store import Repository


@pytest.fixture(scope="session")
def new_remote() -> Iterator[Callable[[], Repository]]:
    """Makes empty repositories in an object store."""
    from tests import store  # noqa: PLC0415  # `make test-lowest` has no store

    with store.running() as make:
        yield make


@pytest.fixture
def remote(new_remote: Callable[[], Repository]) -> Repository:
    """An empty repository in an object store, of the test's own."""
    return new_remote()
