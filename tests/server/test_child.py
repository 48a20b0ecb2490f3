import doctest
import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from server import child as module
from server.child import LONGEST_DELAY_S, STEADY_S, Child
from server.orders import Orders
from server.settings import parse


class Fake:
    """A process that ends when it is told to."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.sent: list[int] = []

    def poll(self) -> int | None:
        """See Handle."""
        return self.status

    def send_signal(self, sig: int) -> None:
        """See Handle."""
        self.sent.append(sig)


def test_examples() -> None:
    """What the docstrings show is so."""
    assert doctest.testmod(module).failed == 0


def starts(lives_s: list[float]) -> list[float]:
    """When a process that lives so long each time is started, with somebody looking all the time."""
    made: list[Fake] = []

    def start() -> Fake:
        made.append(Fake())
        return made[-1]

    child = Child("worker 0", start)
    now_s, times = 0.0, []
    for life_s in lives_s:
        now_s = next(now_s + step / 100 for step in range(2000) if child.start_if_due(now_s + step / 100))
        times.append(round(now_s, 2))
        assert child.ended(now_s) is None
        now_s += life_s
        made[-1].status = -signal.SIGKILL
        assert child.ended(now_s) == -signal.SIGKILL
        assert not child.is_alive
    return times


def test_starts_are_put_off_longer_and_longer() -> None:
    """A process that dies at once is started after 0.1 s, 0.2 s, 0.4 s and so on, at most 10 s."""
    times = starts([0.0] * 10)
    waits = [round(later - sooner, 2) for sooner, later in itertools.pairwise(times)]
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, LONGEST_DELAY_S, LONGEST_DELAY_S]


def test_steady_life_begins_anew() -> None:
    """After a life of some length the delay is the shortest again."""
    times = starts([0.0, 0.0, STEADY_S, 0.0])
    assert round(times[3] - times[2] - STEADY_S, 2) == 0.1


def test_signals_reach_what_runs() -> None:
    """A signal for a process that does not run is of no consequence."""
    fake = Fake()
    child = Child("control", lambda: fake)
    child.send(signal.SIGTERM)
    assert child.start_if_due(0.0)
    assert not child.start_if_due(0.0)
    child.send(signal.SIGTERM)
    assert fake.sent == [signal.SIGTERM]


def test_orders_come_back_as_they_were(tmp_path: Path) -> None:
    """What a process is told is what it reads."""
    keys = [tmp_path / "old.pem", tmp_path / "new.pem"]
    for key in keys:
        key.touch()
    flags = [*(f"--public-key={key}" for key in keys), f"--approver-key={keys[0]}"]
    settings = parse(["--repository", str(tmp_path), "--host", "::", *flags])
    assert settings.public_key == tuple(keys)
    assert settings.approver_key == (keys[0],)
    orders = Orders(settings, tmp_path / "runtime", 42, 3)
    assert Orders.from_json(orders.to_json()) == orders


TIED = "import sys\nfrom server.orders import die_with\ndie_with(int(sys.argv[1]))\nprint('tied', flush=True)\ninput()"


@pytest.mark.parametrize(("parent", "status"), [(os.getpid(), 0), (1 << 22, 1)], ids=["own", "other"])
def test_tied_to_a_parent(parent: int, status: int) -> None:
    """A process whose parent is another than it was told ends: its supervisor ended before it was tied."""
    command = [sys.executable, "-c", TIED, str(parent)]
    ended = subprocess.run(command, input="\n", capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (status, "" if status else "tied\n")
