import xml.etree.ElementTree as ET

from training.report.charts.bars import Estimate, bar, diverging, interval
from training.report.charts.markup import Markup


def shapes(svg: Markup, style: str) -> list[dict[str, str]]:
    """The attributes of the shapes of a class."""
    found = ET.fromstring(svg).iter()  # noqa: S314  # made here
    return [dict(e.items()) for e in found if style in (e.get("class") or "").split()]


def test_a_bar_is_as_long_as_its_share() -> None:
    """Half of the largest fills half of the cell, and more than all of it no more than all."""
    assert [shapes(bar(value, 4.0), "fill")[0]["width"] for value in (2.0, 8.0, -1.0, None)] == ["50", "100", "0", "0"]
    assert shapes(bar(1.0, 0.0), "fill")[0]["width"] == "0"


def test_marks_stand_in_the_bars_unit() -> None:
    """A mark at 0.25 of 0.5 is in the middle; one beyond the end is not drawn."""
    assert [mark["x1"] for mark in shapes(bar(0.1, 0.5, (0.25, 0.9)), "mark")] == ["50"]


def test_less_goes_to_the_left() -> None:
    """The bar of a negative effect ends at the middle, that of a positive one begins there."""
    (less,), (more,) = shapes(diverging(-1.0, 2.0), "fill"), shapes(diverging(2.0, 2.0), "fill")
    assert (less["x"], less["width"]) == ("25", "25")
    assert (more["x"], more["width"]) == ("50", "50")
    assert "less" in less["class"]


def test_an_interval_lies_on_its_line() -> None:
    """From 0.25 to 0.75 on a line from 0 to 1, everybody's mean at one half; ends other than 0 count too."""
    picture = interval(Estimate(0.5, 0.25, 0.75), (0.0, 1.0), 0.5)
    (range_,) = shapes(picture, "range")
    assert (range_["x"], range_["width"]) == ("25", "50")
    assert [mark["x1"] for mark in shapes(picture, "mark")] == ["50"]
    assert shapes(interval(Estimate(15.0, 12.5, 17.5), (10.0, 20.0)), "range")[0]["x"] == "25"


def test_what_is_not_known_is_not_drawn() -> None:
    """Without a value there is no point, without ends no interval."""
    picture = interval(Estimate(None), (0.0, 1.0))
    assert shapes(picture, "point") == shapes(picture, "range") == shapes(picture, "mark") == []
