"""A picture with its words, and a table of shares."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.report.charts.markup import Markup
from training.report.part import Part


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart, what it is called, and how to read it in a line."""

    title: str
    picture: Markup
    reading: str


@dataclass(frozen=True, slots=True)
class Heat:
    """A table of shares whose cells are as dark as they are high.

    Attributes:
        across: short headings of the columns, such as numbers.
        rows: number, heading, and cells.
    """

    across: Sequence[str]
    rows: Sequence[tuple[int, str, Sequence[float | None]]]


def confusion(part: Part) -> Heat | None:
    """Which class is taken for which, as shares of each row; None where it is not known.

    Args:
        part: with the classes, and the counts of each by the class that it was taken for.
    """
    classes, rows = part.texts("classes"), part.rows("counts")
    if not classes or len(rows) != len(classes):
        return None
    shares = []
    for row in rows:
        total = sum(cell or 0.0 for cell in row)
        shares.append([None if cell is None or not total else cell / total for cell in row])
    numbers = range(1, len(classes) + 1)
    return Heat([str(i) for i in numbers], list(zip(numbers, classes, shares, strict=True)))
