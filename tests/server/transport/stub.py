"""A scoring method without a model: it turns texts around, and waits or fails when it is told to."""

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.transport.seam import Method, Run

SERVICE = "stub.Scoring"
TURN = f"/{SERVICE}/Turn"
_PATIENCE_S = 60  # then a test that forgot to open the gate fails instead of hanging


class Lane:
    """Turns texts around.

    Attributes:
        runs: the rows of every run so far.
        gate: no run ends while this is not set.
        entered: released for every run that began.
        error: what every run fails with, if anything.
    """

    def __init__(self) -> None:
        self.runs: list[Sequence[bytes]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)
        self.error: Exception | None = None

    def score(self, rows: Sequence[bytes]) -> list[bytes]:
        """See seam.Lane."""
        self.runs.append(rows)
        self.entered.release()
        if not self.gate.wait(_PATIENCE_S):
            raise TimeoutError("nobody opened the gate")
        if self.error is not None:
            raise self.error
        return [row[::-1] for row in rows]

    def forget(self) -> None:
        """Forgets the runs so far."""
        self.runs.clear()
        self.entered = threading.Semaphore(0)

    @property
    def scored(self) -> list[bytes]:
        """Every row that came into a run, in that order."""
        return [row for run in self.runs for row in run]


@dataclass(frozen=True, slots=True)
class Prepared:
    """See seam.Prepared."""

    runs: Sequence[Run]


def answer(prepared: Prepared) -> bytes:
    """The rows of the call, turned around, with a space between."""
    return b" ".join(row for run in prepared.runs for row in run.scored[run.first : run.first + len(run.rows)])


def late(_prepared: Prepared) -> bytes:
    """What is said when there is no time."""
    return b"late"


def method(
    lane: Lane,
    path: str = TURN,
    *,
    failures: dict[bytes, Exception] | None = None,
    finish: Callable[[Prepared], bytes] = answer,
    late: Callable[[Prepared], bytes] = late,
) -> Method[Prepared]:
    """A method that turns the words of a message around.

    Args:
        lane: what scores.
        path: where it is registered.
        failures: what `prepare` raises, by the message.
        finish: see Method.
        late: see Method.
    """

    def prepare(message: bytes) -> Prepared:
        if failures and message in failures:
            raise copy.copy(failures[message])  # one that is raised twice keeps both tracebacks
        return Prepared([Run(lane, message.split(b" "))])

    return Method(path, prepare, finish, late, lambda message: message.decode("ascii", "replace"))
