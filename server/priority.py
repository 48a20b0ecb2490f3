"""Which thread the processor is for, when several want it."""

import contextlib
import os
import sys
import threading
from typing import Final

# At 10 callers notice a version being loaded, at 19 it takes twice as long (docs/LOG.md, swaps).
_LOWEST: Final = 15


def give_way() -> None:
    """Lets the calling thread run when nobody else wants to, on Linux; elsewhere a process's threads share a priority.

    What builds and verifies models gives way to what answers, in each process: a worker's thread that builds holds the
    interpreter's lock now and then, and must not wait with it for a process that only verifies.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST)
