"""Scoring calls from their arrival to their reply: the line in which they wait, and what becomes of each."""

import collections
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc

from server.errors import DeadlineTooShort, Overloaded
from server.metrics import MethodCounters
from server.transport import core
from server.transport.calls import NEEDS_A_MESSAGE, ignore
from server.transport.core import Arrival, Event
from server.transport.edge import fail
from server.transport.pace import Pace
from server.transport.seam import AnyMethod, Prepared, score

RETRY_KEY = "grpc-retry-pushback-ms"  # gRFC A6: clients that retry wait this long
_LEAST_BYTES = 64  # what a request of fewer is taken for; even an empty one is a row
_SHARE_TO_WAIT = 0.5  # of the time that a caller has; the rest is for scoring and the way back


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A scoring method as it is registered.

    Attributes:
        method: what it does.
        counters: where its calls are counted.
        default_deadline_s: the deadline of a call without one.
        pace: how long a byte of a request usually takes; rows are in proportion to bytes, and nobody has counted those
            of a call that waits.
    """

    method: AnyMethod
    counters: MethodCounters
    default_deadline_s: float
    pace: Pace = field(default_factory=Pace)


class Line:
    """The calls that wait to be scored.

    Args:
        most_rows: the most rows that are scored together; a single call may have more.
        most_wait_s: calls that would wait longer than this are refused as they arrive.
        most_calls: calls that may be open at once; further ones are refused.

    Attributes:
        waiting: they, in their order.
    """

    def __init__(self, *, most_rows: int, most_wait_s: float, most_calls: int) -> None:
        self._most_rows = most_rows
        self._most_wait_s = most_wait_s
        self._most_calls = most_calls
        self.waiting: collections.deque[ScoringCall] = collections.deque()
        self._silent: dict[ScoringCall, float] = {}
        self._waiting_s = 0.0  # how long those that wait will take
        self._open_count = 0
        self._ended_s = 0.0  # when the last turn did, if somebody was left waiting; else 0
        self._turn_s = 0.0  # how long it took, if so; else 0

    def __len__(self) -> int:
        return len(self.waiting)

    @property
    def is_idle(self) -> bool:
        """Whether no call is open."""
        return not (self._open_count or self.waiting or self._silent)

    def arrive(self, arrival: Arrival, entry: Entry) -> None:
        """Takes a call in, or refuses it when it would not be answered in time."""
        now_s = time.time()
        # In a backlog a call waits about a turn before it is looked at, and another one while it is scored itself.
        wait_s = self._waiting_s + 2 * self._turn_s
        default_s = now_s + entry.default_deadline_s
        has_deadline = arrival.deadline_s < core.NEVER_S
        deadline_s = arrival.deadline_s if has_deadline else default_s
        if self.waiting and wait_s > min(self._most_wait_s, (deadline_s - now_s) * _SHARE_TO_WAIT):
            self._refuse(arrival, entry, f"{len(self.waiting)} calls wait already, too many to answer in time", wait_s)
        elif self._open_count >= self._most_calls:
            self._refuse(arrival, entry, f"{self._open_count} calls are open; that is the limit", wait_s)
        else:
            self._open_count += 1
            call = ScoringCall(self, arrival, entry, deadline_s)
            if arrival.deadline_s > default_s:
                self._silent[call] = default_s

    def _refuse(self, arrival: Arrival, entry: Entry, text: str, wait_s: float) -> None:
        failed = fail(entry.method, entry.counters, b"", Overloaded(text))
        refuse(arrival, failed.code, failed.text, ((RETRY_KEY, str(math.ceil(wait_s * 1e3))),))

    def join(self, call: "ScoringCall") -> None:
        """Puts a call whose message has come at the end."""
        self._silent.pop(call, None)
        self.waiting.append(call)
        self._waiting_s += call.expected_s

    def leave(self, call: "ScoringCall") -> None:
        """Notes that a call has ended."""
        self._silent.pop(call, None)
        self._open_count -= 1

    def drop_silent(self) -> None:
        """Ends calls whose message did not come within the default deadline, where their own is not earlier anyway.

        They are looked at in the order in which they arrived, only as far as they are late.
        """
        while self._silent:
            call, latest_s = next(iter(self._silent.items()))
            if latest_s > time.time():
                return
            del self._silent[call]
            call.fail(DeadlineTooShort("the request message did not come in time"))

    def clear(self) -> None:
        """Forgets everybody, once nobody can be answered any more."""
        self.waiting.clear()
        self._waiting_s = 0.0
        self._silent.clear()

    def score(self) -> None:
        """Scores and answers the first in the line, as many as may be scored together."""
        began_s = self._ended_s or time.perf_counter()
        batch = self._next()
        if batch:
            _score_together(batch)
            for call in batch:
                call.finish()
        ended_s = time.perf_counter()
        _learn(batch, ended_s - began_s)
        self._ended_s, self._turn_s = (ended_s, ended_s - began_s) if self.waiting else (0.0, 0.0)

    def _next(self) -> Sequence["ScoringCall"]:
        """The next calls to score together."""
        batch: list[ScoringCall] = []
        row_count = 0
        now_s = time.time()
        batch_s = 0.0
        while self.waiting and row_count < self._most_rows:
            call = self.waiting.popleft()
            # What was added in one order and taken away in another leaves a rest, which may be below 0.
            self._waiting_s = max(0.0, self._waiting_s - call.expected_s) if self.waiting else 0.0
            count = call.prepare(now_s)
            if not count:
                continue
            if now_s + batch_s + call.expected_s <= call.deadline_s:
                batch.append(call)
                row_count += count
                batch_s += call.expected_s
            else:
                call.finish_late()
        return batch


def _learn(batch: Sequence["ScoringCall"], seconds: float) -> None:
    """Learns from a turn of calls of one method how long they take, with all that came and went meanwhile."""
    entries = {call.entry for call in batch}
    if len(entries) == 1:
        entries.pop().pace.took(sum([call.size for call in batch]), seconds)


def _score_together(batch: Sequence["ScoringCall"]) -> None:
    try:
        score([run for call in batch for run in call.runs])
    except Exception as error:  # the edge: one model's fault must not end another's calls, so each is tried by itself
        if len(batch) == 1:
            batch[0].fail(error)
            return
        for call in batch:
            call.score_alone()


class ScoringCall:
    """One call of a scoring method."""

    __slots__ = (
        "_arrived_ns",
        "_call",
        "_is_closed",
        "_line",
        "_message",
        "_prepared",
        "deadline_s",
        "entry",
        "expected_s",
        "size",
    )

    def __init__(self, line: Line, arrival: Arrival, entry: Entry, deadline_s: float) -> None:
        self._line = line
        self.entry = entry
        self._call = arrival.call
        self._is_closed = False
        self._message = b""
        self._prepared: Any = None
        self._arrived_ns = time.perf_counter_ns()
        self.deadline_s = deadline_s
        core.receive_close(self._call, self._closed)
        core.receive_message(self._call, self._received)

    def _received(self, event: Event) -> None:
        message = core.message(event)
        if message is not None:
            self._message = message
            self.size = max(len(message), _LEAST_BYTES)
            self.expected_s = self.entry.pace.expected_s(self.size)
            self._line.join(self)
        elif not self._is_closed:
            core.send(self._call, ignore, initial=(), status=(grpc.StatusCode.UNIMPLEMENTED, NEEDS_A_MESSAGE))

    def _closed(self, _event: Event) -> None:
        self._is_closed = True
        self._line.leave(self)

    @property
    def runs(self) -> Sequence[Any]:
        """What has to be scored."""
        prepared: Prepared = self._prepared
        return prepared.runs

    def prepare(self, now_s: float) -> int:
        """How many rows there are to score; 0 when the call has ended, or ends here."""
        if self._is_closed:
            return 0
        if now_s >= self.deadline_s:
            self.fail(DeadlineTooShort("the deadline passed before the answer was ready"))
            return 0
        try:
            self._prepared = self.entry.method.prepare(self._message)
        except Exception as error:  # the edge: whatever went wrong, the caller gets a status
            self.fail(error)
            return 0
        runs = self._prepared.runs
        return len(runs[0].rows) if len(runs) == 1 else sum([len(run.rows) for run in runs])

    def score_alone(self) -> None:
        """Scores what the call asks for by itself; fails it when that is not possible."""
        for run in self.runs:
            run.first = 0  # it may have been scored among others, before another model failed
        try:
            score(self.runs)
        except Exception as error:  # the edge: as above
            self.fail(error)

    def finish(self) -> None:
        """Sends the reply."""
        if self._is_closed:
            return
        self._reply(self.entry.method.finish)

    def finish_late(self) -> None:
        """Sends what the caller wants when there is no time to score."""
        self.entry.pace.passed_over()
        self._reply(self.entry.method.late)

    def _reply(self, encode: Callable[[Any], bytes]) -> None:
        try:
            core.send_reply(self._call, encode(self._prepared), ignore)
        except Exception as error:  # the edge: as above
            self.fail(error)
            return
        self.entry.counters.count("OK", time.perf_counter_ns() - self._arrived_ns)

    def fail(self, error: Exception) -> None:
        """Ends the call with what the error table says."""
        failed = fail(self.entry.method, self.entry.counters, self._message, error)
        if not self._is_closed:
            self._is_closed = True
            core.send(self._call, ignore, initial=(), status=(failed.code, failed.text))


def refuse(arrival: Arrival, code: grpc.StatusCode, text: str, trailing: core.Metadata = ()) -> None:
    """Ends a call as it arrives."""
    core.receive_close(arrival.call, ignore)
    core.send(arrival.call, ignore, initial=(), status=(code, text), trailing=trailing)
