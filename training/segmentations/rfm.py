"""RFM: segments by how recently, how often and for how much visitors buy, each in bands of the population.

The customary map has recency across and the mean of the bands of frequency and money down, each from 1 to 5, where 5 is
best: Champions at 5 by 4-5, Loyal at 3-4 by 4-5, Potential loyalists at 4-5 by 2-3, and so on; every cell is in one.
With 3 or 4 bands they are spread over 1 to 5 first: the map is the same, coarser, without what falls between two bands.

Source: A. M. Hughes, Strategic Database Marketing, 1994, for the bands, fifths of the customers; the map with the mean
of F and M is Putler's (RFM analysis for successful customer segmentation), its cells made disjoint as is customary.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from training.segmentations.language import named
from training.segmentations.rules import Rule

Range = tuple[int, int]  # of bands, both ends belong to it

BANDS: Final = (3, 4, 5)
_MOST = 5

# By segment: cells of recency, and of the mean of frequency and money.
CUSTOMARY: Final[Mapping[str, tuple[Range, Range]]] = {
    "Champions": ((5, 5), (4, 5)),
    "Loyal": ((3, 4), (4, 5)),
    "Potential loyalists": ((4, 5), (2, 3)),
    "New": ((5, 5), (1, 1)),
    "Promising": ((4, 4), (1, 1)),
    "Need attention": ((3, 3), (3, 3)),
    "About to sleep": ((3, 3), (1, 2)),
    "Cannot lose them": ((1, 2), (5, 5)),
    "At risk": ((1, 2), (3, 4)),
    "Hibernating": ((1, 2), (1, 2)),
}


@dataclass(frozen=True, slots=True)
class Cells:
    """A segment as a block of cells.

    Attributes:
        name: for people.
        key: permanent, "" where one is to be issued.
        recency: bands, the largest the most recent.
        frequency: bands.
        money: bands.
    """

    name: str
    key: str
    recency: Range
    frequency: Range
    money: Range


def customary_rules(features: Sequence[str], bands: int) -> list[Rule]:
    """The customary map as rules, together for every visitor.

    Args:
        features: names of recency (low is recent), frequency and money.
        bands: how many each has, of BANDS.
    """
    recency, frequency, money = _bands(features, bands)
    mean = f"({frequency} + {money}) / 2"
    rules = []
    for name, (recent, worth) in CUSTOMARY.items():
        across, down = _spread(recent, bands, 1), _spread(worth, bands, 2)
        if across[0] <= across[1] and down[0] <= down[1]:  # few bands leave out some columns of the map
            rules.append(Rule(name, " and ".join([*_within(recency, across, bands), *_within(mean, down, bands)])))
    return rules


def cell_rules(features: Sequence[str], bands: int, segments: Sequence[Cells]) -> list[Rule]:
    """Blocks of cells as rules.

    Args:
        features: as of customary_rules.
        bands: as of customary_rules.
        segments: in order, the first wins where blocks overlap.
    """
    return [Rule(cells.name, _block(features, bands, cells), cells.key) for cells in segments]


def _block(features: Sequence[str], bands: int, cells: Cells) -> str:
    numbers = _bands(features, bands)
    ranges = (cells.recency, cells.frequency, cells.money)
    limits = [limit for number, ends in zip(numbers, ranges, strict=True) for limit in _within(number, ends, bands)]
    return " and ".join(limits) or f"{numbers[0]} >= 1"  # every cell: everybody


def _bands(features: Sequence[str], bands: int) -> tuple[str, str, str]:
    recency, frequency, money = map(named, features)
    return f"band(-{recency}, {bands})", f"band({frequency}, {bands})", f"band({money}, {bands})"


def _spread(cells: Range, bands: int, steps: int) -> tuple[float, float]:
    """The bands, of this many, that lie in a range of five when they are spread over it.

    Band s of b is at 1 + 4 (s - 1) / (b - 1), and belongs to the nearest whole number.

    Args:
        cells: of the map.
        bands: how many there are.
        steps: in which parts of a band the number moves: halves for a mean of two.
    """
    low, high = (1 + (cell - 1) * (bands - 1) / (_MOST - 1) for cell in (cells[0] - 0.5, cells[1] + 0.5))
    return math.ceil(low * steps) / steps, (math.ceil(high * steps) - 1) / steps


def _within(number: str, ends: tuple[float, float], bands: int) -> list[str]:
    """The limit of a range, none where it holds every band."""
    low, high = ends
    if low == high:
        return [f"{number} == {low:g}"]
    if low > 1 and high < bands:
        return [f"{low:g} <= {number} <= {high:g}"]
    if low > 1:
        return [f"{number} >= {low:g}"]
    return [f"{number} <= {high:g}"] if high < bands else []
