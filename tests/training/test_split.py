# ruff: noqa: DTZ001  # as in training/grocery.py: local time, which carries no zone here
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import grocery
from training.split import TEST_DATES, TooFewDates, split

MONDAY = datetime(2017, 4, 3)


def _weeks(count: int) -> list[datetime]:
    return [MONDAY + timedelta(weeks=week) for week in range(count)]


@given(count=st.integers(0, 60), horizon_days=st.integers(1, 120))
def test_no_label_reaches_the_test(count: int, horizon_days: int) -> None:
    """All that is trained on had happened by the first date that is tested; no usable date is left out."""
    dates = _weeks(count)
    try:
        found = split(dates, horizon_days)
    except TooFewDates:
        assert count < TEST_DATES or dates[0] + timedelta(days=horizon_days) > dates[-TEST_DATES]
        return
    ends = [date + timedelta(days=horizon_days) for date in found.train]
    assert max(ends) <= found.test[0]
    assert list(found.test) == dates[-TEST_DATES:]
    assert not set(found.train) & set(found.test)
    assert list(found.train) == dates[: len(found.train)]
    assert dates[len(found.train)] + timedelta(days=horizon_days) > found.test[0]


def test_horizon_may_end_on_the_first_test_date() -> None:
    """A horizon ends just before its last moment, so one that ends when the test begins is in the past."""
    found = split(_weeks(6), 14)
    assert list(found.train) == _weeks(1)
    assert list(found.test) == _weeks(6)[2:]


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_dates(count: int) -> None:
    """Without a date to train on, the message says how long records have to be."""
    with pytest.raises(TooFewDates, match=r"horizon of 7 days .* at least 14 days longer"):
        split(_weeks(count), 7)


@given(horizon_days=st.integers(1, 120))
def test_records_as_long_as_the_message_says_suffice(horizon_days: int) -> None:
    """Twice the horizon and four weeks more than the window is enough, whatever the horizon."""
    until = grocery.FIRST_DAY + timedelta(days=grocery.WINDOW_DAYS + 2 * horizon_days + 28)
    assert split(grocery.dates(until, horizon_days), horizon_days).train
