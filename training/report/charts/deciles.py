"""Charts of ten equal groups: what was foretold against what happened, and how much better the best tenth is."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.report.charts.canvas import Axis, Canvas, Form
from training.report.charts.curves import CHANCE
from training.report.charts.markup import Markup
from training.report.forms import TIMES, number, short_percent

_ROOM = 1.06  # above the highest mark
_BAR_SHARE = 0.72  # of the place that a bar has


@dataclass(frozen=True, slots=True)
class Bin:
    """What was said of a group of rows, and what happened, with its interval where it is known."""

    predicted: float
    observed: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Tenth:
    """One tenth of the rows, the best first: its place, what happened in it, and how many times the mean that is."""

    place: float
    observed: float
    lift: float | None


def calibration(bins: Sequence[Bin], unit: str, label: str) -> Markup:
    """Each bin's mean forecast against what happened, beside the line where they are the same.

    Args:
        bins: at least one.
        unit: of an amount, "" for probabilities.
        label: for those who cannot see it.
    """
    form: Form = number if unit else short_percent
    high = _top([max(b.predicted, b.observed, b.high or 0.0) for b in bins], limit=None if unit else 1.0)
    low = min(0.0, *(min(b.predicted, b.observed) for b in bins))
    what = unit or "probability"
    canvas = Canvas(label, Axis(f"foretold, {what}", low, high, form), Axis(f"happened, {what}", low, high, form))
    canvas.line([(low, low), (high, high)], CHANCE)
    for b in bins:
        if b.low is not None and b.high is not None:
            at = canvas.x(b.predicted)
            canvas.add("line", x1=at, x2=at, y1=canvas.y(b.low), y2=canvas.y(min(b.high, high)), class_="whisker")
    for b in bins:
        canvas.add("circle", cx=canvas.x(b.predicted), cy=canvas.y(b.observed), r=4, class_="dot")
    canvas.legend("dot", "a group of visitors, with its 95% interval")
    canvas.legend(CHANCE, "what was foretold happened")
    return canvas.svg()


def lift(tenths: Sequence[Tenth], mean: float | None, unit: str, label: str) -> Markup:
    """What happened in each tenth, the multiple of the mean above its bar.

    Args:
        tenths: at least one.
        mean: of all rows, None when it is not known.
        unit: of an amount, "" for rates.
        label: for those who cannot see it.
    """
    form: Form = number if unit else short_percent
    high = _top([*(t.observed for t in tenths), mean or 0.0]) * 1.04
    x = Axis("tenth of the visitors, best first", 0.4, len(tenths) + 0.6, number, [t.place for t in tenths])
    canvas = Canvas(label, x, Axis(f"mean, {unit}" if unit else "rate", 0.0, high, form))
    width = (canvas.x(1) - canvas.x(0)) * _BAR_SHARE
    tops = [canvas.y(max(t.observed, 0.0)) for t in tenths]
    for t, top in zip(tenths, tops, strict=True):
        left = canvas.x(t.place) - width / 2
        canvas.add("rect", x=left, y=top, width=width, height=canvas.y(0) - top, class_="fill")
    if mean is not None:
        canvas.line([(0.4, mean), (len(tenths) + 0.6, mean)], CHANCE)
    for t, top in zip(tenths, tops, strict=True):
        if t.lift is not None:
            canvas.add("text", f"{t.lift:.1f}{TIMES}", x=canvas.x(t.place), y=top - 5, class_="middle small")
    if mean is not None:
        canvas.legend(CHANCE, f"mean of all: {form(mean)}{f' {unit}' if unit else ''}")
    return canvas.svg()


def _top(values: Sequence[float], limit: float | None = None) -> float:
    """A little above the highest, never nothing."""
    high = max([*values, 0.0]) * _ROOM
    if limit is not None:
        high = min(high, limit)
    return high or 1.0
