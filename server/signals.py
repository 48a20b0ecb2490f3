"""SIGTERM and SIGINT, from the first moment of the process on: the first one drains, a second one ends it at once."""

import contextlib
import os
import queue
import signal

_LOOK_S = 0.5
_FAILED = 128  # plus the signal's number: the status that shells give a process that a signal ended


class Stop:
    """The wish to stop. A signal handler may only use a simple queue: the locks of `threading` can deadlock there."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._count = 0

    def ask(self, number: int = signal.SIGTERM, _frame: object = None) -> None:
        """Asks once; a second time ends the process, also where it runs as the first of a container."""
        self._count += 1
        if self._count > 1:
            os._exit(_FAILED + number)
        self._asked.put(number)

    def wake(self, _number: int = 0, _frame: object = None) -> None:
        """Ends the wait that is going on, or else the next one, although nobody asks: a handler of signals, too."""
        self._asked.put(0)

    @property
    def is_asked(self) -> bool:
        """Whether somebody has asked."""
        return self._count > 0

    def wait(self) -> None:
        """Blocks until somebody asks.

        It wakes twice a second, since a signal between CPython's last look and its sleep would otherwise be seen only
        when the next one comes. (measured: 6 of 220 that came just after the start)
        """
        while not self.wait_for(_LOOK_S):
            pass

    def wait_for(self, seconds: float) -> bool:
        """Blocks until somebody asks or wakes it, at most so long; whether somebody has asked."""
        with contextlib.suppress(queue.Empty):
            number = self._asked.get(timeout=seconds)
            if self.is_asked:
                self._asked.put(number)  # for whoever asks next
        return self.is_asked


def handle_signals() -> Stop:
    """From now on SIGTERM and SIGINT ask to stop."""
    stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop.ask)
    return stop
