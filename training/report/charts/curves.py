"""Curves: one or two measured lines, what chance would give, and marks."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.report.charts.canvas import Axis, Canvas, span
from training.report.charts.markup import Markup
from training.report.forms import number, short_percent
from training.report.part import Point

MEASURED, SECOND, CHANCE = "first", "second", "chance"
_ALL = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart.

    Attributes:
        points: (x, y), in the order in which they are joined.
        text: what it is, for the legend.
        style: MEASURED, SECOND or CHANCE, which differ by their dashes too.
    """

    points: Sequence[Point]
    text: str
    style: str = MEASURED


def curves(label: str, x: Axis, y: Axis, lines: Sequence[Line]) -> Markup:
    """The lines in one plot, with a legend.

    Args:
        label: for those who cannot see it.
        x: across.
        y: upwards.
        lines: what is drawn last stands in front.
    """
    canvas = Canvas(label, x, y)
    for line in lines:
        canvas.line(line.points, line.style)
    for line in reversed(lines):
        canvas.legend(line.style, line.text)
    return canvas.svg()


def roc(points: Sequence[Point], label: str) -> Markup:
    """The ROC curve, points (false positive rate, true positive rate)."""
    return curves(
        label,
        Axis("false positive rate: false alarms", *_ALL, short_percent),
        Axis("true positive rate: found", *_ALL, short_percent),
        [Line([(0.0, 0.0), (1.0, 1.0)], "a coin", CHANCE), Line(points, "the model")],
    )


def precision_recall(points: Sequence[Point], base_rate: float | None, label: str) -> Markup:
    """The precision-recall curve, points (recall, precision), above the share that chance would find."""
    lines = [Line(points, "the model")]
    if base_rate is not None:
        chance = Line(
            [(0.0, base_rate), (1.0, base_rate)], f"a coin: the base rate, {short_percent(base_rate)}", CHANCE
        )
        lines.insert(0, chance)
    x = Axis("recall: found, of all with the outcome", *_ALL, short_percent)
    return curves(label, x, Axis("precision: right, of those chosen", *_ALL, short_percent), lines)


def gains(points: Sequence[Point], label: str) -> Markup:
    """What share of all the good is reached by choosing a share of the visitors, best first."""
    return curves(
        label,
        Axis("of the visitors, best first", *_ALL, short_percent),
        Axis("of the whole outcome reached", *_ALL, short_percent),
        [Line([(0.0, 0.0), (1.0, 1.0)], "a random choice", CHANCE), Line([(0.0, 0.0), *points], "the model")],
    )


def qini(points: Sequence[Point], label: str) -> Markup:
    """The Qini curve, points (share treated, gain, gain of a random choice)."""
    heights = [height for point in points for height in point[1:]]
    low, high = span(heights, from_zero=True)
    return curves(
        label,
        Axis("of the visitors treated, best first", *_ALL, short_percent),
        Axis("gain over treating nobody", low, high, number),
        [
            Line([(share, chance) for share, _, chance in points], "a random choice", CHANCE),
            Line([(share, gain) for share, gain, _ in points], "the model"),
        ],
    )


def trials(points: Sequence[Point], chosen: float | None, axis: str, figure: str) -> Markup:
    """What each setting reached, (setting, figure), with the chosen one marked."""
    settings = sorted({setting for setting, _ in points})
    low, high = span([height for _, height in points])
    few = settings if len(settings) <= 10 and all(s == round(s) for s in settings) else []  # noqa: PLR2004  # room
    across = span(settings)
    label = "; ".join(f"{axis} {number(s)}: {number(h)}" for s, h in points)
    canvas = Canvas(f"{figure} by {axis}. {label}", Axis(axis, *across, number, few), Axis("", low, high, number))
    canvas.line(points, MEASURED)
    for setting, height in points:
        is_chosen = setting == chosen
        if is_chosen:
            canvas.add("circle", cx=canvas.x(setting), cy=canvas.y(height), r=8, class_="ring")
        canvas.add("circle", cx=canvas.x(setting), cy=canvas.y(height), r=3.5, class_="dot")
    if chosen in settings:
        canvas.legend("dot ring", f"chosen: {number(chosen)}")
    return canvas.svg()
