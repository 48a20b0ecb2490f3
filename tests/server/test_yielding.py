"""Threads that offer the processor."""

import ctypes
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from server import yielding

_PATIENCE_S = 30.0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has timers for one thread")


def arrived(seconds: float) -> bool:
    """Whether the calling thread, which blocks it, is sent the signal within this time."""
    found = signal.sigtimedwait({yielding.signal_number()}, seconds)
    return found is not None


def test_is_interrupted_again_and_again() -> None:
    """The thread is, within; not afterwards, and neither is another one."""

    def within() -> list[bool]:
        signal.pthread_sigmask(signal.SIG_BLOCK, {yielding.signal_number()})
        with yielding.yielding(), ThreadPoolExecutor(1) as other:
            found = [arrived(_PATIENCE_S) for _ in range(3)]
            found.append(other.submit(arrived, 0.05).result())
        while arrived(0):
            """One may have been on its way."""
        return [*found, arrived(0.05)]

    with ThreadPoolExecutor(1) as one:
        assert one.submit(within).result() == [True, True, True, False, False]


def test_goes_on_with_what_it_does() -> None:
    """An interruption neither ends the process nor what the thread computes or waits for."""

    def within() -> tuple[int, float]:
        with yielding.yielding():
            began_s = time.monotonic()
            time.sleep(0.05)
            return sum(range(1_000_000)), time.monotonic() - began_s

    with ThreadPoolExecutor(1) as one:
        computed, slept_s = one.submit(within).result()
    assert computed == 499_999_500_000
    assert slept_s >= 0.05


@pytest.mark.parametrize("missing", ["timer_create", "sched_yield"])
def test_where_the_c_library_has_none(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """What is to be done is done without."""

    class Library:
        """One without it."""

        def __init__(self) -> None:
            self._all = ctypes.CDLL(None)

        def __getattr__(self, name: str) -> object:
            if name == missing:
                raise AttributeError(name)
            return getattr(self._all, name)

    monkeypatch.setattr(yielding, "_library", Library)
    with yielding.yielding():
        done = True
    assert done


def test_where_there_is_no_timer_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system refuses it, as where it allows a user no more signals."""
    monkeypatch.setattr(time, "CLOCK_MONOTONIC", -12345)
    with yielding.yielding():
        done = True
    assert done
