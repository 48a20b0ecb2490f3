"""The thread that runs a load, made exact while it does."""

import contextlib
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SLACK: Final = Path("/proc/self/timerslack_ns")  # of the main thread, by which the kernel may wake it too late
NO_SLACK: Final = "1"  # 0 would be the default, 50 µs


@contextlib.contextmanager
def exact() -> Iterator[None]:
    """The garbage collector rests within, and timers are not put off to save energy."""
    with _no_collection(), _no_slack():
        yield


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def _no_slack() -> Iterator[None]:
    """Half of the lateness at the median is slack (docs/LOG.md, 2026-11-22). Where it cannot be set, it stays."""
    try:
        before = SLACK.read_text(encoding="ascii")
        SLACK.write_text(NO_SLACK, encoding="ascii")
    except OSError:
        before = ""
    try:
        yield
    finally:
        if before:
            SLACK.write_text(before, encoding="ascii")
