"""Scoring calls from their arrival to their reply: the line in which they wait, and what becomes of each."""

import collections
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc

from server.errors import DeadlineTooShort, Overloaded
from server.metrics import MethodCounters
from server.transport.calls import NEEDS_A_MESSAGE, ignore
from server.transport.edge import fail
from server.transport.exchange import NEVER_S, Ending, Event, Exchange
from server.transport.pace import Pace
from server.transport.seam import AnyMethod, score

RETRY_KEY = "grpc-retry-pushback-ms"  # gRFC A6: clients that retry wait this long
_LEAST_BYTES = 64  # what a request of fewer is taken for; even an empty one is a row
_TOO_MANY_WAIT = "too many calls wait already for this one to be answered in time"
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
        self._waiting_s, self._waiting_size = 0.0, 0  # how long those that wait will take, and how large they are
        self._open_count = 0
        self._too_many_open = f"{most_calls} calls are open; that is the limit"
        self._ended_s = 0.0  # when the last turn did, if somebody was left waiting; else 0
        self._turn_s = 0.0  # how long it was expected to take, if so; else 0

    def __len__(self) -> int:
        return len(self.waiting)

    @property
    def is_idle(self) -> bool:
        """Whether no call is open."""
        return not (self._open_count or self.waiting or self._silent)

    def arrive(self, entry: Entry, call: Exchange, asked_s: float) -> None:
        """Takes a call in, or refuses it when it would not be answered in time.

        Args:
            entry: of its method.
            call: itself.
            asked_s: its deadline, in seconds since 1970; beyond NEVER_S when it has none.
        """
        now_s = time.time()
        default_s = now_s + entry.default_deadline_s
        deadline_s = asked_s if asked_s < NEVER_S else default_s
        if self.waiting and self._wait_s > min(self._most_wait_s, (deadline_s - now_s) * _SHARE_TO_WAIT):
            self._refuse(entry, call, _TOO_MANY_WAIT)
        elif self._open_count >= self._most_calls:
            self._refuse(entry, call, self._too_many_open)
        else:
            self._open_count += 1
            taken = ScoringCall(entry, call, deadline_s)
            if asked_s > default_s:
                self._silent[taken] = default_s
            call.receive(message=partial(self._received, taken), close=partial(self._closed, taken))

    @property
    def _wait_s(self) -> float:
        """How long a call waits that arrives now, if others do."""
        # In a backlog a call waits about a turn before it is looked at, and another one while it is scored itself. What
        # the last turn really took would be less true: after a pause of the machine everybody would be refused.
        return self._waiting_s + 2 * self._turn_s

    def _refuse(self, entry: Entry, call: Exchange, text: str) -> None:
        failed = fail(entry.method, entry.counters, b"", Overloaded(text))
        trailing = ((RETRY_KEY, str(math.ceil(self._wait_s * 1e3))),)
        call.end(Ending(failed.code, failed.text, trailing), ignore)

    def _received(self, call: "ScoringCall", event: Event) -> None:
        self._silent.pop(call, None)
        message = call.exchange.message(event)
        if message is None:
            call.end_without_message()
            return
        call.message = message
        call.size = max(len(message), _LEAST_BYTES)
        call.expected_s = call.entry.pace.expected_s(call.size, self._waiting_size)
        self.waiting.append(call)
        self._waiting_s += call.expected_s
        self._waiting_size += call.size

    def _closed(self, call: "ScoringCall", _event: Event) -> None:
        call.is_ended = True
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
        self._waiting_s, self._waiting_size = 0.0, 0
        self._silent.clear()

    def score(self) -> float:
        """Scores and answers the first in the line, as many as may be scored together; how long that took."""
        began_s = self._ended_s or time.perf_counter()
        batch, expected_s = self._next()
        if batch:
            _score_together(batch)
            for call in batch:
                call.finish()
        ended_s = time.perf_counter()
        turn_s = ended_s - began_s
        _learn(batch, turn_s)
        self._ended_s, self._turn_s = (ended_s, expected_s) if self.waiting else (0.0, 0.0)
        return turn_s

    def _next(self) -> tuple[Sequence["ScoringCall"], float]:
        """The next calls to score together, and how long that should take."""
        batch: list[ScoringCall] = []
        row_count = 0
        now_s = time.time()
        batch_s = taken_s = 0.0
        taken_size = 0
        while self.waiting and row_count < self._most_rows:
            call = self.waiting.popleft()
            taken_s += call.expected_s
            taken_size += call.size
            count = call.prepare(now_s)
            if not count:
                continue
            if now_s + batch_s + call.expected_s <= call.deadline_s:
                batch.append(call)
                row_count += count
                batch_s += call.expected_s
            else:
                call.finish_late()
        # What was added in one order and taken away in another leaves a rest, which may be below 0.
        self._waiting_s = max(0.0, self._waiting_s - taken_s) if self.waiting else 0.0
        self._waiting_size -= taken_size
        return batch, batch_s


