"""Which thread the processor is for, when several want it."""

import contextlib
import os
import sys
import threading
from typing import Final

_LOWEST: Final = 19  # loading takes longer than at 5, and nobody notices it (docs/LOG.md, swaps)


def give_way() -> None:
    """Lets the calling thread run when nobody else wants to, on Linux; elsewhere a process's threads share a priority.

    What builds and verifies models gives way to what answers, in each process: a worker's thread that builds holds the
    interpreter's lock now and then, and must not wait with it for a process that only verifies.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST)
