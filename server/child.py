"""One process that the supervisor keeps alive: when it is started again, and what is said of its end."""

import signal
import subprocess
from collections.abc import Callable
from typing import Protocol

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 10.0
STEADY_S = 10.0  # who lived so long begins anew with the shortest delay
CANNOT_START = 2  # the exit status of a process that no other try would help


class Handle(Protocol):
    """A process, such as subprocess.Popen."""

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        ...

    def send_signal(self, sig: int) -> None:
        """Sends a signal, if it still runs."""
        ...


def delay_s(failures: int) -> float:
    """How long to wait before a start, after so many lives in a row that were short.

    >>> [delay_s(failures) for failures in (0, 1, 2, 3, 20)]
    [0.0, 0.1, 0.2, 0.4, 10.0]
    """
    return min(FIRST_DELAY_S * 2 ** (failures - 1), LONGEST_DELAY_S) if failures else 0.0


def ending(status: int) -> str:
    """Why a process ended, in words.

    >>> ending(-9), ending(1)
    ('signal SIGKILL', 'exit status 1')
    """
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


class Child:
    """A process that is started again when it ends.

    Args:
        name: as the log has it, such as "worker 0".
        start: starts the process.
    """

    def __init__(self, name: str, start: Callable[[], Handle]) -> None:
        self.name = name
        self._start = start
        self._process: Handle | None = None
        self._failures = 0
        self._started_s = 0.0
        self._due_s = 0.0

    @property
    def is_alive(self) -> bool:
        """Whether it ran when it was last looked at."""
        return self._process is not None

    def start_if_due(self, now_s: float) -> bool:
        """Starts it when it does not run and its time has come; whether it was started."""
        if self._process is not None or now_s < self._due_s:
            return False
        self._process, self._started_s = self._start(), now_s
        return True

    def ended(self, now_s: float) -> int | None:
        """Its exit status if it ended since it was last looked at, else None."""
        status = None if self._process is None else self._process.poll()
        if status is not None:
            self._process = None
            self._failures = 1 if now_s - self._started_s >= STEADY_S else self._failures + 1
            self._due_s = now_s + delay_s(self._failures)
        return status

    @property
    def wait_s(self) -> float:
        """How long the next start was put off, at the last end."""
        return delay_s(self._failures)

    def send(self, number: int) -> None:
        """Sends a signal, if it runs."""
        if self._process is not None:
            self._process.send_signal(number)


def start_process(command: list[str]) -> Handle:
    """Starts a command in a group of its own, so that a terminal's Ctrl-C reaches only the supervisor."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)  # noqa: S603  # our own modules
