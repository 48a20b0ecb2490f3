"""As of which dates the rows are."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from training.events.aggregates import us
from training.events.order import DatesOrder


def as_of_dates(order: DatesOrder, zone: str, since_us: int, until_us: int) -> Sequence[int]:
    """Every date, in milliseconds, counted back from the last, which is among them; earliest first.

    From one to the next the clock of the zone says the same, so that a day on which clocks change counts as one. The
    first has the whole window behind it. None where the records are too short.

    Args:
        order: what the file says.
        zone: of the log.
        since_us: where the records begin.
        until_us: where they end; no date is after it.
    """
    earliest_us = max(since_us + us(order.window_days), (order.first_ms or 0) * 1000)
    last_us = until_us if order.last_ms is None else min(order.last_ms * 1000, until_us)
    last = datetime.fromtimestamp(last_us // 1000 / 1000, ZoneInfo(zone))
    step = timedelta(days=order.every_days)
    count = (last_us - earliest_us) // us(order.every_days) + 2  # one more than fits, were each of 24 hours
    dates = (round((last - step * back).timestamp() * 1000) for back in range(max(count, 0)))
    return list(takewhile(lambda date: date * 1000 >= earliest_us, dates))[::-1]
