"""Medians and how far the rounds lie apart."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """One number for each round, at least one.

    Attributes:
        median: what is quoted.
        lowest: of all rounds.
        highest: of all rounds.
        rounds: in their order.
    """

    median: float
    lowest: float
    highest: float
    rounds: tuple[float, ...]


def spread(rounds: Sequence[float]) -> Spread:
    """The rounds' median and range.

    >>> spread([3, 1, 2]).median
    2

    Raises:
        ValueError: there is no round.
    """
    if not rounds:
        raise ValueError("nothing was measured; a spread needs at least one round")
    return Spread(statistics.median(rounds), min(rounds), max(rounds), tuple(rounds))


def ratio(above: Spread, below: Spread) -> Spread:
    """The ratio of the medians; its range and rounds are of the ratios within each round.

    >>> ratio(spread([2, 4, 9]), spread([1, 2, 3])).median
    2.0

    Raises:
        ValueError: the numbers of rounds differ.
    """
    within = [a / b for a, b in zip(above.rounds, below.rounds, strict=True)]
    return Spread(above.median / below.median, min(within), max(within), tuple(within))


def difference(above: Spread, below: Spread) -> Spread:
    """The median of the differences within each round, and their range.

    Raises:
        ValueError: the numbers of rounds differ.
    """
    return spread([a - b for a, b in zip(above.rounds, below.rounds, strict=True)])