def _learn(batch: Sequence["ScoringCall"], seconds: float) -> None:
    """Learns from a turn of calls of one method how long they take, with all that came and went meanwhile."""
    entries = {call.entry for call in batch}
    if len(entries) == 1:
        entries.pop().pace.took(sum([call.size for call in batch]), seconds)


def _score_together(batch: Sequence["ScoringCall"]) -> None:
    try:
        score([run for call in batch for run in call.prepared.runs])
    except Exception as error:  # the edge: one model's fault must not end another's calls, so each is tried by itself
        if len(batch) == 1:
            batch[0].fail(error)
            return
        for call in batch:
            call.score_alone()


class ScoringCall:
    """One call of a scoring method.

    Attributes:
        entry: of its method.
        exchange: with the client.
        deadline_s: seconds since 1970.
        message: its request, once that is there.
        size: bytes that the request is taken for.
        expected_s: how long it will take.
        prepared: what is to be scored.
        is_ended: whether nothing can be sent any more.
    """

    __slots__ = (
        "_arrived_ns",
        "deadline_s",
        "entry",
        "exchange",
        "expected_s",
        "is_ended",
        "message",
        "prepared",
        "size",
    )

    def __init__(self, entry: Entry, exchange: Exchange, deadline_s: float) -> None:
        self.entry = entry
        self.exchange = exchange
        self.deadline_s = deadline_s
        self.is_ended = False
        self.message = b""
        self.size, self.expected_s = 0, 0.0
        self.prepared: Any = None
        self._arrived_ns = time.perf_counter_ns()

    def prepare(self, now_s: float) -> int:
        """How many rows there are to score; 0 when the call has ended, or ends here."""
        if self.is_ended:
            return 0
        if now_s >= self.deadline_s:
            self.fail(DeadlineTooShort("the deadline passed before the answer was ready"))
            return 0
        try:
            self.prepared = self.entry.method.prepare(self.message)
        except Exception as error:  # the edge: whatever went wrong, the caller gets a status
            self.fail(error)
            return 0
        runs = self.prepared.runs
        if not runs:  # nothing of it has to be scored
            self.finish()
        return len(runs[0].rows) if len(runs) == 1 else sum([len(run.rows) for run in runs])

    def score_alone(self) -> None:
        """Scores what the call asks for by itself; fails it when that is not possible."""
        runs = self.prepared.runs
        for run in runs:
            run.first = 0  # it may have been scored among others, before another model failed
        try:
            score(runs)
        except Exception as error:  # the edge: as above
            self.fail(error)

    def finish(self) -> None:
        """Sends the reply."""
        if not self.is_ended:
            self._reply(self.entry.method.finish)

    def finish_late(self) -> None:
        """Sends what the caller wants when there is no time to score."""
        self.entry.pace.passed_over()
        self._reply(self.entry.method.late)

    def _reply(self, encode: Callable[[Any], bytes]) -> None:
        try:
            self.exchange.send_reply(encode(self.prepared), ignore)
        except Exception as error:  # the edge: as above
            self.fail(error)
            return
        self.entry.counters.answered(time.perf_counter_ns() - self._arrived_ns)

    def end_without_message(self) -> None:
        """Ends the call, if it has not, whose client sent no message, or a too long one, which the core answered."""
        if not self.is_ended:
            self.exchange.send(ignore, initial=(), status=(grpc.StatusCode.UNIMPLEMENTED, NEEDS_A_MESSAGE))

    def fail(self, error: Exception) -> None:
        """Ends the call with what the error table says."""
        failed = fail(self.entry.method, self.entry.counters, self.message, error)
        if not self.is_ended:
            self.is_ended = True
            self.exchange.send(ignore, initial=(), status=(failed.code, failed.text))
