import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.journeys.brute import occurs
from tests.training.journeys.test_progress import EVENTS, GAPS
from training.journeys.gap import Gap
from training.journeys.patterns import Frequent, Limits, closed, frequent
from training.journeys.sequences import Event, Sequences

VISITORS = st.lists(EVENTS, min_size=1, max_size=6)


def _expected(visitors: list[list[Event]], gap: Gap, least: int, longest: int) -> dict[tuple[str, ...], list[int]]:
    """Every journey of these words that is frequent, by trying all."""
    journeys = (words for length in range(1, longest + 1) for words in itertools.product("abc", repeat=length))
    who = {words: [i for i, events in enumerate(visitors) if occurs(words, events, gap)] for words in journeys}
    return {words: found for words, found in who.items() if len(found) >= least}


def _words(sequences: Sequences, one: Frequent) -> tuple[str, ...]:
    return tuple(sequences.vocabulary[word] for word in one.pattern)


@settings(max_examples=60, deadline=None)
@given(VISITORS, GAPS, st.integers(1, 3))
def test_as_by_trying_everything(visitors: list[list[Event]], gap: Gap, least: int) -> None:
    """Whatever visitors did, the frequent journeys and who made them are those that trying all journeys finds."""
    sequences = Sequences.of(visitors)
    found, is_all = frequent(sequences, Limits(gap=gap, least_count=least, longest=3, most=1000))
    assert is_all
    assert {_words(sequences, one): one.visitors.tolist() for one in found} == _expected(visitors, gap, least, 3)
    counts = [len(one.visitors) for one in found]
    assert counts == sorted(counts, reverse=True)


@settings(max_examples=40, deadline=None)
@given(VISITORS, GAPS, st.integers(1, 8))
def test_a_limit_keeps_the_most_frequent(visitors: list[list[Event]], gap: Gap, most: int) -> None:
    """With a limit, the journeys are as frequent as the most frequent of all, and it is said whether some are left."""
    sequences = Sequences.of(visitors)
    everything, _ = frequent(sequences, Limits(gap=gap, least_count=1, longest=3, most=1000))
    some, is_all = frequent(sequences, Limits(gap=gap, least_count=1, longest=3, most=most))
    assert [len(one.visitors) for one in some] == [len(one.visitors) for one in everything][:most]
    assert is_all == (len(everything) <= most)


@settings(max_examples=60, deadline=None)
@given(VISITORS, GAPS)
def test_closed_patterns_say_everything(visitors: list[list[Event]], gap: Gap) -> None:
    """What is left out is in a longer journey that the same visitors made; what stays is in none."""
    found, _ = frequent(Sequences.of(visitors), Limits(gap=gap, least_count=1, longest=3, most=1000))
    kept = closed(found)
    for one in found:
        same = [o for o in found if o.visitors.tolist() == one.visitors.tolist() and len(o.pattern) > len(one.pattern)]
        has_longer = any(one.pattern in itertools.combinations(other.pattern, len(one.pattern)) for other in same)
        assert (one in kept) == (not has_longer)


@pytest.mark.parametrize(
    ("gap", "visitors"), [(Gap(2), [0]), (Gap(5), [0, 1]), (Gap(None, 1), [0]), (Gap(None, 2), [0, 1]), (Gap(), [0, 1])]
)
def test_gaps_by_hand(gap: Gap, visitors: list[int]) -> None:
    """The same two steps count or not by how far apart they are, in time and in events."""
    sequences = Sequences.of([[(0, "a"), (2, "b")], [(0, "a"), (1, "c"), (5, "b")], [(0, "b"), (1, "a")]])
    found, _ = frequent(sequences, Limits(gap=gap, least_count=1, longest=2, most=100))
    who = {_words(sequences, one): one.visitors.tolist() for one in found}
    assert who["a", "b"] == visitors
    assert who["b", "a"] == [2]


def test_events_are_put_in_order() -> None:
    """Events come in any order; those of one moment stay as they came."""
    sequences = Sequences.of([[(5, "z"), (1, "b"), (1, "a")], [], [(3, "a")]])
    assert sequences.vocabulary == ("a", "b", "z")
    assert sequences.words.tolist() == [1, 0, 2, 0]
    assert sequences.starts.tolist() == [0, 3, 3, 4]
    assert sequences.owners.tolist() == [0, 0, 0, 2]
    some = sequences.where(np.array([False, True, True]))
    assert (some.starts.tolist(), some.words.tolist(), len(some)) == ([0, 0, 1], [0], 2)


def test_nobody_did_anything() -> None:
    """Of visitors without events there are no journeys."""
    assert frequent(Sequences.of([[], []]), Limits(gap=Gap(), least_count=1, longest=3, most=10)) == ([], True)


@pytest.mark.parametrize(
    ("gap", "text"),
    [
        (Gap(), ""),
        (Gap(3_600_000 * 24), "each step within 24 hours after the one before"),
        (Gap(3_600_000 * 72), "each step within 3 days after the one before"),
        (Gap(None, 1), "each step directly after the one before"),
        (Gap(5_400_000, 4), "each step within 1.5 hours and among the next 4 events after the one before"),
    ],
)
def test_gaps_in_words(gap: Gap, text: str) -> None:
    """A limit is said in a phrase."""
    assert gap.text == text
