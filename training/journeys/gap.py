"""How far apart two steps of a journey may be."""

from dataclasses import dataclass
from typing import Final

from training.configuration.section import Section

_MOST_EVENTS: Final = 100_000
_DAYS_FROM_HOURS: Final = 48  # two days, before it is a plural
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Gap:
    """How far a step may be from the one before it.

    Attributes:
        most_ms: milliseconds, None for no limit.
        most_events: events of the visitor, 1 for the very next, None for no limit.
    """

    most_ms: int | None = None
    most_events: int | None = None

    @property
    def text(self) -> str:
        """For people, "" for no limit."""
        parts = []
        if self.most_ms is not None:
            parts.append(f"within {_duration(self.most_ms)}")
        if self.most_events is not None:
            parts.append("directly" if self.most_events == 1 else f"among the next {self.most_events} events")
        return f"each step {' and '.join(parts)} after the one before" if parts else ""


NO_GAP: Final = Gap()


def read_gap(section: Section) -> Gap:
    """The keys maximum_gap_hours and maximum_gap_events of a table that may have others.

    Raises:
        BadConfig: one of them is no limit.
    """
    hours = section.number("maximum_gap_hours")
    if hours is not None and hours <= 0:
        raise section.fault(f"maximum_gap_hours is {hours:g}; needed is more than 0, or leave it out for no limit")
    events = section.whole("maximum_gap_events")
    if events is not None and not 1 <= events <= _MOST_EVENTS:
        raise section.fault(
            f"maximum_gap_events is {events}; needed is a whole number from 1 to {_MOST_EVENTS}, or leave it out for "
            "no limit"
        )
    return Gap(None if hours is None else round(hours * _HOUR_MS), events)


def _duration(milliseconds: int) -> str:
    hours = milliseconds / _HOUR_MS
    if hours >= _DAYS_FROM_HOURS:
        return f"{hours / 24:g} days"
    return "1 hour" if hours == 1 else f"{hours:g} hours"
