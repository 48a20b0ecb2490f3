import xml.etree.ElementTree as ET

from training.report.charts.canvas import LEFT, PLOT_HEIGHT, RIGHT, TOP, WIDTH
from training.report.charts.curves import gains, precision_recall, qini, roc, trials
from training.report.charts.markup import Markup

RIGHT_END, BOTTOM = WIDTH - RIGHT, TOP + PLOT_HEIGHT


def lines(svg: Markup, style: str) -> list[list[tuple[float, float]]]:
    """The points of the lines of a style, as shares of the plot's width and height."""
    found = ET.fromstring(svg).iter("polyline")  # noqa: S314  # made here
    return [
        [_share(pair) for pair in (e.get("points") or "").split()] for e in found if e.get("class") == f"line {style}"
    ]


def _share(pair: str) -> tuple[float, float]:
    x, y = map(float, pair.split(","))
    return round((x - LEFT) / (RIGHT_END - LEFT), 2), round((BOTTOM - y) / PLOT_HEIGHT, 2)


def texts(svg: Markup) -> list[str]:
    """What is written in a chart."""
    return [e.text or "" for e in ET.fromstring(svg).iter("text")]  # noqa: S314  # made here


def test_a_roc_curve_lies_in_the_unit_square() -> None:
    """Its points are where their rates are, beside the diagonal of a coin."""
    picture = roc([(0.0, 0.0), (0.25, 0.75), (1.0, 1.0)], "ROC")
    assert lines(picture, "first") == [[(0.0, 0.0), (0.25, 0.75), (1.0, 1.0)]]
    assert lines(picture, "chance") == [[(0.0, 0.0), (1.0, 1.0)]]


def test_precision_is_compared_with_the_base_rate() -> None:
    """Chance is a level line at the base rate; there is none where it is not known."""
    points = [(0.0, 1.0), (1.0, 0.25)]
    assert lines(precision_recall(points, 0.25, "PR"), "chance") == [[(0.0, 0.25), (1.0, 0.25)]]
    assert lines(precision_recall(points, None, "PR"), "chance") == []
    assert "a coin: the base rate, 25%" in texts(precision_recall(points, 0.25, "PR"))


def test_gains_begin_at_nothing() -> None:
    """Choosing nobody reaches nothing."""
    assert lines(gains([(0.5, 0.8), (1.0, 1.0)], "gains"), "first") == [[(0.0, 0.0), (0.5, 0.8), (1.0, 1.0)]]


def test_a_qini_curve_may_fall_below_zero() -> None:
    """An effect that is harmful is drawn below the zero of the axis, not cut off."""
    ((start, lowest, end),) = lines(qini([(0.0, 0.0, 0.0), (0.5, -0.02, 0.01), (1.0, 0.02, 0.02)], "Qini"), "first")
    assert (start[0], lowest[0], end[0]) == (0.0, 0.5, 1.0)
    assert lowest[1] < start[1] < end[1]
    assert lowest[1] >= 0
    assert "0" in texts(qini([(0.0, 0.0, 0.0), (1.0, 0.02, 0.02)], "Qini"))


def test_the_chosen_setting_is_marked() -> None:
    """A ring is around the chosen point alone, and the legend says which it is."""
    picture = trials([(2.0, 900.0), (3.0, 600.0), (4.0, 500.0)], 3.0, "number of segments", "Inertia")
    circles = list(ET.fromstring(picture).iter("circle"))  # noqa: S314  # made here
    rings = [e for e in circles if e.get("class") == "ring"]
    dots = [e for e in circles if e.get("class") == "dot"]
    assert [(e.get("cx"), e.get("cy")) for e in rings] == [(dots[1].get("cx"), dots[1].get("cy"))]
    assert "chosen: 3" in texts(picture)
    assert "chosen" not in " ".join(texts(trials([(2.0, 9.0), (3.0, 6.0)], 7.0, "k", "Inertia")))
