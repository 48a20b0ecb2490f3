"""The purchases of CDNOW's customers, and what others found of them."""

from datetime import UTC, datetime
from pathlib import Path

from training.customer_value.bgnbd import BetaGeometric
from training.customer_value.gamma_gamma import GammaGamma
from training.customer_value.purchases import Purchases

FILE = Path(__file__).parents[3] / "build" / "cdnow" / "lifetimes" / "datasets" / "CDNOW_sample.txt"
MISSING = "CDNOW's purchases are not installed: make build/cdnow/.installed, from requirements/cdnow.txt"

# Fader, Hardie and Lee 2005 (both papers), on the first 39 weeks.
BETA_GEOMETRIC = BetaGeometric(0.243, 4.414, 0.793, 2.426)
GAMMA_GAMMA = GammaGamma(6.25, 3.74, 15.44)


def ms(year: int, month: int, day: int) -> int:
    """The beginning of a day, UTC, in milliseconds since 1970."""
    return round(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)


AFTER_39_WEEKS_MS = ms(1997, 10, 1)


def read_cdnow() -> Purchases:
    """Of the tenth of the customers that the papers are about, January 1997 to June 1998.

    Raises:
        FileNotFoundError: they are not installed.
    """
    rows = [line.split() for line in FILE.read_text().splitlines()]
    days = [ms(int(row[2][:4]), int(row[2][4:6]), int(row[2][6:])) for row in rows]
    return Purchases.of([row[1] for row in rows], days, [float(row[4]) for row in rows])
