"""A thread offers the processor again and again while it computes, whatever code it is in.

Linux takes the processor from a thread when one that it prefers wakes up, and else it looks only at ticks, 250 or 1,000
in a second. When a third thread has interrupted the one that answers, it may go on with one that gives way entirely
(server.priority), which is due a small part of the time: up to the next tick or the one after, 4 to 8 ms (measured on
Linux 6.18, docs/LOG.md). ONNX Runtime computes for longer than that in one piece. So a timer sends the thread a signal,
and what handles it is the C library's sched_yield. While one is on its way the timer sends no other: a thread that
waits for the processor costs nothing, and offers it at once when it gets it.
"""

import ctypes
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_EVERY_S: Final = 0.00025  # takes the thread 10 % of its time; half as often, 5 % (measured)
_NOTIFY_THREAD: Final = 4  # SIGEV_THREAD_ID, which only Linux has


class _Event(ctypes.Structure):
    """struct sigevent: a signal for one thread."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("number", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("thread", ctypes.c_int),
        ("_rest", ctypes.c_byte * 44),
    )


class _Times(ctypes.Structure):
    """struct itimerspec: when first, and how often, each as seconds and nanoseconds."""

    _fields_ = tuple((name, ctypes.c_long) for name in ("every_s", "every_ns", "first_s", "first_ns"))


@contextmanager
def yielding() -> Iterator[None]:
    """Has the calling thread yield every quarter of a millisecond within; nothing where there is no such timer."""
    stop = _started() if sys.platform == "linux" else None
    try:
        yield
    finally:
        if stop is not None:
            _library().timer_delete(stop)


def signal_number() -> int:
    """Of the signal, which nothing else here uses. Its handler stays, since one may still be on its way at the end."""
    return signal.SIGRTMAX - 1


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _started() -> ctypes.c_void_p | None:
    """A timer for the calling thread; None where this C library has none, or the system gives none."""
    library, number, timer = _library(), signal_number(), ctypes.c_void_p()
    event = _Event(number=number, notify=_NOTIFY_THREAD, thread=threading.get_native_id())
    nanoseconds = round(_EVERY_S * 1e9)
    times = _Times(every_ns=nanoseconds, first_ns=nanoseconds)
    try:
        create, start, handle = library.timer_create, library.timer_settime, library.signal
        handler = ctypes.cast(library.sched_yield, ctypes.c_void_p)
    except AttributeError:
        return None
    handle.argtypes = (ctypes.c_int, ctypes.c_void_p)
    handle.restype = ctypes.c_void_p
    handle(number, handler)  # before anything can be sent: unhandled, it would end the process
    if create(time.CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(timer)) != 0:
        return None
    start(timer, 0, ctypes.byref(times), None)
    return timer
