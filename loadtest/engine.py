"""Sends requests when they are due and records what becomes of them. The only module that knows how.

`run` is the seam: a Load in, a Recording out. This engine is grpc.aio, because of all that grpcio's public API offers
it sends the most from one process. Measured 2026-11-22 on 2 shared Xeon cores, 4 channels, a server that only answers:

- Sketches of both loops, asked for 3,000/s and more: the synchronous `.future()` reached 2,100 to 2,700/s; grpc.aio
  kept 6,000/s and fell behind at 7,000/s.
- This engine, one run of 3 s each: kept 5,000/s (99th percentile of the sends' lateness 0.95 ms) and fell behind at
  6,000/s. Why it is slower than its sketch is not known. Beside other work it fell behind at 3,000/s in some runs.

Two things make it exact:

- Its event loop waits in `select`, not in epoll, whose timeout Python rounds up to a millisecond: the 99th percentile
  of the sends' lateness fell from 1.2 to 0.3 ms at 500/s (measured, in the sketch). It watches few sockets; the
  channels' own are polled by the core.
- The garbage collector rests during the run.

A reply is judged as it comes, after its end is noted, and not kept: that takes 9 µs of about 150 a request (measured on
a busy machine), and bounds memory by 26 bytes a request, whatever the replies are.
"""

import asyncio
import contextlib
import gc
import selectors
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import grpc
import grpc.aio
import numpy as np

from loadtest.errors import NoAnswer, one_line
from loadtest.payloads import Payloads, reply_status
from loadtest.results import NEVER_NS, Status, Statuses, Times
from loadtest.schedule import NS_PER_S, due_ns, request_count

METHOD = "/audience.v1.Scoring/Score"
CHANNEL_OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),  # else all channels to one address share one connection
    ("grpc.enable_http_proxy", 0),
)
CHECK_TIMEOUT_S = 5.0
LEAD_NS = 20_000_000  # from the end of the preparations to the first request
BURST_COUNT = 64  # sent in a row before replies get their turn, when it is behind (assumed: measuring it was noise)
LONGEST_SLEEP_S = 0.1  # so that an interruption is seen soon
SETTLE_S = 1.0  # what replies get beyond the deadline of the last request
PROGRESS_INTERVAL_S = 0.25

