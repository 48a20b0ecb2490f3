"""How far a visitor is on a journey, kept event by event in a state of bounded size.

With a limit to gaps it is not enough to know how many steps were made: of A, B, C within 2 hours each, a visitor with A
and B at 0 and 1 o'clock, and again at 2 and 3, completes the journey with C at 4, from the second B alone. For every
number of steps the latest moment is kept at which so many had just been made. That is enough: for whatever comes next,
the latest moment is the nearest one, in time and in events.
"""

from dataclasses import dataclass

from training.journeys.sequences import Gap

Moment = tuple[int, int]  # milliseconds since 1970, and which of the visitor's events it was


@dataclass(frozen=True, slots=True)
class Progress:
    """What is remembered of a visitor; as long as the journey, whatever they do.

    Attributes:
        reached: for each number of steps but the last, from 1, the latest moment at which they had just been made.
        event_count: events so far.
        latest_ms: time of the latest event; None before the first.
        is_complete: whether the whole journey was ever made.
    """

    reached: tuple[Moment | None, ...]
    event_count: int = 0
    latest_ms: int | None = None
    is_complete: bool = False


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
        return Progress((None,) * (len(self.words) - 1))

    def update(self, progress: Progress, word: str, time_ms: int) -> Progress:
        """After one more event. Events come in the order of time: one from before the latest is not counted.

        Args:
            progress: so far.
            word: what was done.
            time_ms: when.
        """
        if progress.latest_ms is not None and time_ms < progress.latest_ms:
            return progress
        moment = (time_ms, progress.event_count)
        steps = [step for step in range(len(self.words)) if self._is_made(progress, step, word, moment)]
        reached = tuple(moment if step in steps else before for step, before in enumerate(progress.reached))
        is_complete = progress.is_complete or len(self.words) - 1 in steps
        return Progress(reached, progress.event_count + 1, time_ms, is_complete)

    def _is_made(self, progress: Progress, step: int, word: str, moment: Moment) -> bool:
        """Whether this event is that step: of the moments before it, so that one event is never two steps."""
        if word != self.words[step]:
            return False
        if step == 0:
            return True
        before = progress.reached[step - 1]
        return before is not None and self._is_near(before, moment)

    def _is_near(self, before: Moment, now: Moment) -> bool:
        is_soon = self.gap.most_ms is None or now[0] - before[0] <= self.gap.most_ms
        return is_soon and (self.gap.most_events is None or now[1] - before[1] <= self.gap.most_events)
