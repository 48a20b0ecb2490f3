"""The purchases of CDNOW's customers, where they are installed."""

import pytest

from tests.training.customer_value.cdnow import FILE, MISSING, read_cdnow
from training.customer_value.purchases import Purchases


@pytest.fixture(scope="session")
def cdnow() -> Purchases:
    """The tenth of CDNOW's customers that the papers are about, January 1997 to June 1998."""
    if not FILE.exists():
        pytest.skip(MISSING)
    return read_cdnow()
