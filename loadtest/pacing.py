"""When requests are sent: an open loop by its schedule, whatever the server does; a closed one as it answers."""

from collections.abc import Callable
from fractions import Fraction
from typing import Final, Protocol

import numpy as np

from loadtest.lanes import Lane
from loadtest.load import Load, Share
from loadtest.results import Times
from loadtest.schedule import NS_PER_S, due_ns, request_count

BURST_COUNT: Final = 64  # sent in a row before replies get their turn, when it is behind
END_NS: Final = 2**62  # later than anything


Sender = Callable[[Lane], int]  # sends the share's next request on the lane, and returns the time noted for it


class Pace(Protocol):
    """A way to pace. Times are in nanoseconds from the start of the schedule; slots count a share's requests from 0."""

    def send(self, slot: int, now_ns: int, send: Sender) -> None:
        """Send what is due, from this slot on."""

    def refill(self, lane: Lane, now_ns: int, send: Sender) -> None:
        """Send what is due because calls of the lane have ended, or it came up."""

    def next_ns(self, slot: int) -> int:
        """When `send` is to be asked next."""

    def is_over(self, slot: int, now_ns: int) -> bool:
        """Whether nothing more is to be sent."""

    def interrupt(self, at_ns: int) -> None:
        """End the schedule at that time."""

    def due_count(self, slot: int) -> int:
        """Requests of the share that are due in the end; in a closed loop, those sent until now."""

    def recorded(self, sent_ns: Times) -> tuple[Times, int, int]:
        """When each request of the share was due, from slot 0, and the beginning and the length of what is recorded."""


class OpenLoop:
    """A fixed rate."""

    def __init__(self, load: Load, rate_hz: Fraction, share: Share, lanes: list[Lane]) -> None:
        self._rate_hz = rate_hz
        self._share = share
        self._lanes = lanes
        self._warmup_count = request_count(load.warmup_s, rate_hz)
        self._patience_ns = round(load.deadline_s * NS_PER_S)
        self._limit(request_count(load.warmup_s + load.duration_s, rate_hz))

    def _limit(self, whole_count: int) -> None:
        self._whole_count = whole_count
        self._count = self._share.count(whole_count)
        self._last_ns = due_ns(whole_count, self._rate_hz) + self._patience_ns

    def _due_ns(self, slot: int) -> int:
        return due_ns(self._share.number(slot), self._rate_hz)

    def send(self, slot: int, now_ns: int, send: Sender) -> None:
        """Send what is due, the lanes in turn; after a burst, replies come first."""
        touched = set()
        for number in range(slot, min(slot + BURST_COUNT, self._count)):
            if self._due_ns(number) > now_ns:
                break
            lane = self._lanes[number % len(self._lanes)]
            now_ns = send(lane)
            touched.add(lane)
        for lane in touched:
            lane.flush()

    def refill(self, lane: Lane, now_ns: int, send: Sender) -> None:
        """Nothing: what the server does changes nothing in the schedule."""

    def next_ns(self, slot: int) -> int:
        """When the request of the slot is due."""
        return self._due_ns(slot) if slot < self._count else END_NS

    def is_over(self, slot: int, now_ns: int) -> bool:
        """Whether all are sent, or the last one's deadline would have passed: then it is too late for any."""
        return slot >= self._count or now_ns > self._last_ns

    def interrupt(self, at_ns: int) -> None:
        """What is due from then on is none of this run's."""
        until = request_count(Fraction(max(0, at_ns), NS_PER_S), self._rate_hz)
        self._limit(min(self._whole_count, until))

    def due_count(self, slot: int) -> int:  # noqa: ARG002  # a closed loop needs it
        """Requests of the share in the schedule."""
        return self._count

    def recorded(self, sent_ns: Times) -> tuple[Times, int, int]:  # noqa: ARG002  # a closed loop needs it
        """The due times of all, also of those that were not sent; what is recorded begins with a due time."""
        due = np.fromiter((self._due_ns(slot) for slot in range(self._count)), np.int64, self._count)
        start_ns = due_ns(self._warmup_count, self._rate_hz)
        window_ns = due_ns(max(0, self._whole_count - self._warmup_count), self._rate_hz)
        return due, start_ns, window_ns


class ClosedLoop:
    """A fixed number of calls in flight on each lane."""

    def __init__(self, load: Load, concurrency: int, lanes: list[Lane]) -> None:
        self._concurrency = concurrency
        self._lanes = lanes
        self._start_ns = round(load.warmup_s * NS_PER_S)
        self._end_ns = self._start_ns + round(load.duration_s * NS_PER_S)
        self._has_begun = False

    def send(self, slot: int, now_ns: int, send: Sender) -> None:  # noqa: ARG002  # an open loop needs it
        """At the start, the first calls of every lane."""
        if self._has_begun or now_ns < 0:
            return
        self._has_begun = True
        for lane in self._lanes:
            self.refill(lane, now_ns, send)
            lane.flush()

    def refill(self, lane: Lane, now_ns: int, send: Sender) -> None:
        """As many calls as have ended; none while the lane has no connection."""
        if not self._has_begun or now_ns >= self._end_ns or not lane.is_up:
            return
        for _ in range(self._concurrency - lane.open_count):
            send(lane)

    def next_ns(self, slot: int) -> int:  # noqa: ARG002  # an open loop needs it
        """The start, then the end: in between, it is the server that says when."""
        return self._end_ns if self._has_begun else 0

    def is_over(self, slot: int, now_ns: int) -> bool:  # noqa: ARG002  # an open loop needs it
        """Whether the time is over."""
        return now_ns >= self._end_ns

    def interrupt(self, at_ns: int) -> None:
        """End then."""
        self._end_ns = min(self._end_ns, max(at_ns, 0))

    def due_count(self, slot: int) -> int:
        """Those that were sent."""
        return slot

    def recorded(self, sent_ns: Times) -> tuple[Times, int, int]:
        """Requests are due when they are sent; recorded is what was sent after the warm-up and before the end."""
        count = int(np.searchsorted(sent_ns, self._end_ns))
        return sent_ns[:count], self._start_ns, max(0, self._end_ns - self._start_ns)


def pace(load: Load, share: Share, lanes: list[Lane]) -> Pace:
    """The pace that the load asks for."""
    if load.rate_hz is not None:
        return OpenLoop(load, load.rate_hz, share, lanes)
    return ClosedLoop(load, load.concurrency or 1, lanes)
