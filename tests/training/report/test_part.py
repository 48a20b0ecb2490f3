import math

import pytest

from training.report.part import Part, finite


@pytest.mark.parametrize("other", [None, "words", 3, [1], True])
def test_what_is_no_object_is_an_empty_one(other: object) -> None:
    """Anything but an object reads as one with nothing in it."""
    part = Part(other)
    assert not part
    assert part.fields() == []
    assert part.text("a", "none") == "none"
    assert part.number("a") is None
    assert part.part("a").parts("b") == []


def test_values_of_another_kind_are_nothing() -> None:
    """A text is no number, true is no number, and a number is no text."""
    part = Part({"text": "words", "number": 2, "flag": True, "empty": ""})
    assert (part.text("text"), part.number("text"), part.flag("text")) == ("words", None, None)
    assert (part.text("number", "-"), part.number("number"), part.count("number")) == ("-", 2.0, 2)
    assert (part.number("flag"), part.flag("flag")) == (None, True)
    assert part.text("empty", "default") == "default"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, True, "1", None, [1]])
def test_only_finite_numbers_are_numbers(value: object) -> None:
    """A chart has no place for what is not finite."""
    assert finite(value) is None


def test_points_miss_no_coordinate() -> None:
    """Rows with a gap are left out, further columns are cut off."""
    part = Part({"curve": [[0, 1, 9], [None, 1], [0.5], "x", [0.5, 0.25]]})
    assert part.points("curve") == [(0.0, 1.0), (0.5, 0.25)]
    assert part.points("curve", 3) == [(0.0, 1.0, 9.0)]


def test_matrices_keep_their_gaps() -> None:
    """A cell that is not known stays in its place, as None."""
    assert Part({"m": [[1, None], ["x", 2]]}).rows("m") == [[1.0, None], [None, 2.0]]


def test_objects_and_texts_among_others() -> None:
    """Of arrays and objects, what fits is taken, in the file's order."""
    part = Part({"list": [{"a": 1}, 3, None, {"b": 2}, "t"], "map": {"y": {"a": 1}, "x": 5, "z": {}}})
    assert [inner.fields() for inner in part.parts("list")] == [["a"], ["b"]]
    assert part.texts("list") == ["t"]
    assert [name for name, _ in part.named("map")] == ["y", "z"]
    assert part.numbers("map") == {"x": 5.0}
