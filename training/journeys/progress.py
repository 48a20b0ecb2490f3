"""How far a visitor is on a journey, kept event by event in a state of bounded size.

With a limit to gaps it is not enough to know how many steps were made: of A, B, C within 2 hours each, a visitor with A
and B at 0 and 1 o'clock, and again at 2 and 3, completes the journey with C at 4, from the second B alone. For every
number of steps the latest way to make them is kept: when it ended, and when it began. That is enough. For whatever
comes next, the latest end is the nearest one, in time and in events; and what ends later never began earlier, so that
it is also the one that stays longest in a window.

This is what the function "journey" of features says of a log: see training.events.chains.
"""

from dataclasses import dataclass

from training.journeys.gap import Gap


@dataclass(frozen=True, slots=True)
class Way:
    """The latest way in which so many steps were made.

    Attributes:
        began_ms: time of its first step, in milliseconds since 1970.
        ended_ms: time of its last.
        ended_at: which of the visitor's events that was.
    """

    began_ms: int
    ended_ms: int
    ended_at: int


@dataclass(frozen=True, slots=True)
class Progress:
    """What is remembered of a visitor; as long as the journey, whatever they do.

    Attributes:
        ways: for each number of steps from 1, the latest way to make them, None before there is one.
        event_count: events so far.
        latest_ms: time of the latest event; None before the first.
    """

    ways: tuple[Way | None, ...]
    event_count: int = 0
    latest_ms: int | None = None

    def steps(self, since_ms: int | None = None) -> int:
        """How many steps were made, at most, one after the other.

        Args:
            since_ms: of those ways that began at this moment or later; None for all.
        """
        made = [way is not None and (since_ms is None or way.began_ms >= since_ms) for way in self.ways]
        return max((count for count, is_made in enumerate(made, start=1) if is_made), default=0)


@dataclass(frozen=True, slots=True)
class Tracker:
    """Follows one journey.

    Attributes:
        words: its steps, at least one.
        gap: from each step to the next.
    """

    words: tuple[str, ...]
    gap: Gap

    def start(self) -> Progress:
        """Of who has done nothing yet."""
        return Progress((None,) * len(self.words))

    def update(self, progress: Progress, word: str, time_ms: int) -> Progress:
        """After one more event. Events come in the order of time: one from before the latest is not counted.

        Args:
            progress: so far.
            word: what was done.
            time_ms: when.
        """
        if progress.latest_ms is not None and time_ms < progress.latest_ms:
            return progress
        # Each step goes on from ways before this event, so that one event is never two steps.
        before = (Way(time_ms, time_ms, progress.event_count), *progress.ways)
        ways = [
            Way(way.began_ms, time_ms, progress.event_count)
            if way is not None and word == self.words[step] and self._is_near(way, time_ms, progress.event_count)
            else progress.ways[step]
            for step, way in enumerate(before[: len(self.words)])
        ]
        return Progress(tuple(ways), progress.event_count + 1, time_ms)

    def _is_near(self, way: Way, time_ms: int, place: int) -> bool:
        is_soon = self.gap.most_ms is None or time_ms - way.ended_ms <= self.gap.most_ms
        return is_soon and (self.gap.most_events is None or place - way.ended_at <= self.gap.most_events)
