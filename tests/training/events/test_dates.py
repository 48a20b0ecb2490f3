from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tests.training.events.plain import DAY_US
from training.events.dates import as_of_dates
from training.events.order import DatesOrder

LONDON = "Europe/London"
SINCE_US = round(datetime(2023, 1, 1, tzinfo=UTC).timestamp() * 1e6)


def _ms(year: int, month: int, day: int) -> int:
    return round(datetime(year, month, day, tzinfo=ZoneInfo(LONDON)).timestamp() * 1000)


def _order(
    every_days: int = 7, window_days: float = 28, first: int | None = None, last: int | None = None
) -> DatesOrder:
    return DatesOrder(every_days=every_days, window_days=window_days, where="", first_ms=first, last_ms=last)


def test_the_clock_says_the_same_at_every_date() -> None:
    """Across a change of clocks the dates stay at midnight, so one week is an hour longer than the others."""
    dates = as_of_dates(_order(last=_ms(2023, 4, 10)), LONDON, SINCE_US, _ms(2023, 6, 1) * 1000)
    assert dates[-4:] == [_ms(2023, 3, 20), _ms(2023, 3, 27), _ms(2023, 4, 3), _ms(2023, 4, 10)]
    assert dates[-3] - dates[-4] == (7 * 24 - 1) * 3_600_000


def test_first_and_last() -> None:
    """The last date is one of the dates, no date is before the first, and none after the end of the records."""
    until_us = _ms(2023, 6, 1) * 1000
    dates = as_of_dates(_order(first=_ms(2023, 4, 3), last=_ms(2023, 4, 17)), LONDON, SINCE_US, until_us)
    assert dates == [_ms(2023, 4, 3), _ms(2023, 4, 10), _ms(2023, 4, 17)]
    assert as_of_dates(_order(last=_ms(2024, 1, 1)), LONDON, SINCE_US, until_us)[-1] == _ms(2023, 6, 1)


@given(
    every_days=st.integers(1, 40),
    window_days=st.floats(0.5, 200),
    length=st.integers(0, 500).map(lambda days: timedelta(days=days, hours=12)),  # noon: no clock ever skips it
)
def test_laws(every_days: int, window_days: float, length: timedelta) -> None:
    """Dates are every so many days, the first with a whole window behind it, and none is left out."""
    until_us = SINCE_US + round(length.total_seconds() * 1000) * 1000
    dates = as_of_dates(_order(every_days, window_days), LONDON, SINCE_US, until_us)
    earliest_us = SINCE_US + round(window_days * DAY_US)
    step = timedelta(days=every_days)
    if not dates:
        assert until_us < earliest_us
        return
    assert dates[-1] * 1000 == until_us
    clocks = [datetime.fromtimestamp(date / 1000, ZoneInfo(LONDON)).replace(tzinfo=None) for date in dates]
    assert all(later - earlier == step for earlier, later in pairwise(clocks))
    assert dates[0] * 1000 >= earliest_us
    assert (dates[0] - step // timedelta(milliseconds=1) - 3_600_000) * 1000 < earliest_us
