"""Which thread the processor is for, when several want it."""

import contextlib
import ctypes
import os
import platform
import struct
import sys
import threading
import time
from typing import Final

# At 10 callers notice a version being loaded, at 19 it takes twice as long (docs/LOG.md, swaps).
_LOWEST: Final = 15
_SPELL_S: Final = 0.0002
_PAUSE_S: Final = 0.001

LONG_SLICES_S: Final = 0.1  # the longest that Linux gives
USUAL_SLICES_S: Final = 0.0
# Linux's sched_setattr, which the os module does not have: its number, and its argument's fields (struct sched_attr):
# size, policy, flags, nice, priority, runtime, deadline, period.
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
_SCHED_ATTR = struct.Struct("=IIQiIQQQ")


def give_way_entirely() -> None:
    """Lets the calling thread run when nobody else wants to, and stop at once when somebody does, on Linux.

    After `give_way` a thread goes on for up to 8 ms before the scheduler takes the processor from it, although who
    answers has woken up (measured on Linux 6.18). But where nobody leaves it any time it hardly comes to run at all:
    it is for what has no hurry, and computes nearly without what others wait for (server.aside). There is no way back
    for the thread: that takes a privilege.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def give_way() -> None:
    """Lets the calling thread run when nobody else wants to, on Linux; elsewhere a process's threads share a priority.

    For what follows the repository and the wishes, in each process: it has to get on also where others fill every core,
    and in a worker it holds the interpreter's lock now and then, with which it must not wait for long.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST)
        take_slices(LONG_SLICES_S)


def take_slices(seconds: float) -> None:
    """Has the calling thread, and those that it starts, run for so long at a time; since Linux 6.12, nothing elsewhere.

    Among threads that want to run Linux prefers who asks for a shorter slice, and lets it interrupt who asked for a
    longer one. So who follows the repository and the wishes asks for long ones: with the usual ones it often ran first
    when it woke up, and the loop only at the next tick, up to 4 ms later. Processes inherit it, too.

    Args:
        seconds: of processor time, up to LONG_SLICES_S, or USUAL_SLICES_S.
    """
    number = _SCHED_SETATTR.get(platform.machine())
    if sys.platform == "linux" and number is not None:
        with contextlib.suppress(OSError):
            nice, policy = os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), os.sched_getscheduler(0)
            wanted = _SCHED_ATTR.pack(_SCHED_ATTR.size, policy, 0, nice, 0, round(seconds * 1e9), 0, 0)
            if policy == os.SCHED_OTHER:  # to others the field means something else
                ctypes.CDLL(None).syscall(number, 0, wanted, 0)  # where it is not allowed, all stays as it was


class Pauses:
    """Pauses of a thread that gives way, between two pieces of its work.

    Whoever answers waits until it has done a piece, since the scheduler takes the processor from it at a tick only, of
    which there are few in a second. So it leaves it of its own accord.
    """

    def __init__(self) -> None:
        self._due_s = 0.0

    def take(self) -> None:
        """Sleeps a little, if the calling thread has computed for a spell since it did so last."""
        if time.thread_time() >= self._due_s:
            self.rest()

    def rest(self) -> None:
        """Sleeps a little, before something that is not to come on top of what was."""
        time.sleep(_PAUSE_S)
        self._due_s = time.thread_time() + _SPELL_S
