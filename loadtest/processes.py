"""A load shared by several processes: each sends its part of one schedule, and their recordings become one.

Each is a Python of its own (`python -m loadtest.worker`), started by exec and never forked, at the end of a socket
pair: down go the load, the start and perhaps an early end; up come that it is ready, its progress and its recording. It
ends when the other end of its pair does, so none outlives this one.
"""

import contextlib
import multiprocessing
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection
from typing import Final

import numpy as np

from loadtest.errors import LoadtestError, LostProcess
from loadtest.load import Load, Progress, Recording, Share

LEAD_NS: Final = 50_000_000  # to the start, and to an early end: until then the word has come to all
WAIT_S: Final = 0.02
END_TIMEOUT_S: Final = 5.0
READY: Final = "ready"
COLUMNS: Final = ("due_ns", "sent_ns", "done_ns", "status")

Pipe = connection.Connection


def run(load: Load, *, on_progress: Callable[[Progress], None], is_stopped: Callable[[], bool]) -> Recording:
    """As `engine.run`, by as many processes as the load says.

    Raises:
        LoadtestError: one of them raised it.
        LostProcess: one of them ended without its results.
    """
    with _workers(load) as pipes:
        for pipe in pipes:
            _received(pipe)  # that it is ready
        origin_ns = time.monotonic_ns() + LEAD_NS
        _tell(pipes, origin_ns)
        progress: dict[Pipe, Progress] = {}
        recordings: dict[Pipe, Recording] = {}
        is_ending = False
        while len(recordings) < len(pipes):
            for pipe in _heard([pipe for pipe in pipes if pipe not in recordings]):
                _sort(pipe, _received(pipe), progress, recordings, on_progress)
            if not is_ending and is_stopped():
                is_ending = True
                _tell(pipes, time.monotonic_ns() + LEAD_NS - origin_ns)
        return merged([recordings[pipe] for pipe in pipes])


def merged(recordings: Sequence[Recording]) -> Recording:
    """One recording of all, in the order of the due times."""
    order = np.argsort(np.concatenate([one.due_ns for one in recordings]), kind="stable")
    columns = {name: np.concatenate([getattr(one, name) for one in recordings])[order] for name in COLUMNS}
    troubles: Counter[str] = Counter()
    for one in recordings:
        troubles.update(one.troubles)
    return Recording(
        **columns,
        window_ns=recordings[0].window_ns,
        busy_share=max(one.busy_share for one in recordings),
        is_interrupted=any(one.is_interrupted for one in recordings),
        reconnect_count=sum(one.reconnect_count for one in recordings),
        troubles=dict(troubles),
        started_ns=recordings[0].started_ns,
    )


@contextlib.contextmanager
def _workers(load: Load) -> Iterator[list[Pipe]]:
    """The near ends of the pairs of all processes, each of which has its load. They are ended with the context."""
    with contextlib.ExitStack() as stack:
        pipes = [stack.enter_context(_worker(load, Share(first, load.processes))) for first in range(load.processes)]
        yield pipes


@contextlib.contextmanager
def _worker(load: Load, share: Share) -> Iterator[Pipe]:
    near, far = multiprocessing.Pipe()
    with far:
        process = subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-m", "loadtest.worker", str(far.fileno())],
            pass_fds=[far.fileno()],
            stdin=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C is for this one alone, which then tells the others
        )
    try:
        with near:
            near.send((load, share))
            yield near
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the process, whose pair is closed; one that does not see it is killed."""
    try:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _heard(pipes: list[Pipe]) -> list[Pipe]:
    """Those on which something has come."""
    return [pipe for pipe in connection.wait(pipes, WAIT_S) if isinstance(pipe, Pipe)]


def _received(pipe: Pipe) -> object:
    try:
        message: object = pipe.recv()
    except (EOFError, OSError) as error:
        raise LostProcess("one of the processes ended without its results; what it said is above") from error
    if isinstance(message, LoadtestError):
        raise message
    return message


def _tell(pipes: list[Pipe], time_ns: int) -> None:
    for pipe in pipes:
        with contextlib.suppress(OSError):  # it has ended, which shows when it is read
            pipe.send(time_ns)


def _sort(
    pipe: Pipe,
    message: object,
    progress: dict[Pipe, Progress],
    recordings: dict[Pipe, Recording],
    on_progress: Callable[[Progress], None],
) -> None:
    """Keep what one process has said."""
    if isinstance(message, Recording):
        recordings[pipe] = message
    elif isinstance(message, Progress):
        progress[pipe] = message
        parts = progress.values()
        on_progress(
            Progress(
                sum(part.due_count for part in parts),
                sum(part.sent_count for part in parts),
                sum(part.done_count for part in parts),
                sum(part.failed_count for part in parts),
            )
        )
