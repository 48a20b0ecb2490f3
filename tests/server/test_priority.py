import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server import priority
from server.priority import LONG_SLICES_S, USUAL_SLICES_S, Pauses, give_way, take_slices

SCHEDULING = Path("/proc/thread-self/sched")


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


def slice_ns() -> int:
    """Of the calling thread."""
    lines = SCHEDULING.read_text(encoding="utf-8").splitlines()
    return next((int(line.split(":")[1]) for line in lines if line.startswith("se.slice")), 0)


def has_slices() -> bool:
    """Whether this kernel has them, and tells."""
    release = tuple(map(int, os.uname().release.split(".")[:2]))
    return release >= (6, 12) and SCHEDULING.exists() and slice_ns() > 0


@pytest.mark.skipif(not has_slices(), reason="the kernel has no slices of a thread, or does not tell them")
def test_slices() -> None:
    """A thread that gives way takes long slices, and hands them on; a thread may go back to the usual ones."""

    def takes() -> list[int]:
        take_slices(USUAL_SLICES_S)  # whatever a test before this one left to all threads
        found = [slice_ns()]
        give_way()
        found.append(slice_ns())
        with ThreadPoolExecutor(1) as pool:
            found.append(pool.submit(slice_ns).result())
        take_slices(USUAL_SLICES_S)
        return [*found, slice_ns(), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())]

    with ThreadPoolExecutor(1) as pool:
        usual, *others = pool.submit(takes).result()
    long = round(LONG_SLICES_S * 1e9)
    assert usual < long
    assert others == [long, long, usual, 15]
