import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.report.charts.canvas import (
    LEFT,
    PLOT_HEIGHT,
    RIGHT,
    TOP,
    WIDTH,
    Axis,
    Canvas,
    Scale,
    span,
    ticks,
)
from training.report.forms import number

FINITE = st.floats(-1e12, 1e12, allow_nan=False)


def test_a_scale_is_a_straight_line() -> None:
    """Its ends are where they were said to be, and the middle is in the middle; it may run upwards."""
    scale = Scale(10, 20, 200, 100)
    assert [scale(10), scale(15), scale(20)] == [200, 150, 100]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 1200, [0, 250, 500, 750, 1000]),
        (0.44, 0.93, [0.5, 0.6, 0.7, 0.8, 0.9]),
        (-1, 1, [-1, -0.5, 0, 0.5, 1]),
    ],
)
def test_numbers_on_an_axis_are_round(low: float, high: float, expected: list[float]) -> None:
    """Steps are 1, 2, 2.5 or 5 times a power of ten, within the axis."""
    assert ticks(low, high) == expected


@given(FINITE, st.floats(1e-6, 1e12))
def test_an_axis_has_a_few_numbers(low: float, width: float) -> None:
    """Never none and never a crowd, whatever its ends; all lie on it."""
    high = low + width
    if high - low < abs(low) * 1e-9:
        return
    found = ticks(low, high)
    assert 2 <= len(found) <= 8
    room = width * 1e-6 + abs(low) * 1e-12 + 1e-12
    assert all(low - room <= tick <= high + room for tick in found)


@given(st.lists(FINITE, max_size=5), st.booleans())
def test_a_span_holds_all_values(values: list[float], from_zero: bool) -> None:  # noqa: FBT001  # drawn by hypothesis
    """Even of no value or the same ones it has a width; from zero it holds zero."""
    low, high = span(values, from_zero=from_zero)
    assert low < high
    assert all(low <= value <= high for value in values)
    assert not from_zero or low <= 0 <= high


def test_a_line_goes_through_its_points() -> None:
    """The corners of the plot are the ends of the axes."""
    canvas = Canvas("what it shows", Axis("x", 0, 2, number), Axis("y", 0, 10, number))
    canvas.line([(0, 0), (1, 5), (2, 10)], "first")
    picture = ET.fromstring(canvas.svg())  # noqa: S314  # made here
    bottom, right = TOP + PLOT_HEIGHT, WIDTH - RIGHT
    middle = f"{(LEFT + right) / 2:g},{(TOP + bottom) / 2:g}"
    assert [e.get("points") for e in picture.iter("polyline")] == [f"{LEFT},{bottom} {middle} {right},{TOP}"]


def test_texts_are_escaped() -> None:
    """A label may hold anything: in an attribute and between tags it stays a text."""
    canvas = Canvas('<a "b">', Axis("<x>", 0, 1, number), Axis("&", 0, 1, number))
    canvas.legend("first", "</text><script>")
    picture = ET.fromstring(canvas.svg())  # noqa: S314  # made here
    assert picture.get("aria-label") == '<a "b">'
    assert {"<x>", "&", "</text><script>"} <= {e.text for e in picture.iter("text")}
    assert "<script>" not in canvas.svg()
