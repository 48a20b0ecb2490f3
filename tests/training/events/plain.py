"""Features and labels over events in plain Python: slow, obvious, and by none of training's code."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

DAY_US = 24 * 60 * 60 * 1_000_000
LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the log, as it came."""

    visitor: str
    at_us: int
    id: int | None
    kind: str
    spend: float | None = None
    word: str | None = None
    ends_us: int | None = None

    @property
    def clock(self) -> datetime:
        """What the clocks in London say."""
        return datetime.fromtimestamp(self.at_us // 1_000_000, UTC).astimezone(LONDON)


def once(events: Sequence[Event]) -> list[Event]:
    """Each event once: of those of a visitor with one id the earliest, then the least of kind, spend, word, end."""
    kept: dict[tuple[str, int], Event] = {}
    own = [event for event in events if event.id is None]
    for event in events:
        if event.id is not None:
            other = kept.get((event.visitor, event.id))
            kept[event.visitor, event.id] = event if other is None else min(event, other, key=_rank)
    return own + list(kept.values())


def _rank(event: Event) -> tuple[object, ...]:
    rest = (event.kind, event.spend, event.word, event.ends_us)
    return (
        event.at_us,
        *((value is None, value or 0) if not isinstance(value, str) else (False, value) for value in rest),
    )


Known = Callable[["History"], float | None]


@dataclass(frozen=True, slots=True)
class History:
    """What one visitor did, as of a moment."""

    events: Sequence[Event]
    as_of_us: int

    def before(self, days: float = math.inf, kind: str = "") -> list[Event]:
        """Events strictly before, at most so many days, oldest first."""
        found = [e for e in self.events if e.at_us < self.as_of_us and e.at_us >= self.as_of_us - days * DAY_US]
        return sorted((e for e in found if not kind or e.kind == kind), key=lambda event: event.at_us)

    def after(self, days: float, kind: str) -> list[Event]:
        """Events from the moment on."""
        end_us = self.as_of_us + days * DAY_US
        return [e for e in self.events if self.as_of_us <= e.at_us < end_us and e.kind == kind]

    def days_since(self, at_us: int) -> float:
        """Days of 24 hours."""
        return (self.as_of_us - at_us) / DAY_US

    def weight(self, event: Event, half_life_days: float) -> float:
        """What is left of an event."""
        return float(2.0 ** (-(self.as_of_us - event.at_us) / (half_life_days * DAY_US)))


def _spends(events: Sequence[Event]) -> list[float]:
    return [event.spend for event in events if event.spend is not None]


def _recency(history: History) -> float | None:
    buys = history.before(28, "buy")
    return history.days_since(buys[-1].at_us) if buys else None


def _tenure(history: History) -> float | None:
    everything = history.before()
    return min(history.days_since(everything[0].at_us), 28.0) if everything else None


def _gap(history: History) -> float | None:
    buys = history.before(28, "buy")
    return (buys[-1].at_us - buys[0].at_us) / DAY_US / (len(buys) - 1) if len(buys) > 1 else None


def _ratio(above: float, below: float) -> float | None:
    return above / below if below else None


def _trend(history: History) -> float | None:
    recent, whole = _spends(history.before(7, "buy")), _spends(history.before(28, "buy"))
    return _ratio(4 * math.fsum(recent), math.fsum(whole))


def _decayed(history: History) -> float:
    return math.fsum(history.weight(e, 5) * e.spend for e in history.before() if e.spend is not None)


def _decayed_mean(history: History) -> float | None:
    spent = [e for e in history.before(kind="buy") if e.spend is not None]
    return _ratio(
        math.fsum(history.weight(e, 3.5) * (e.spend or 0) for e in spent),
        math.fsum(history.weight(e, 3.5) for e in spent),
    )


def _mean(history: History) -> float | None:
    spends = _spends(history.before(28))
    return math.fsum(spends) / len(spends) if spends else None


def _favourite(history: History) -> float | None:
    counts = Counter(event.word for event in history.before(28) if event.word in WORDS)
    most = max(counts.values(), default=0)
    return float(min(WORDS.index(word) for word in WORDS if counts[word] == most)) if most else None


def _newest(history: History, *, words: bool) -> list[Event]:
    known = [e for e in history.before(28) if (e.word in WORDS if words else e.spend is not None)]
    return [event for event in known if event.at_us == known[-1].at_us]


def _last_word(history: History) -> float | None:
    newest = _newest(history, words=True)
    return float(min(WORDS.index(event.word or "") for event in newest)) if newest else None


def _made(
    events: Sequence[Event],
    said: Sequence[str | None],
    steps: Sequence[str],
    hours: float = math.inf,
    apart: int = 10**9,
) -> float:
    """How many of the steps some choice of these events makes, each near enough behind the one before."""
    done = sorted((e.at_us, word) for e, word in zip(events, said, strict=True) if word is not None)
    ends = [place for place, (_, word) in enumerate(done) if word == steps[0]]
    count = 0
    while ends and count < len(steps):
        count += 1
        ends = [
            place
            for place, (at_us, word) in enumerate(done)
            if count < len(steps) and word == steps[count]
            if any(end < place <= end + apart and at_us - done[end][0] <= hours * DAY_US / 24 for end in ends)
        ]
    return float(count)


def _colours(history: History) -> float:
    events = [e for e in history.before(28) if e.kind != "other"]
    return _made(events, [e.word for e in events], ["red", "green", "red", "blue"], hours=90, apart=3)


WORDS = ("red", "green", "blue", "it's")
FEATURES: dict[str, Known] = {
    "buys_28d": lambda h: float(len(h.before(28, "buy"))),
    "events_1d": lambda h: float(len(h.before(1))),
    "spend_28d": lambda h: math.fsum(_spends(h.before(28, "buy"))),
    "spend_mean": _mean,
    "spend_least": lambda h: min(_spends(h.before(28)), default=None),
    "spend_most": lambda h: max(_spends(h.before(28)), default=None),
    "words_28d": lambda h: float(len({e.word for e in h.before(28) if e.word is not None})),
    "visits_decayed": lambda h: math.fsum(h.weight(e, 2) for e in h.before(kind="visit")),
    "spend_decayed": _decayed,
    "spend_decayed_mean": _decayed_mean,
    "recency": _recency,
    "tenure": _tenure,
    "gap": _gap,
    "red_share": lambda h: _ratio(
        math.fsum(_spends([e for e in h.before(28, "buy") if e.word == "red"])), math.fsum(_spends(h.before(28, "buy")))
    ),
    "morning_share": lambda h: _ratio(sum(5 <= e.clock.hour <= 11 for e in h.before(28)), len(h.before(28))),
    "weekend_share": lambda h: _ratio(sum(e.clock.isoweekday() >= 6 for e in h.before(28)), len(h.before(28))),
    "trend": _trend,
    "favourite": _favourite,
    "last_word": _last_word,
    "last_spend": lambda h: max((e.spend or 0 for e in _newest(h, words=False)), default=None),
    "running": lambda h: float(sum(e.ends_us is not None and e.ends_us >= h.as_of_us for e in h.before(28))),
    "back_again": lambda h: _made(h.before(10), [e.kind for e in h.before(10)], ["buy", "visit", "buy"], hours=30),
    "colours": _colours,
    "any_way": lambda h: _made(h.before(2), [e.word for e in h.before(2)], ["blue", "it's"]),
    "halves": lambda h: math.fsum(s / 2 / 4 for s in _spends(h.before(28))),
}
LABELS: dict[str, Callable[[History], float]] = {
    "buys": lambda h: float(bool(h.after(7, "buy"))),
    "visits": lambda h: float(len(h.after(10, "visit"))),
    "spend": lambda h: math.fsum(_spends(h.after(14, "buy"))),
}
