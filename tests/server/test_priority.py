import pytest

from server import priority
from server.priority import Pauses


class Clock:
    """Stands in for `time`: what the thread has computed, and how often it slept."""

    def __init__(self) -> None:
        self.computed_s = 0.0
        self.slept = 0

    def thread_time(self) -> float:
        """As time.thread_time."""
        return self.computed_s

    def sleep(self, seconds: float) -> None:
        """As time.sleep: a thread that sleeps computes nothing."""
        assert seconds > 0
        self.slept += 1


def test_pauses_after_each_spell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that computes on leaves the processor again and again; one that hardly does anything need not."""
    clock = Clock()
    monkeypatch.setattr(priority, "time", clock)
    pauses = Pauses()
    pauses.take()
    for _ in range(100):
        clock.computed_s += 0.0001
        pauses.take()
    assert 30 <= clock.slept <= 52
    before = clock.slept
    for _ in range(100):
        pauses.take()
    assert clock.slept <= before + 1
