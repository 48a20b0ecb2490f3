"""What is no longer needed is given back."""

import gc
import shutil
import weakref

from tests.server.conftest import Versions
from tests.server.loader.pair import RETIRE_AFTER_S, Pair


def test_replaced_model_is_freed_after_its_time(pair: Pair, versions: Versions) -> None:
    """A replaced version outlives every request that may still use it, and is freed by the loader after that."""
    versions.put(pair.root, 1)
    pair.step()
    session = weakref.ref(pair.registry.current.served["shop"].model._session)  # noqa: SLF001  # what holds memory
    versions.put(pair.root, 2)
    pair.now_s = 100.0
    pair.step()
    pair.step()  # only now that every worker serves the other
    pair.now_s += RETIRE_AFTER_S - 0.1
    pair.step()
    gc.collect()
    assert session() is not None
    pair.now_s += 0.1
    pair.step()
    gc.collect()
    assert session() is None


def test_replaced_model_is_freed_while_the_repository_is_away(pair: Pair, versions: Versions) -> None:
    """A repository that cannot be read does not keep old models in memory."""
    versions.put(pair.root, 1)
    pair.step()
    session = weakref.ref(pair.registry.current.served["shop"].model._session)  # noqa: SLF001  # what holds memory
    versions.put(pair.root, 2)
    pair.step()
    pair.step()
    shutil.rmtree(pair.root)
    pair.now_s = RETIRE_AFTER_S
    pair.step()
    gc.collect()
    assert session() is None


def test_files_of_replaced_versions_are_removed(pair: Pair, versions: Versions) -> None:
    """The runtime folder holds what is wished, and no more once every worker has followed."""
    for version in (1, 2, 3):
        versions.put(pair.root, version)
        for _ in range(2):  # it serves, and the one before is not wished any longer
            pair.step()
    pair.step()
    assert sorted(path.suffix for path in pair.runtime.folder.glob("shop-*")) == [".manifest", ".onnx", ".rows"]
