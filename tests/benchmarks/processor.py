"""Which cores there are, and who runs on which."""

import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
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


def name() -> str:
    """The processor's name, as Linux has it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
