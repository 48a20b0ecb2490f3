import gc
import os
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

from server.bundle import read_bundle
from server.counters import Counters, Shape
from server.memory import give_back
from server.metrics import Metrics
from server.model import load_model
from server.registry import Registry
from server.served import Target
from tests.bundles import make


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


def test_replaced_model_is_gone_at_once(tmp_path: Path) -> None:
    """Once nothing answers with it: its memory does not wait for the garbage collector, which seldom looks at all."""
    registry = Registry(Metrics(Counters.create(tmp_path / "counters", Shape(1)).row(0)))
    model = load_model(read_bundle(make(1).publish(tmp_path)), largest_batch=1)
    registry.publish([model], {}, frozenset())
    target = Target(registry.current.served["shop"], list(model.description.heads.values()))
    session = weakref.ref(model._session)  # noqa: SLF001  # what its memory hangs on
    assert target.held.target is target
    gc.disable()
    try:
        registry.publish([], {}, frozenset())
        del model, target
        assert session() is None
    finally:
        gc.enable()