Call = Callable[..., "grpc.aio.UnaryUnaryCall[bytes, bytes]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to send.

    Attributes:
        target: host:port, without TLS.
        payloads: sent in turn.
        rate_hz: requests per second, over all connections, which take turns.
        warmup_s: the first part of the schedule, which is not recorded.
        duration_s: the part that is.
        connections: at least 1.
        deadline_s: of each request, from when it is sent.
    """

    target: str
    payloads: Payloads
    rate_hz: Fraction
    warmup_s: Fraction
    duration_s: Fraction
    connections: int
    deadline_s: float

    @property
    def warmup_count(self) -> int:
        """Requests that are sent and not recorded."""
        return request_count(self.warmup_s, self.rate_hz)

    @property
    def count(self) -> int:
        """All requests of the schedule, at most."""
        return request_count(self.warmup_s + self.duration_s, self.rate_hz)


@dataclass(frozen=True, slots=True)
class Recording:
    """What became of the requests that were recorded: the columns of Results, and what only the engine knows."""

    due_ns: Times
    sent_ns: Times
    done_ns: Times
    status: Statuses
    window_ns: int
    busy_share: float
    is_interrupted: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is, for people."""

    due_count: int
    sent_count: int
    done_count: int
    failed_count: int


def run(load: Load, *, on_progress: Callable[[Progress], None], is_stopped: Callable[[], bool]) -> Recording:
    """Send the whole load, or until `is_stopped`, and wait for the replies.

    Args:
        load: what to send.
        on_progress: called 4 times a second on the sending thread, so it must be quick.
        is_stopped: asked before every request.

    Raises:
        NoAnswer: before the start, a connection was not answered, or not rightly.
    """
    with _no_collection(), asyncio.Runner(loop_factory=_precise_loop) as runner:
        return runner.run(_run(load, on_progress, is_stopped))


async def _run(load: Load, on_progress: Callable[[Progress], None], is_stopped: Callable[[], bool]) -> Recording:
    channels = [grpc.aio.insecure_channel(load.target, options=CHANNEL_OPTIONS) for _ in range(load.connections)]
    try:
        calls: list[Call] = [channel.unary_unary(METHOD) for channel in channels]
        await _check(load, calls)
        return await _Flight(load, calls).run(on_progress, is_stopped)
    finally:
        for channel in channels:
            await channel.close()


async def _check(load: Load, calls: Sequence[Call]) -> None:
    for number, call in enumerate(calls, start=1):
        where = f"connection {number} of {len(calls)} to {load.target}"
        request = load.payloads.requests[(number - 1) % len(load.payloads.requests)]
        try:
            reply = await call(request, timeout=CHECK_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise NoAnswer(f"{where}: {error.code().name}: {one_line(error.details())}") from error
        if reply_status(reply) is not Status.OK:
            raise NoAnswer(f"{where}: the reply is not a ScoreReply whose results are all answers")


class _Flight:
    """One run: the schedule, what has been recorded so far, and the calls that are under way."""

    def __init__(self, load: Load, calls: Sequence[Call]) -> None:
        self.load = load
        self.calls = calls
        self.due_count = load.count
        self.sent_count = self.done_count = self.failed_count = 0
        self.sent_ns = np.full(load.count, NEVER_NS, np.int64)
        self.done_ns = np.full(load.count, NEVER_NS, np.int64)
        self.status = np.full(load.count, Status.NOT_SENT, np.int16)
        self.under_way: set[asyncio.Task[None]] = set()
        self.is_interrupted = False
        self.origin_ns = 0

    async def run(self, on_progress: Callable[[Progress], None], is_stopped: Callable[[], bool]) -> Recording:
        watch = asyncio.create_task(self._watch(on_progress))
        self.origin_ns = time.monotonic_ns() + LEAD_NS
        cpu_ns = time.thread_time_ns()
        await self._send_all(is_stopped)
        busy_share = (time.thread_time_ns() - cpu_ns) / max(1, self._elapsed_ns())
        await self._settle()
        watch.cancel()
        return self._recording(busy_share)

    async def _send_all(self, is_stopped: Callable[[], bool]) -> None:
        """Send every request when it is due, and none any more once the last one's deadline would have passed."""
        for i in range(self.load.count):
            await self._wait(i, is_stopped)
            if i >= self.due_count or self._is_over():
                return
            self._send(i)

    async def _wait(self, i: int, is_stopped: Callable[[], bool]) -> None:
        """Until request `i` is due; an interruption makes the schedule end with what is due by then."""
        if i % BURST_COUNT == 0:
            await asyncio.sleep(0)
        while True:
            if not self.is_interrupted and is_stopped():
                self._interrupt()
            ahead_s = (due_ns(i, self.load.rate_hz) - self._elapsed_ns()) / 1e9
            if ahead_s <= 0 or self.is_interrupted:
                return
            await asyncio.sleep(min(ahead_s, LONGEST_SLEEP_S))

    def _interrupt(self) -> None:
        elapsed_s = Fraction(max(0, self._elapsed_ns()), NS_PER_S)
        self.is_interrupted = True
        self.due_count = min(self.load.count, request_count(elapsed_s, self.load.rate_hz))

    def _is_over(self) -> bool:
        return self._elapsed_ns() > due_ns(self.due_count, self.load.rate_hz) + int(self.load.deadline_s * NS_PER_S)

    def _send(self, i: int) -> None:
        request = self.load.payloads.requests[i % len(self.load.payloads.requests)]
        self.status[i] = Status.NOT_ANSWERED
        self.sent_ns[i] = self._elapsed_ns()
        call = self.calls[i % len(self.calls)](request, timeout=self.load.deadline_s)
        task = asyncio.create_task(self._receive(i, call))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)
        self.sent_count += 1

    async def _receive(self, i: int, call: "grpc.aio.UnaryUnaryCall[bytes, bytes]") -> None:
        try:
            reply = await call
            self.done_ns[i] = self._elapsed_ns()
            status = reply_status(reply)
        except grpc.aio.AioRpcError as error:
            self.done_ns[i] = self._elapsed_ns()
            status = Status(error.code().value[0])
        self.status[i] = status
        self.done_count += 1
        self.failed_count += status is not Status.OK

    async def _settle(self) -> None:
        """Wait for the replies still to come, then give up the rest: they stay NOT_ANSWERED."""
        if self.under_way:
            await asyncio.wait(self.under_way, timeout=self.load.deadline_s + SETTLE_S)
        rest = list(self.under_way)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _watch(self, on_progress: Callable[[Progress], None]) -> None:
        while True:
            on_progress(Progress(self.due_count, self.sent_count, self.done_count, self.failed_count))
            await asyncio.sleep(PROGRESS_INTERVAL_S)

    def _elapsed_ns(self) -> int:
        return time.monotonic_ns() - self.origin_ns

    def _recording(self, busy_share: float) -> Recording:
        first, end = self.load.warmup_count, self.due_count
        start_ns = due_ns(first, self.load.rate_hz)
        due = np.fromiter((due_ns(i, self.load.rate_hz) for i in range(first, end)), np.int64) - start_ns
        return Recording(
            due_ns=due,
            sent_ns=_since(self.sent_ns[first:end], start_ns),
            done_ns=_since(self.done_ns[first:end], start_ns),
            status=self.status[first:end],
            window_ns=due_ns(max(end - first, 0), self.load.rate_hz),
            busy_share=busy_share,
            is_interrupted=self.is_interrupted,
        )


def _since(times: Times, start_ns: int) -> Times:
    return np.where(times == NEVER_NS, NEVER_NS, times - start_ns)


def _precise_loop() -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """The garbage collector rests within."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
