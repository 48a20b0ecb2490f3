"""Receipts of real households; a small version, made once; an empty repository."""

from pathlib import Path

import pytest

from tests.bundles import Made, make
from tests.training.receipts import Receipts

# Light and heavy shoppers, with and without coupons; 60 and 352 are new, 1552 shops as often in each part of the day.
HOUSEHOLDS = (1, 60, 256, 352, 718, 1060, 1228, 1552, 1899, 2451)


@pytest.fixture(scope="session")
def receipts() -> Receipts:
    """The receipts of a few households."""
    return Receipts.of(HOUSEHOLDS)


@pytest.fixture(scope="session")
def made() -> Made:
    """A small version with every kind of head; not to be altered."""
    return make(1)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty repository."""
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder
