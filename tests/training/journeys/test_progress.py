import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.journeys.brute import is_near, occurs
from training.journeys.gap import Gap
from training.journeys.progress import Tracker
from training.journeys.sequences import Event

EVENTS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc")), max_size=12).map(
    lambda steps: [
        (time, word) for time, (_, word) in zip(itertools.accumulate(wait for wait, _ in steps), steps, strict=True)
    ]
)
GAPS = st.builds(Gap, st.none() | st.integers(0, 4), st.none() | st.integers(1, 4))
JOURNEYS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(tuple)


def _is_complete(tracker: Tracker, events: list[Event]) -> bool:
    progress = tracker.start()
    for time_ms, word in events:
        progress = tracker.update(progress, word, time_ms)
    return progress.steps() == len(tracker.words)


@settings(deadline=None)
@given(JOURNEYS, GAPS, EVENTS, st.integers(0, 12))
def test_steps_are_those_that_were_made(words: tuple[str, ...], gap: Gap, events: list[Event], window_ms: int) -> None:
    """After every event, so many steps are said as some choice of the events so far makes, of all or of a window's."""
    tracker = Tracker(words, gap)
    progress = tracker.start()
    for count, (time_ms, word) in enumerate(events, start=1):
        progress = tracker.update(progress, word, time_ms)
        assert len(progress.ways) == len(words)
        for since_ms in (None, time_ms - window_ms):
            seen = [event for event in events[:count] if since_ms is None or event[0] >= since_ms]
            made = [steps for steps in range(1, len(words) + 1) if occurs(words[:steps], seen, gap)]
            assert progress.steps(since_ms) == max(made, default=0)


def _furthest_only(words: tuple[str, ...], gap: Gap, events: list[Event]) -> bool:
    """An automaton that keeps only how many steps were made, and when the last of these was."""
    reached, last = 0, (0, 0)
    for place, (time_ms, word) in enumerate(events):
        if reached and not is_near(last, (time_ms, place), gap):
            reached = 0
        if word == words[reached]:
            reached, last = reached + 1, (time_ms, place)
            if reached == len(words):
                return True
    return False


@pytest.mark.parametrize(
    ("gap", "events"),
    [
        (Gap(2, None), [(0, "a"), (1, "b"), (2, "a"), (3, "b"), (5, "c")]),
        (Gap(None, 2), [(0, "a"), (0, "b"), (0, "a"), (0, "b"), (0, "d"), (0, "c")]),
        (Gap(2, None), [(0, "a"), (2, "a"), (4, "b"), (6, "c")]),
    ],
)
def test_the_furthest_step_is_not_enough(gap: Gap, events: list[Event]) -> None:
    """With a limit to gaps, who forgets all but the furthest step misses journeys that were made."""
    assert not _furthest_only(("a", "b", "c"), gap, events)
    assert _is_complete(Tracker(("a", "b", "c"), gap), events)


def test_one_event_is_one_step() -> None:
    """A journey of the same word twice takes two events, even of the same moment."""
    tracker = Tracker(("a", "a"), Gap(0))
    once = tracker.update(tracker.start(), "a", 7)
    assert once.steps() == 1
    assert tracker.update(once, "a", 7).steps() == 2


def test_late_events_are_not_counted() -> None:
    """An event from before the latest one changes nothing."""
    tracker = Tracker(("a", "b"), Gap(10))
    progress = tracker.update(tracker.start(), "b", 100)
    assert tracker.update(progress, "a", 99) == progress


def test_once_complete_always_complete() -> None:
    """What happened stays so, whatever comes later."""
    tracker = Tracker(("a", "b"), Gap(10))
    assert _is_complete(tracker, [(0, "a"), (1, "b"), (1000, "c")])
