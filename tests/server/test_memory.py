import os
import sys
from pathlib import Path

import numpy as np
import pytest

from server.memory import give_back


def resident_bytes() -> int:
    """Of this process."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="it is glibc that keeps memory")
def test_freed_memory_goes_back() -> None:
    """What lies freed below something that is in use does not stay with the process."""
    blocks = [np.ones(8_000) for _ in range(1_500)]  # 64 KB each, which the C library takes from its heap
    last = blocks.pop()
    blocks.clear()
    before = resident_bytes()

    give_back()

    assert before - resident_bytes() > 1_000 * last.nbytes
