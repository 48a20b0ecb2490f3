"""Which cores there are, and who runs on which."""

import os
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where; the same cores for both when there is only one.

    Attributes:
        servers: what one server has, whatever processes and threads it makes.
        load: what sends the requests.
        everything: all that this process may use.
    """

    servers: AbstractSet[int]
    load: AbstractSet[int]
    everything: AbstractSet[int]

    @property
    def is_split(self) -> bool:
        """Whether servers and load have a core each."""
        return not self.servers & self.load


def split(available: AbstractSet[int]) -> Cores:
    """The first core for the servers, the second for the load.

    >>> split({3, 1, 2})
    Cores(servers={1}, load={2}, everything={1, 2, 3})
    """
    if len(available) == 1:
        return Cores(available, available, available)
    first, second, *_ = sorted(available)
    return Cores({first}, {second}, available)


def available() -> Cores:
    """The cores of this process."""
    return split(os.sched_getaffinity(0))


@contextmanager
def pinned(cores: AbstractSet[int]) -> Iterator[None]:
    """This thread runs on these cores within; what it starts stays there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def shielded(cores: Cores, others: Iterable[int]) -> Iterator[int]:
    """Whoever else may run on the servers' core keeps off it within; how many threads that are.

    The kernel's own threads and others' programs, as far as this user may ask them to. One that looks through the
    memory for pages that nobody uses (DAMON) takes up to 5 ms at a time, in some minutes and not in others: more than
    what is measured (docs/LOG.md). Only where servers and load have a core each: who moves goes to the load's, which
    takes its core back at once (`undisturbed`).

    Args:
        cores: who runs where.
        others: threads by number, such as `other_threads`; what they start meanwhile, and leave, stays off the core.
    """
    moved = {}
    for thread in others if cores.is_split else ():
        with suppress(OSError):  # it has ended, or must stay where it is, or this user may not ask
            before = os.sched_getaffinity(thread)
            if before & cores.servers and before - cores.servers:
                os.sched_setaffinity(thread, before - cores.servers)
                moved[thread] = before
    try:
        yield len(moved)
    finally:
        for thread, before in moved.items():
            with suppress(OSError):
                os.sched_setaffinity(thread, before)


def other_threads() -> Iterator[int]:
    """Every thread of this machine but this process's."""
    own = str(os.getpid())
    for task in Path("/proc").glob("[0-9]*/task/[0-9]*"):
        if task.parts[2] != own:
            yield int(task.name)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Nobody else gets this thread's core within while it has something to do, where this user may ask for that.

    For a load on a schedule, which is not the server's fault when it is late: a kernel's own threads, such as one that
    looks through the memory twice a second, take milliseconds otherwise, and all that was due then comes in a burst.
    Not for one that may be busy all the time, which Linux then stops for 50 ms of every second (man 7 sched).
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(os.sched_get_priority_min(os.SCHED_FIFO)))
    except PermissionError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def name() -> str:
    """The processor's name, as Linux has it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
