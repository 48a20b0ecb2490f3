"""An SVG picture with two axes, whose colours are classes of the page's style sheet."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from training.report.charts.markup import Markup, element, joined, pixel

WIDTH = 360  # of the drawing and of a phone, so that text is never scaled below its size
PLOT_HEIGHT = 208
LEFT, RIGHT, TOP = 46, 20, 30
_ABOVE = 10  # the highest number of the y axis
_BELOW = 42  # numbers and title of the x axis
_LEGEND_LINE = 17
_TICKS = 5
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)

Form = Callable[[float | None], str]


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from values to pixels.

    Attributes:
        low: value at `start`.
        high: value at `end`, above `low`.
        start: pixel.
        end: pixel.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, count: int = _TICKS) -> list[float]:
    """Round numbers from low to high, about `count` of them, at steps of 1, 2, 2.5 or 5 times a power of ten."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in _STEPS if s * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def span(values: Sequence[float], *, from_zero: bool = False) -> tuple[float, float]:
    """A range that holds all the values, with ends a little beyond, never of no width."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    room = (high - low) * 0.06 or max(abs(high), 1e-9) * 0.5
    ends_at_zero = from_zero and high == 0 > low
    return (low if from_zero and low == 0 else low - room, high if ends_at_zero else high + room)


@dataclass(frozen=True, slots=True)
class Axis:
    """One of the two axes.

    Attributes:
        title: what it measures.
        low: smallest value.
        high: largest value, above `low`.
        form: how its numbers are written.
        at: where numbers stand; nothing for round ones.
    """

    title: str
    low: float
    high: float
    form: Form
    at: Sequence[float] = ()

    @property
    def ticks(self) -> Sequence[float]:
        """Where its numbers stand."""
        return self.at or ticks(self.low, self.high)


class Canvas:
    """A plot that shapes are added to, and its SVG in the end.

    Args:
        label: what it shows and what it says, for those who cannot see it.
        x: across.
        y: upwards.
    """

    def __init__(self, label: str, x: Axis, y: Axis) -> None:
        self.x = Scale(x.low, x.high, LEFT, WIDTH - RIGHT)
        self.y = Scale(y.low, y.high, TOP + PLOT_HEIGHT, TOP)
        self._label = label
        self._skipped = 0 if y.title else TOP - _ABOVE
        self._shapes: list[Markup] = []
        self._legend: list[tuple[str, str]] = []
        self._draw_axes(x, y)

    def add(self, name: str, content: str | None = None, /, **attributes: float | str) -> None:
        """Adds an element; an underscore in an attribute's name is a hyphen, and one at its end is dropped."""
        self._shapes.append(element(name, content, **attributes))

    def line(self, points: Sequence[tuple[float, ...]], style: str) -> None:
        """A line through points (x, y)."""
        path = " ".join(f"{pixel(self.x(x))},{pixel(self.y(y))}" for x, y in points)
        self.add("polyline", points=path, class_=f"line {style}")

    def legend(self, style: str, text: str) -> None:
        """Says below the plot what a kind of line or mark means."""
        self._legend.append((style, text))

    def svg(self) -> Markup:
        """The picture."""
        bottom = TOP + PLOT_HEIGHT + _BELOW
        height = bottom + _LEGEND_LINE * len(self._legend)
        for i, (style, text) in enumerate(self._legend):
            y = bottom + _LEGEND_LINE * i + 6
            if style.startswith("dot"):
                self.add("circle", cx=LEFT + 12, cy=y, r=4, class_=style)
            else:
                self.add("line", x1=LEFT, x2=LEFT + 24, y1=y, y2=y, class_=f"line {style}")
            self.add("text", text, x=LEFT + 32, y=y + 4)
        return element(
            "svg",
            joined(self._shapes),
            class_="chart",
            viewBox=f"0 {self._skipped} {WIDTH} {height - self._skipped}",
            role="img",
            aria_label=self._label,
        )

    def _draw_axes(self, x: Axis, y: Axis) -> None:
        right, bottom = WIDTH - RIGHT, TOP + PLOT_HEIGHT
        for tick in y.ticks:
            at = self.y(tick)
            self.add("line", x1=LEFT, x2=right, y1=at, y2=at, class_="grid")
            self.add("text", y.form(tick), x=LEFT - 6, y=at + 4, class_="end")
        for tick in x.ticks:
            at = self.x(tick)
            self.add("line", x1=at, x2=at, y1=bottom, y2=bottom + 4, class_="axis")
            self.add("text", x.form(tick), x=at, y=bottom + 17, class_="middle")
        self.add("line", x1=LEFT, x2=right, y1=bottom, y2=bottom, class_="axis")
        if y.title:
            self.add("text", y.title, x=4, y=14, class_="title")
        self.add("text", x.title, x=right, y=bottom + 33, class_="title end")
