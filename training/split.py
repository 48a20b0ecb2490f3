"""Train on the past, leave a gap, test on what came after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

TEST_DATES = 4


@dataclass(frozen=True, slots=True)
class Split:
    """Dates whose rows are trained on, and later dates whose rows are tested on."""

    train: Sequence[datetime]
    test: Sequence[datetime]


class TooFewDates(Exception):
    """The records are too short for this horizon."""


def split(dates: Sequence[datetime], horizon_days: int) -> Split:
    """The last four dates for the test; for training those whose whole horizon had passed at the first of them.

    The gap of one horizon keeps every outcome that was trained on before the first moment that is tested.

    Raises:
        TooFewDates: nothing is left to train on.
    """
    test = dates[-TEST_DATES:]
    train = [date for date in dates if date + timedelta(days=horizon_days) <= test[0]] if test else []
    if not train:
        raise TooFewDates(
            f"a horizon of {horizon_days} days leaves no date to train on; records have to be at least "
            f"{2 * horizon_days} days longer than the window of the features, and four weeks"
        )
    return Split(train, test)
