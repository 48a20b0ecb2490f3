"""A small version, made once."""

import pytest

from tests.bundles import Made, make


@pytest.fixture(scope="session")
def made() -> Made:
    """A small version with every kind of head; not to be altered."""
    return make(1)
