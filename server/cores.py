"""How many cores this process may use: those it is bound to, and the share of time that its container gets."""

import os
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


def usable_cores(groups: Path = _GROUPS) -> int:
    """The cores, rounded to a whole number, at least 1.

    Args:
        groups: where the kernel shows this container's control group.
    """
    quota = _quota(groups)
    bound = len(os.sched_getaffinity(0))
    return max(1, bound if quota is None else min(bound, round(quota)))


def _quota(groups: Path) -> float | None:
    """Cores' worth of time that the container gets, by cgroup v2 or v1; None without a limit."""
    try:
        limit, period = (groups / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            limit, period = [(groups / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")]
        except OSError:
            return None
    try:
        quota = int(limit) / int(period)  # "max" in v2, -1 in v1: no limit
    except (ValueError, ZeroDivisionError):
        return None
    return quota if quota > 0 else None
