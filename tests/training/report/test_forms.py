from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.report import forms

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
FORMS: list[Callable[[float | None], str]] = [
    forms.count,
    forms.number,
    forms.percent,
    forms.short_percent,
    forms.times,
    forms.effect,
    forms.signed,
    forms.measure,
    forms.seconds,
    forms.date,
    forms.moment,
]


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_a_dash(form: Callable[[float | None], str]) -> None:
    """What is not known is a dash, never a word of the machine."""
    assert form(None) == "\N{EN DASH}"


@pytest.mark.parametrize("form", FORMS)
@given(value=NUMBERS)
def test_every_finite_number_has_a_form(form: Callable[[float | None], str], value: float) -> None:
    """No number is too large or too small to be written; a minus is a minus sign, not a hyphen."""
    text = form(value)
    assert text
    assert "-" not in text
    assert "nan" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.8632, "0.863"),
        (0.5, "0.5"),
        (12.34, "12.3"),
        (999.6, "1,000"),
        (123456.7, "123,457"),
        (-0.25, "\N{MINUS SIGN}0.25"),
        (1.2e-7, "1.2 \N{MULTIPLICATION SIGN} 10⁻⁷"),
        (3e21, "3.0 \N{MULTIPLICATION SIGN} 10²¹"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    """Three significant digits, thousands apart, powers of ten where nobody counts zeros."""
    assert forms.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0%"),
        (0.342, "34.2%"),
        (0.0047, "0.47%"),
        (0.00001, "<0.01%"),
        (1.5, "150.0%"),
        (-0.02, "\N{MINUS SIGN}2.0%"),
    ],
)
def test_percentages(value: float, text: str) -> None:
    """One decimal, two below one per cent, and what is more than nothing never reads as nothing."""
    assert forms.percent(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.342, "34%"), (0.004, "0.4%"), (0.0001, "<0.1%"), (0.0, "0%")])
def test_short_percentages(value: float, text: str) -> None:
    """Whole ones, as on an axis."""
    assert forms.short_percent(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (4.1, "days", "4.1 days"),
        (1234.5, "USD", "1,234 USD"),
        (0.125, "share", "12.5%"),
        (0.027, "probability", "2.7%"),
        (7, "", "7"),
    ],
)
def test_measures(value: float, unit: str, text: str) -> None:
    """A quantity has its unit behind it; shares and probabilities are percentages."""
    assert forms.measure(value, unit) == text


def test_a_column_has_the_same_decimals() -> None:
    """Three digits of the largest number, so that the column can be compared by eye; nothing has no sign."""
    column = [forms.decimals(value, 0.113) for value in (0.113, 0.0061, -0.0001, None)]
    assert column == ["0.113", "0.006", "0.000", "\N{EN DASH}"]
    assert forms.decimals(1234.5, 1234.5) == "1,234"
    assert forms.decimals(5.0, 0.0) == "5.000"


def test_times_and_signs() -> None:
    """Multiples and differences say what they are."""
    assert forms.times(4.72) == "4.72\N{MULTIPLICATION SIGN}"
    assert forms.signed(0.028) == "+0.028"
    assert forms.effect(-0.9) == "\N{MINUS SIGN}0.90"


@pytest.mark.parametrize(("value", "text"), [(0.42, "0.42 s"), (12.4, "12 s"), (180.0, "3 min")])
def test_durations(value: float, text: str) -> None:
    """Seconds, and minutes from two on."""
    assert forms.seconds(value) == text


def test_days_are_those_of_utc() -> None:
    """The day does not depend on where the page is made; what is no moment is a dash."""
    assert forms.date(1_764_547_200_000) == "1 December 2025"
    assert forms.date(1_764_547_199_999) == "30 November 2025"
    assert forms.moment(1_764_547_260_000) == "1 December 2025, 00:01 UTC"
    assert forms.date(0) == forms.date(1e30) == forms.date(-5) == "\N{EN DASH}"


def test_names_become_phrases() -> None:
    """A name of the file reads as words, and a phrase begins with a capital letter."""
    assert forms.words("average_precision") == "Average precision"
    assert forms.sentence("") == ""
    assert forms.sentence("buys iPhones") == "Buys iPhones"
