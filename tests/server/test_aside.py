"""Work that is done aside."""

import os
import sys
import threading
from pathlib import Path

import pytest

from server.aside import Aside, at_leisure, at_once
from server.loading import Loading

_PATIENCE_S = 60.0


@pytest.fixture
def loading(tmp_path: Path) -> Loading:
    """Of a worker."""
    return Loading.of_worker(tmp_path / "loading", 0)


def test_another_thread_does_it_which_gives_way_to_everybody(loading: Loading) -> None:
    """One and the same for all of it; loops are told as long as it is at work."""
    aside = Aside(loading, patience_s=_PATIENCE_S)

    def look() -> tuple[int, int, bool]:
        policy = os.sched_getscheduler(0) if sys.platform == "linux" else 0
        return threading.get_ident(), policy, loading.is_going_on()

    thread, policy, is_told = aside.do(look)
    assert thread != threading.get_ident()
    assert policy == getattr(os, "SCHED_IDLE", 0)
    assert is_told
    assert not loading.is_going_on()
    assert aside.do(look)[0] == thread


def test_what_it_raises_is_raised(loading: Loading) -> None:
    """As if the caller had done it; the next work is done aside again."""
    aside = Aside(loading, patience_s=_PATIENCE_S)

    def fail() -> int:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        aside.do(fail)
    assert not loading.is_going_on()
    assert aside.do(threading.get_ident) != threading.get_ident()


def test_who_waits_too_long_does_it(loading: Loading) -> None:
    """And what follows too, without waiting, until the thread has come to its end with the first."""
    aside, here = Aside(loading, patience_s=0.05), threading.get_ident()
    has_begun, goes_on, has_ended = threading.Event(), threading.Event(), threading.Event()

    def last_long() -> int:
        if threading.get_ident() != here:
            has_begun.set()
            goes_on.wait(_PATIENCE_S)
            has_ended.set()
        return threading.get_ident()

    assert aside.do(last_long) == here
    assert aside.do(threading.get_ident) == here
    assert has_begun.wait(_PATIENCE_S)
    assert not loading.is_going_on()
    goes_on.set()
    assert has_ended.wait(_PATIENCE_S)
    patient = threading.Event()
    while aside.do(threading.get_ident) == here:  # the thread may be about to say so
        patient.wait(0.01)
    assert not loading.is_going_on()


def test_threads_leave_no_time(loading: Loading) -> None:
    """With the threads transport nothing is done aside."""
    assert at_leisure("threads", loading) is at_once
    assert at_leisure("inline", loading)(threading.get_ident) != threading.get_ident()
    assert at_once(threading.get_ident) == threading.get_ident()
