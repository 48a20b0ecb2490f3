"""Work that has no hurry, such as bringing in a version, done in the time that answering leaves."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Final, Protocol, TypeVar

from server.loading import Loading
from server.priority import give_way_entirely
from server.yielding import yielding

_T = TypeVar("_T")

# With half of a core's peak to answer, a version takes a tenth of it. Where others leave a core nothing at all, the
# thread would take a minute.
_PATIENCE_S: Final = 5.0

# Who wants the work done may run in place of who answers. When it goes to sleep then, Linux 6.18 prefers the thread
# that it woke to the one that waits to go on, up to the next tick: 4 ms (measured). So that one sleeps first.
_BREATH_S: Final = 0.0005


class Do(Protocol):
    """Does work, here or elsewhere; the caller waits for it."""

    def __call__(self, work: Callable[[], _T]) -> _T:
        """What the work gives, or raises."""
        ...


def at_once(work: Callable[[], _T]) -> _T:
    """A Do: here and now."""
    return work()


def at_leisure(transport: str, loading: Loading) -> Do:
    """A Do for a process of a server with this transport: while it is at work, loading says so.

    The threads transport has no turns to rest between, and leaves no time at all when it is busy.
    """
    return at_once if transport == "threads" else Aside(loading).do


class Aside:
    """A thread that stops at once when somebody wants to answer, and for which loops rest (server.priority, .loading).

    Args:
        loading: is told while it is at work.
        patience_s: how long it may take, before the work is done by who wants it done.
    """

    def __init__(self, loading: Loading, *, patience_s: float = _PATIENCE_S) -> None:
        self._loading = loading
        self._patience_s = patience_s
        self._thread = ThreadPoolExecutor(1, "aside", initializer=give_way_entirely)
        self._is_busy = False

    def do(self, work: Callable[[], _T]) -> _T:
        """A Do, for one caller at a time.

        Work that takes too long is done once more by the caller's own thread, with whatever priority that has; what
        comes of the first try is left, and no loop rests for it any more. So it must do no harm to do it twice, also at
        once.
        """
        if not self._is_busy:
            self._is_busy = True
            with self._loading.going_on():
                doing = self._thread.submit(self._do, work)
                wait([doing], self._patience_s)
            time.sleep(_BREATH_S)
            if doing.done():
                return doing.result()
        return work()

    def _do(self, work: Callable[[], _T]) -> _T:
        try:
            time.sleep(_BREATH_S)
            os.sched_yield()
            with yielding():
                return work()
        finally:
            self._is_busy = False
