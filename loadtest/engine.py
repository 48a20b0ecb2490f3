"""Sends a load and records what becomes of it. `run` is the seam: a Load in, a Recording out.

    load = Load(target="127.0.0.1:50051", payloads=Payloads("one", (request.SerializeToString(),)),
                duration_s=Fraction(5), rate_hz=Fraction(10_000), connections=32)
    recording = engine.run(load)

With `concurrency` instead of `rate_hz` the loop is closed. `path` names another unary method than Score, `judge` says
of a reply's bytes what it is, and `processes` share the load when one is not enough. Objectives and tables are made of
a Recording by `summary` and `report`; this module knows neither.

One thread does everything, without a library between it and the socket:

- `http2` speaks just enough HTTP/2, `wires` and `lanes` keep connections up, `pacing` says when, `flight` records.
- It waits in `select` for epoll's descriptor, because epoll's own timeout is rounded up to a millisecond.
- What is due in one turn leaves with one system call per connection, and a turn ends after 64, so that replies are read
  when it is behind too.
- Meanwhile the garbage collector rests, and the kernel is asked to wake the thread in time (`thread`).
- Every reply is judged as it comes, after its end is noted, and not kept: memory grows by 18 bytes a request.

What that reaches is in docs/LOG.md, 2026-11-22.
"""

import time
from collections.abc import Callable
from typing import Final

from loadtest import processes
from loadtest.flight import Look, fly
from loadtest.load import Load, Progress, Recording, Share

__all__ = ["Load", "Progress", "Recording", "run"]

LEAD_NS: Final = 20_000_000  # from the end of the preparations to the first request
PROGRESS_INTERVAL_NS: Final = 250_000_000


def run(
    load: Load,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Recording:
    """Send the whole load, or until `is_stopped`, and wait for the replies.

    Args:
        load: what to send.
        on_progress: called 4 times a second, with one process on the sending thread, so it must be quick.
        is_stopped: asked 50 times a second.

    Raises:
        NoAnswer: before the start, a connection was not answered, or not rightly.
        BadArgument: the target is no address.
        LostProcess: one of several processes ended without its results.
    """
    if load.processes > 1:
        return processes.run(load, on_progress=on_progress, is_stopped=is_stopped)
    return fly(load, Share(), lambda: time.monotonic_ns() + LEAD_NS, _look(on_progress, is_stopped))


def _look(on_progress: Callable[[Progress], None], is_stopped: Callable[[], bool]) -> Look:
    next_ns = 0

    def look(progress: Progress, now_ns: int) -> int | None:
        nonlocal next_ns
        if now_ns >= next_ns:
            on_progress(progress)
            next_ns = now_ns + PROGRESS_INTERVAL_NS
        return now_ns if is_stopped() else None

    return look
