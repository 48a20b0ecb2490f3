"""What a server must not leave behind."""

import gc
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

_PATIENCE_S = 30
_LOOK_S = 0.01
_TIMES = 4
_never = threading.Event()


def eventually(is_so: Callable[[], bool], what: str) -> None:
    """Returns as soon as it is so; for what the other end of a connection does in its own time."""
    for _ in range(round(_PATIENCE_S / _LOOK_S)):
        if is_so():
            return
        _never.wait(_LOOK_S)
    raise AssertionError(f"never: {what}")


def sockets() -> set[str]:
    """The sockets and pipes that this process has open, by the kernel's names."""
    return {link for link in map(_link, Path("/proc/self/fd").iterdir()) if link.startswith("socket:")}


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except FileNotFoundError:  # the folder itself was one
        return ""


def threads() -> set[str]:
    """The names of Python's threads."""
    return {thread.name for thread in threading.enumerate()}


def resident_bytes() -> int:
    """How much memory this process has in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def growth_bytes(again: Callable[[], object], most_bytes: int) -> int:
    """By how much memory grows when this is done again: the least of a few times, as soon as that is little enough.

    What leaks does so each time. What else is in the process, such as other tests' threads, takes memory now and then.
    """
    least = sys.maxsize
    for _ in range(_TIMES):
        gc.collect()
        before = resident_bytes()
        again()
        gc.collect()
        least = min(least, resident_bytes() - before)
        if least <= most_bytes:
            break
    return least
