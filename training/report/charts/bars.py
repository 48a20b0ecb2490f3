"""Bars as wide as a table's cell. The number stands in the cell beside, so readers' aids pass over them."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.report.charts.markup import Markup, element, joined

_WIDTH, _HEIGHT = 100, 12
_EMPTY = 1e-12


def bar(value: float | None, largest: float, marks: Sequence[float] = (), style: str = "") -> Markup:
    """A bar from 0, with lines at `marks`; no bar for nothing.

    Args:
        value: its length, in the unit of `largest`.
        largest: what fills the cell.
        marks: where lines stand, in the same unit.
        style: a further class of the bar.
    """
    share = _share(value or 0.0, largest)
    shapes = [element("rect", x=0, y=1, width=_WIDTH, height=_HEIGHT - 2, class_="rest")]
    shapes += [element("rect", x=0, y=1, width=_WIDTH * share, height=_HEIGHT - 2, class_=f"fill {style}".strip())]
    shapes += [_mark(_WIDTH * mark / largest) for mark in marks if largest > _EMPTY and mark <= largest]
    return _cell(shapes)


def diverging(value: float | None, largest: float) -> Markup:
    """A bar from the middle: to the right what is above 0, to the left what is below."""
    share = _share(abs(value or 0.0), largest)
    width = _WIDTH / 2 * share
    is_less = (value or 0.0) < 0
    left = _WIDTH / 2 - (width if is_less else 0.0)
    style = "fill less" if is_less else "fill"
    return _cell([element("rect", x=left, y=1, width=width, height=_HEIGHT - 2, class_=style), _mark(_WIDTH / 2)])


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; None for what is not known."""

    value: float | None
    low: float | None = None
    high: float | None = None


def interval(estimate: Estimate, ends: tuple[float, float], mark: float | None = None) -> Markup:
    """A point with its interval on a line.

    Args:
        estimate: where the point and its interval are.
        ends: the values at the ends of the line.
        mark: where a line stands, such as everybody's mean.
    """
    value, low, high = (None if v is None else v - ends[0] for v in (estimate.value, estimate.low, estimate.high))
    largest = ends[1] - ends[0]
    shapes = [element("line", x1=0, x2=_WIDTH, y1=_HEIGHT / 2, y2=_HEIGHT / 2, class_="track")]
    if low is not None and high is not None:
        left, right = (_WIDTH * _share(end, largest) for end in (low, high))
        shapes.append(element("rect", x=left, y=4, width=max(right - left, 0.5), height=_HEIGHT - 8, class_="range"))
    if mark is not None:
        shapes.append(_mark(_WIDTH * _share(mark - ends[0], largest)))
    if value is not None:
        at = _WIDTH * _share(value, largest)
        shapes.append(element("rect", x=min(max(at - 1, 0), _WIDTH - 2), y=1.5, width=2, height=9, class_="point"))
    return _cell(shapes)


def _cell(shapes: list[Markup]) -> Markup:
    return element(
        "svg",
        joined(shapes),
        class_="bar",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def _mark(at: float) -> Markup:
    return element("line", x1=at, x2=at, y1=0, y2=_HEIGHT, class_="mark")


def _share(value: float, largest: float) -> float:
    return min(max(value / largest, 0.0), 1.0) if largest > _EMPTY else 0.0
