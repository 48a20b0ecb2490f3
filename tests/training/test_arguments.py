import argparse
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.arguments import model_name, moment_ms, natural


@given(st.integers(0, (1 << 32) - 1))
def test_natural(number: int) -> None:
    """Whole numbers that a generator of random numbers takes are read as they are."""
    assert natural(str(number)) == number


@pytest.mark.parametrize("text", ["-1", "x", "", "1.5", "1e3", "4294967296", " 1"])
def test_no_natural(text: str) -> None:
    """Anything else is said not to be one."""
    with pytest.raises(argparse.ArgumentTypeError, match="is no whole number from 0 to 4294967295"):
        natural(text)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001  # without an offset, as people write
def test_moment(moment: datetime) -> None:
    """A day or moment is read in UTC where it has no offset, to the millisecond."""
    assert moment_ms(moment.isoformat()) == round(moment.replace(tzinfo=UTC).timestamp() * 1000)


def test_moment_with_an_offset() -> None:
    """An offset is taken into account."""
    assert moment_ms("2026-01-01T02:00:00+02:00") == moment_ms("2026-01-01") == 1_767_225_600_000


@pytest.mark.parametrize("text", ["tomorrow", "2017-02-30", "01.12.2017", ""])
def test_no_moment(text: str) -> None:
    """What is no day is said not to be one, with an example."""
    with pytest.raises(argparse.ArgumentTypeError, match="is no day; needed is one such as 2017-12-01"):
        moment_ms(text)


@pytest.mark.parametrize("text", ["", "Shop", "a b", "../up", "a" * 65])
def test_no_model_name(text: str) -> None:
    """A name that could not be a folder everywhere is refused; another is taken as it is."""
    with pytest.raises(argparse.ArgumentTypeError, match="is no model name; needed is 1 to 64 of a-z, 0-9, - and _"):
        model_name(text)
    assert model_name("shop-2_a") == "shop-2_a"
