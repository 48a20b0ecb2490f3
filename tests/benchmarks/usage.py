"""What processes use, as Linux counts it in /proc."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_STOLEN = 8  # position in the first line of /proc/stat (man 5 proc_stat)
# Positions in /proc/PID/stat after the name, which may hold spaces and parentheses (man 5 proc_pid_stat).
_PARENT, _USER_TICKS, _SYSTEM_TICKS, _PAGES = 1, 11, 12, 21


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process.

    Attributes:
        parent: its parent's process id.
        cpu_s: time on a processor since it started.
        rss_bytes: memory that it has resident.
    """

    parent: int
    cpu_s: float
    rss_bytes: int


def parse(stat: str) -> Usage:
    """What /proc/PID/stat says.

    >>> parse("7 (a b) c) S 1 7 7 0 -1 4194560 0 0 0 0 150 50 0 0 20 0 1 0 9 9 3 0").rss_bytes // _PAGE_BYTES
    3
    """
    fields = stat.rpartition(") ")[2].split()
    ticks = int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])
    return Usage(int(fields[_PARENT]), ticks / _TICKS_PER_S, int(fields[_PAGES]) * _PAGE_BYTES)


def stolen_s() -> float:
    """Time that others took of this machine's processors since it was started, all of them together."""
    fields = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0].split()
    return int(fields[_STOLEN]) / _TICKS_PER_S


def stolen_share(begun_s: float, stolen_before_s: float) -> float:
    """Which part of this machine's processors others took, since then by time.monotonic, when so much was stolen."""
    return (stolen_s() - stolen_before_s) / (time.monotonic() - begun_s) / (os.cpu_count() or 1)


def family(root: int) -> dict[int, Usage]:
    """The process and all that descend from it, by process id."""
    everybody = _everybody()
    members = [root] if root in everybody else []
    for parent in members:
        members.extend(pid for pid, usage in everybody.items() if usage.parent == parent)
    return {pid: everybody[pid] for pid in members}


def cpu_s(root: int) -> float:
    """Time on a processor of the process and all that descend from it."""
    return sum(usage.cpu_s for usage in family(root).values())


def busiest(root: int) -> int:
    """Process id of the one among them that was longest on a processor: of a server under load, the worker."""
    members = family(root)
    return max(members, key=lambda pid: members[pid].cpu_s)


def running(root: int, module: str) -> int:
    """Process id of the one among them that runs this Python module.

    Raises:
        LookupError: none does.
    """
    for pid in family(root):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        if module in words:
            return pid
    raise LookupError(f"no process of {root} runs {module}")


def _everybody() -> dict[int, Usage]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = parse(path.read_text(encoding="utf-8", errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
    return found
