"""What a server must not leave behind."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

_PATIENCE_S = 30
_LOOK_S = 0.01
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
