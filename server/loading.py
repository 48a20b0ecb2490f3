"""Whether a process of this server is bringing in a version: those that answer leave it some time then.

What loads gives way to what answers (server.aside). Where answering alone fills a core, because rows that come one by
one cost more than rows that come together, a version would take ten seconds to come to serve, or a minute. So while one
is on its way, the loop rests a little between two turns; it answers as many, a few more at a time. After a long turn,
which shows that more is asked than in the middle, or that the processor is slow just now, it does not: those who wait
would wait longer and longer (measured: 100 ms, docs/LOG.md). Where all turns are long, nothing is left for a version
until the patience of server.aside ends.
"""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_BYTES = 1024  # more than a server has processes
_CONTROL = 0
_YES = b"\1"

# At half of a core's peak a version then serves after one or two seconds instead of five (docs/LOG.md, swaps).
REST_S: Final = 0.00005
LONG_TURN_S: Final = 0.0003  # what keeps the loop for a moment is caught up with at full speed; loads take as long


class Loading:
    """A byte for each process, in a file that all of them map.

    Args:
        path: the file, in the runtime folder; it is made by who comes first.
        own: which byte this process writes: `of_control` or `of_worker`. What one before it left there is forgotten.

    Raises:
        OSError: there is no room for it.
    """

    def __init__(self, path: Path, own: int) -> None:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, _BYTES)
            self._bytes = mmap.mmap(file, _BYTES)
        finally:
            os.close(file)
        self._own = own
        self._bytes[own] = False

    @classmethod
    def of_control(cls, path: Path) -> "Loading":
        """Control's."""
        return cls(path, _CONTROL)

    @classmethod
    def of_worker(cls, path: Path, number: int) -> "Loading":
        """The worker's with this number, from 0."""
        return cls(path, _CONTROL + 1 + number)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """This process is at it."""
        self._bytes[self._own] = True
        try:
            yield
        finally:
            self._bytes[self._own] = False

    def is_going_on(self) -> bool:
        """Whether any process is."""
        return self._bytes.find(_YES) >= 0

    def rest_s(self, turn_s: float) -> float:
        """How long the loop is to rest after a turn that took so long; 0 for not at all."""
        return REST_S if turn_s < LONG_TURN_S and self.is_going_on() else 0.0
