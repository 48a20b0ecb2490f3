"""Frequent sequences of steps: words in an order, with a limited gap from each to the next.

PrefixSpan's growth of prefixes, with two differences. With a limit to gaps it is not enough to go on from where a
prefix first ends, as without one: all its ends are kept, and the latest one before an event decides, since it is the
nearest in time and in events. And the most frequent prefix is grown first, so that what is found before a limit is
reached are the most frequent patterns of all: a longer pattern is never more frequent than its beginning.

Source: J. Pei et al., Mining sequential patterns by pattern-growth: the PrefixSpan approach, 2004; J. Pei, J. Han and
W. Wang, Constraint-based sequential pattern mining, 2007, for gaps; P. Tzvetkov, X. Yan and J. Han, TSP, 2003, for the
order; X. Yan, J. Han and R. Afshar, CloSpan, 2003, for closed patterns.
"""

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from training.journeys.gap import Gap
from training.journeys.sequences import Positions, Sequences

Pattern = tuple[int, ...]  # words, by their positions in the vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is looked for.

    Attributes:
        gap: between a step and the next.
        least_count: visitors, at least 1, for a pattern to count.
        longest: words of a pattern, at least 1.
        most: patterns, after which the search ends.
    """

    gap: Gap
    least_count: int
    longest: int
    most: int


@dataclass(frozen=True, slots=True, eq=False)
class Frequent:
    """A pattern and who shows it.

    Attributes:
        pattern: its words.
        visitors: shape (count,), positions of the visitors, ascending.
    """

    pattern: Pattern
    visitors: Positions


class Search:
    """All places where patterns end in some sequences.

    Args:
        sequences: of the visitors.
        gap: between a step and the next.
    """

    def __init__(self, sequences: Sequences, gap: Gap) -> None:
        self._sequences = sequences
        self._gap = gap
        self._owners = sequences.owners
        # Numbers of 16 bits, where they suffice, are sorted in one pass over them.
        self._words = sequences.words.astype(np.min_scalar_type(len(sequences.vocabulary)))
        order = np.argsort(self._words, kind="stable")
        ends = np.cumsum(np.bincount(sequences.words, minlength=len(sequences.vocabulary)))
        self._occurrences = np.split(order, ends[:-1])

    def visitors(self, ends: Positions) -> Positions:
        """Who has an event at one of these positions, ascending."""
        return np.unique(self._owners[ends])

    def ends(self, pattern: Pattern) -> Positions:
        """Every event with which the pattern ends, ascending."""
        found = self._occurrences[pattern[0]]
        for word in pattern[1:]:
            found = self._following(found, self._occurrences[word])
        return found

    def first_counts(self) -> Iterator[tuple[int, int]]:
        """Every word, with how many visitors have it."""
        return ((word, len(self.visitors(events))) for word, events in enumerate(self._occurrences))

    def next_counts(self, ends: Positions) -> Iterator[tuple[int, int]]:
        """Every word that can follow where a pattern ends, with how many visitors it does."""
        is_concerned = np.zeros(len(self._sequences), dtype=bool)
        is_concerned[self._owners[ends]] = True
        events = self._following(ends, np.flatnonzero(is_concerned[self._owners]))
        counts = self._visitor_counts(events)
        return ((word, int(counts[word])) for word in np.flatnonzero(counts).tolist())

    def _visitor_counts(self, events: Positions) -> Positions:
        """How many visitors have each word among these events, shape (words,)."""
        words = self._words[events]
        order = np.argsort(words, kind="stable")  # within a word the visitors still ascend
        words, owners = words[order], self._owners[events[order]]
        is_first = np.ones(len(events), dtype=bool)
        is_first[1:] = (words[1:] != words[:-1]) | (owners[1:] != owners[:-1])
        counts: Positions = np.bincount(words[is_first], minlength=len(self._sequences.vocabulary))
        return counts

    def _following(self, ends: Positions, events: Positions) -> Positions:
        """Those of the events that are near enough behind an end, the latest before them."""
        is_end = np.zeros(len(self._owners), dtype=np.int64)
        is_end[ends] = 1
        places = np.cumsum(is_end)[events] - is_end[events] - 1
        events, before = events[places >= 0], ends[places[places >= 0]]
        is_near = self._owners[events] == self._owners[before]
        if self._gap.most_ms is not None:
            is_near &= self._sequences.times_ms[events] - self._sequences.times_ms[before] <= self._gap.most_ms
        if self._gap.most_events is not None:
            is_near &= events - before <= self._gap.most_events
        near: Positions = events[is_near]
        return near


def frequent(sequences: Sequences, limits: Limits) -> tuple[list[Frequent], bool]:
    """The most frequent patterns first, and whether these are all of them.

    Args:
        sequences: of the visitors.
        limits: what is looked for; the work is at most limits.most times all events.
    """
    search = Search(sequences, limits.gap)
    waiting: list[tuple[int, Pattern]] = [
        (-count, (word,)) for word, count in search.first_counts() if count >= limits.least_count
    ]
    heapq.heapify(waiting)
    found: list[Frequent] = []
    while waiting and len(found) < limits.most:
        _, pattern = heapq.heappop(waiting)
        ends = search.ends(pattern)
        found.append(Frequent(pattern, search.visitors(ends)))
        if len(pattern) < limits.longest:
            for word, count in search.next_counts(ends):
                if count >= limits.least_count:
                    heapq.heappush(waiting, (-count, (*pattern, word)))
    return found, not waiting


def closed(patterns: Sequence[Frequent]) -> list[Frequent]:
    """Those that no longer one of the patterns holds that the very same visitors show: it says the same and more."""
    alike = defaultdict(list)
    for one in patterns:
        alike[hashlib.sha256(one.visitors.tobytes()).digest()].append(one.pattern)
    return [
        one
        for one in patterns
        if not any(
            len(other) > len(one.pattern) and _holds(other, one.pattern)
            for other in alike[hashlib.sha256(one.visitors.tobytes()).digest()]
        )
    ]


def _holds(longer: Pattern, shorter: Pattern) -> bool:
    """Whether the words of one are in the other, in their order."""
    rest = iter(longer)
    return all(word in rest for word in shorter)
