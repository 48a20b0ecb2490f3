import xml.etree.ElementTree as ET

import pytest

from training.report.charts.canvas import LEFT, PLOT_HEIGHT, RIGHT, TOP, WIDTH
from training.report.charts.deciles import Bin, Tenth, calibration, lift

RIGHT_END, BOTTOM = WIDTH - RIGHT, TOP + PLOT_HEIGHT
BINS = [Bin(0.25, 0.5, 0.25, 0.75), Bin(1.0, 1.0, None, None)]


def test_calibration_points_are_where_forecast_and_fact_are() -> None:
    """A forecast of 0.25 stands a quarter along the axis, what happened, 0.5, half up."""
    picture = ET.fromstring(calibration(BINS, "", "Calibration"))  # noqa: S314  # made here
    dots = [e for e in picture.iter("circle") if e.get("r") == "4"][:2]
    found = [(float(e.get("cx", "")), float(e.get("cy", ""))) for e in dots]
    assert found[0] == pytest.approx((LEFT + 0.25 * (RIGHT_END - LEFT), BOTTOM - 0.5 * PLOT_HEIGHT), abs=0.1)
    assert found[1] == pytest.approx((RIGHT_END, TOP), abs=0.1)


def test_intervals_reach_from_low_to_high() -> None:
    """The line through a point has the interval's ends; without an interval there is none."""
    picture = ET.fromstring(calibration(BINS, "", "Calibration"))  # noqa: S314  # made here
    (whisker,) = (e for e in picture.iter("line") if e.get("class") == "whisker")
    ends = [float(whisker.get(key, "")) for key in ("y1", "y2")]
    assert ends == pytest.approx([BOTTOM - 0.25 * PLOT_HEIGHT, BOTTOM - 0.75 * PLOT_HEIGHT], abs=0.1)


def test_rare_outcomes_fill_the_chart() -> None:
    """Probabilities of at most a few per cent are not crowded into a corner."""
    picture = ET.fromstring(calibration([Bin(0.02, 0.019, 0.01, 0.03)], "", "Calibration"))  # noqa: S314  # made here
    assert float(next(picture.iter("circle")).get("cx", "")) > LEFT + 0.5 * (RIGHT_END - LEFT)


def test_bars_are_as_high_as_what_happened() -> None:
    """A tenth with twice the rate has a bar twice as high; multiples stand above, the mean is a line across."""
    picture = ET.fromstring(lift([Tenth(1, 0.4, 2.0), Tenth(2, 0.2, 1.0)], 0.2, "", "Lift"))  # noqa: S314  # made here
    bars = [e for e in picture.iter("rect") if e.get("class") == "fill"]
    heights = [float(e.get("height", "")) for e in bars]
    assert heights[0] == pytest.approx(2 * heights[1], abs=0.2)
    assert all(
        float(e.get("y", "")) + height == pytest.approx(BOTTOM, abs=0.2)
        for e, height in zip(bars, heights, strict=True)
    )
    mean = next(e for e in picture.iter("polyline") if e.get("class") == "line chance")
    assert {float(pair.split(",")[1]) for pair in (mean.get("points") or "").split()} == {float(bars[1].get("y", ""))}
    assert {"2.0\N{MULTIPLICATION SIGN}", "1.0\N{MULTIPLICATION SIGN}"} <= {e.text for e in picture.iter("text")}


def test_nothing_at_all_is_still_a_chart() -> None:
    """Rates of zero have bars of no height."""
    picture = ET.fromstring(lift([Tenth(1, 0.0, None)], None, "", "Lift"))  # noqa: S314  # made here
    assert [e.get("height") for e in picture.iter("rect")] == ["0"]
