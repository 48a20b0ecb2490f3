"""The purchases of CDNOW's customers, where they are installed."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from training.customer_value.purchases import Purchases

FILE = Path(__file__).parents[3] / "build" / "cdnow" / "lifetimes" / "datasets" / "CDNOW_sample.txt"


def ms(year: int, month: int, day: int) -> int:
    """The beginning of a day, UTC, in milliseconds since 1970."""
    return round(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture(scope="session")
def cdnow() -> Purchases:
    """The tenth of CDNOW's customers that the papers are about, January 1997 to June 1998."""
    if not FILE.exists():
        pytest.skip("CDNOW's purchases are not installed: make build/cdnow, from requirements/cdnow.txt")
    rows = [line.split() for line in FILE.read_text().splitlines()]
    days = [ms(int(row[2][:4]), int(row[2][4:6]), int(row[2][6:])) for row in rows]
    return Purchases.of([row[1] for row in rows], days, [float(row[4]) for row in rows])
