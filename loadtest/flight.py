"""One thread's run: sends when it is time, takes what comes, and keeps what became of every request."""

import time
from array import array
from collections.abc import Callable
from typing import Final

import numpy as np

from loadtest.check import checked
from loadtest.http2 import End
from loadtest.lanes import Lane, Lanes
from loadtest.load import Load, Progress, Recording, Share
from loadtest.pacing import END_NS, Pace, pace
from loadtest.results import NEVER_NS, Status, Times
from loadtest.schedule import NS_PER_S
from loadtest.thread import exact

LOOK_INTERVAL_NS: Final = 20_000_000  # so that an interruption is seen soon
SETTLE_NS: Final = NS_PER_S  # what ends get beyond the deadline of the last request

# Told where the run is and how long it has lasted, in nanoseconds; answers when it is to end, or None: as planned.
Look = Callable[[Progress, int], int | None]


def fly(load: Load, share: Share, start: Callable[[], int], look: Look) -> Recording:
    """Send one process's share of the load.

    Args:
        load: the whole load.
        share: which part of it.
        start: called when every connection has been checked; when the schedule starts, by CLOCK_MONOTONIC in ns.
        look: called every 20 ms or so on this thread, so it must be quick.

    Raises:
        NoAnswer: before the start, a connection was not answered, or not rightly.
        BadArgument: the target is no address.
    """
    with exact(), checked(load, share) as lanes:
        return Flight(load, share, lanes).run(start(), look)


class Flight:
    """One run: what has been recorded so far, and the calls that are under way. A slot is a request's number in it."""

    def __init__(self, load: Load, share: Share, lanes: Lanes) -> None:
        self._judge = load.judge
        self._lanes = lanes
        self._pace: Pace = pace(load, share, lanes.all)
        self._deadline_ns = round(load.deadline_s * NS_PER_S)
        self._sent_ns = array("q")
        self._done_ns = array("q")
        self._status = array("h")
        self._ended_count = self._failed_count = 0
        self._origin_ns = self._sweep_ns = self._look_ns = 0
        self._reconnect_count = lanes.reconnect_count
        self._is_interrupted = False

    def run(self, origin_ns: int, look: Look) -> Recording:
        """Send everything, or until `look` says, and wait for the ends."""
        self._origin_ns = origin_ns
        start_ns, cpu_ns = time.monotonic_ns(), time.thread_time_ns()
        while not self._pace.is_over(len(self._status), self._now_ns()):
            self._turn(look)
        busy_share = (time.thread_time_ns() - cpu_ns) / max(1, time.monotonic_ns() - start_ns)
        until_ns = self._now_ns() + self._deadline_ns + SETTLE_NS
        while self._ended_count < len(self._status) and self._now_ns() < until_ns:
            self._turn(look)
        return self._recording(busy_share)

    def _turn(self, look: Look) -> None:
        """Send what is due, see to what is seen to at times, and take what comes until more is due."""
        slot, now_ns = len(self._status), self._now_ns()
        is_over = self._pace.is_over(slot, now_ns)
        if not is_over:
            self._pace.send(slot, now_ns, self._send)
        if now_ns >= self._look_ns:
            self._look(look, now_ns)
        if now_ns >= self._sweep_ns:
            self._sweep(now_ns)
        due_ns = END_NS if is_over else self._pace.next_ns(len(self._status))
        next_ns = min(due_ns, self._look_ns, self._sweep_ns)
        for lane, wire, events in self._lanes.wait(next_ns - self._now_ns()):
            ends = lane.handle(wire, events)
            self._take(ends, lane.heard_ns - self._origin_ns)
            self._pace.refill(lane, self._now_ns(), self._send)
            lane.flush()

    def _send(self, lane: Lane) -> int:
        """Send the next request on the lane; the time that is noted for it."""
        slot, now_ns = len(self._status), self._now_ns()
        self._sent_ns.append(now_ns)
        self._done_ns.append(NEVER_NS)
        self._status.append(Status.NOT_ANSWERED)
        if not lane.submit(slot):
            self._take([(slot, Status.UNAVAILABLE, b"")], now_ns)
        return now_ns

    def _take(self, ends: list[End], done_ns: int) -> None:
        """Note how calls have ended."""
        judge, all_done_ns, all_status, good = self._judge, self._done_ns, self._status, Status.OK
        for slot, status, message in ends:
            judged = judge(message) if status is good else status
            all_done_ns[slot] = done_ns
            all_status[slot] = judged
            if judged is not good:
                self._failed_count += 1
        self._ended_count += len(ends)

    def _look(self, look: Look, now_ns: int) -> None:
        slot = len(self._status)
        progress = Progress(self._pace.due_count(slot), slot, self._ended_count, self._failed_count)
        end_ns = look(progress, now_ns)
        if end_ns is not None and not self._is_interrupted:
            self._is_interrupted = True
            self._pace.interrupt(end_ns)
        for lane in self._lanes.all:
            self._take(lane.tend(time.monotonic_ns()), now_ns)
        self._look_ns = now_ns + LOOK_INTERVAL_NS

    def _sweep(self, now_ns: int) -> None:
        """End the calls whose deadline has passed. The next that can pass is the oldest one's, or of one not sent."""
        oldest_ns = now_ns
        for lane in self._lanes.all:
            late = lane.give_up(self._sent_ns, now_ns - self._deadline_ns)
            if late:
                self._take([(slot, Status.DEADLINE_EXCEEDED, b"") for slot in late], now_ns)
                self._pace.refill(lane, now_ns, self._send)
                lane.flush()
            oldest_ns = min(oldest_ns, *(self._sent_ns[slot] for slot in lane.oldest()), now_ns)
        self._sweep_ns = oldest_ns + self._deadline_ns

    def _now_ns(self) -> int:
        return time.monotonic_ns() - self._origin_ns

    def _recording(self, busy_share: float) -> Recording:
        due_ns, start_ns, window_ns = self._pace.recorded(np.frombuffer(self._sent_ns, np.int64))
        is_recorded = due_ns >= start_ns
        sent_ns, done_ns = (_filled(column, len(due_ns), NEVER_NS) for column in (self._sent_ns, self._done_ns))
        return Recording(
            due_ns=due_ns[is_recorded] - start_ns,
            sent_ns=_since(sent_ns[is_recorded], start_ns),
            done_ns=_since(done_ns[is_recorded], start_ns),
            status=_filled(self._status, len(due_ns), Status.NOT_SENT)[is_recorded].astype(np.int16),
            window_ns=window_ns,
            busy_share=busy_share,
            is_interrupted=self._is_interrupted,
            reconnect_count=self._lanes.reconnect_count - self._reconnect_count,
            troubles=dict(self._lanes.troubles),
            started_ns=self._origin_ns + start_ns,
        )


def _filled(column: "array[int]", count: int, value: int) -> Times:
    """The first `count` entries as int64, with `value` where there are fewer."""
    filled = np.full(count, value, np.int64)
    known = min(count, len(column))
    filled[:known] = np.frombuffer(column, column.typecode)[:known]
    return filled


def _since(times: Times, start_ns: int) -> Times:
    return np.where(times == NEVER_NS, NEVER_NS, times - start_ns)
