"""Versions that do not serve, and why."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from protos.audience.v1 import bundle_pb2
from server import inspection, loader
from server.bundle import MANIFEST_FILE, MODEL_FILE, SUMS_FILE, Bundle
from server.overview import ModelStatus
from tests.server import damage
from tests.server.conftest import Versions
from tests.server.loader.pair import Pair, break_model


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(break_model, id="graph cut"),
        pytest.param(lambda folder: (folder / MANIFEST_FILE).write_text("{}"), id="manifest replaced"),
        pytest.param(lambda folder: damage.rewrite(folder, MODEL_FILE, b"garbage"), id="no graph"),
        pytest.param(lambda folder: damage.rewrite(folder, MANIFEST_FILE, b"[" * 10**6), id="a million brackets"),
        pytest.param(lambda folder: (folder / SUMS_FILE).write_text("garbage"), id="no hashes"),
    ],
)
def test_damaged_version_is_refused(pair: Pair, versions: Versions, spoil: Callable[[Path], object]) -> None:
    """The one before keeps serving; the refusal is told with its reason and counted once, not at every look."""
    versions.put(pair.root, 1)
    pair.step()
    spoil(versions.put(pair.root, 2))
    pair.step()
    pair.step()
    status = pair.step()["shop"]
    assert (status.serving, status.found) == (1, (1, 2))
    assert list(status.refused) == [2]
    assert status.refused[2] != ""
    assert (pair.serving, pair.refusals(), pair.ready_count) == ({"shop": 1}, 1, 1)


def test_damaged_newest_leaves_the_one_before(pair: Pair, versions: Versions) -> None:
    """When nothing serves yet and the newest is damaged, the one before it is next."""
    versions.put(pair.root, 1)
    break_model(versions.put(pair.root, 2))
    pair.step()
    pair.step()
    assert pair.serving == {"shop": 1}


def test_repaired_version_serves(pair: Pair, versions: Versions) -> None:
    """A refused version whose folder changes is tried again; once it serves it is refused no longer."""
    versions.put(pair.root, 1)
    folder = versions.put(pair.root, 2)
    whole = (folder / MODEL_FILE).read_bytes()
    break_model(folder)
    pair.step()
    assert "model.onnx was altered or cut" in pair.step()["shop"].refused[2]
    (folder / MODEL_FILE).write_bytes(whole)
    assert pair.step() == {"shop": ModelStatus(2, (1, 2), {})}
    assert pair.refusals() == 1


def test_badly_repaired_version_is_refused_again(pair: Pair, versions: Versions) -> None:
    """Another damage is another refusal, with its own reason."""
    folder = versions.put(pair.root, 2)
    break_model(folder)
    pair.step()
    damage.rewrite(folder, MODEL_FILE, b"garbage")
    assert "the graph is no ONNX model" in pair.step()["shop"].refused[2]
    assert pair.refusals() == 2


def test_refused_version_that_is_taken_away_is_forgotten(pair: Pair, versions: Versions) -> None:
    """Its refusal leaves the status with it."""
    versions.put(pair.root, 1)
    folder = versions.put(pair.root, 2)
    break_model(folder)
    pair.step()
    shutil.rmtree(folder)
    assert pair.step() == {"shop": ModelStatus(1, (1,), {})}


@pytest.mark.parametrize("place", [(inspection, "read_description"), (loader, "load_model")], ids=["read", "verify"])
def test_unforeseen_fault_of_one_model_does_not_stop_another(
    pair: Pair,
    versions: Versions,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    place: tuple[ModuleType, str],
) -> None:
    """A fault that nobody foresaw refuses its version, with a traceback in the log; other models are followed."""
    versions.put(pair.root, 1)
    versions.put(pair.root, 1, model="app")
    works = getattr(*place)

    def fail(what: Path | Bundle, **others: int) -> object:
        model = what.parent.name if isinstance(what, Path) else what.description.manifest.model
        if model == "app":
            raise ZeroDivisionError("nobody foresaw this")
        return works(what, **others)

    monkeypatch.setattr(*place, fail)
    status = pair.step()
    assert pair.serving == {"shop": 1}
    assert status["app"].refused == {1: "unforeseen fault while loading; the log has its traceback"}
    assert "nobody foresaw this" in caplog.text
    pair.step()
    assert pair.refusals("app") == 1


def test_reason_is_short(pair: Pair, versions: Versions) -> None:
    """A reason that quotes an endless file is cut: it goes into a line of the log and onto a page."""

    def name_it_endlessly(manifest: bundle_pb2.Manifest) -> None:
        manifest.model = "x" * 10**6

    damage.edit(versions.put(pair.root, 1), name_it_endlessly)
    reason = pair.step()["shop"].refused[1]
    assert reason.startswith("manifest.json is of xxx")
    assert len(reason) == 1000
