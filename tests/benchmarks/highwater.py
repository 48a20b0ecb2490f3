"""How much memory a process had at most."""

from pathlib import Path
from typing import Final

_KIBIBYTE: Final = 1024


def peak_bytes() -> int:
    """The most memory of this process that was resident at once.

    The kernel's ru_maxrss is not taken: it begins with what the process that started this one had.
    """
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) * _KIBIBYTE
