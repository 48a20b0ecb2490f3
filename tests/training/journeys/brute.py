"""Journeys found by trying everything: what the tests compare with."""

import itertools
from collections.abc import Sequence

from training.journeys.gap import Gap
from training.journeys.sequences import Event


def is_near(before: tuple[int, int], now: tuple[int, int], gap: Gap) -> bool:
    """Whether one event, its time and place, is near enough behind another."""
    in_time = gap.most_ms is None or now[0] - before[0] <= gap.most_ms
    return in_time and (gap.most_events is None or now[1] - before[1] <= gap.most_events)


def occurs(words: Sequence[str], events: Sequence[Event], gap: Gap) -> bool:
    """Whether any choice of events, in their order, makes the journey."""
    for places in itertools.combinations(range(len(events)), len(words)):
        is_it = all(events[place][1] == word for place, word in zip(places, words, strict=True))
        if is_it and all(is_near((events[i][0], i), (events[j][0], j), gap) for i, j in itertools.pairwise(places)):
            return True
    return False
