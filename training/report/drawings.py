"""A picture with its words, and a table of shares."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.report.charts.markup import Markup


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
