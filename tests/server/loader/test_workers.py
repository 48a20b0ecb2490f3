"""What workers make of what control wishes."""

from dataclasses import replace

import pytest

from server import follower, handover
from server.bundle import Description
from server.errors import BadBundle
from server.heads import FloatMatrix
from server.model import Model
from server.overview import ModelStatus
from tests.server.conftest import Versions
from tests.server.loader.pair import Pair, break_model, log_of, only


def test_version_serves_once_every_worker_has_followed(
    pair: Pair, versions: Versions, caplog: pytest.LogCaptureFixture
) -> None:
    """Until then it is on its way: the one before is shown, and neither swap nor load is counted."""
    caplog.set_level("INFO")
    versions.put(pair.root, 2)
    pair.step()
    versions.put(pair.root, 3)
    pair.is_idle = True
    pair.loader.step()
    pair.loader.settle()
    assert pair.loader.status.models["shop"] == ModelStatus(2, (2, 3), {})
    assert pair.measured.sample("audience_model_swaps_total", model="shop") == 0
    pair.step()
    assert pair.loader.status.models["shop"] == ModelStatus(3, (2, 3), {})
    assert pair.measured.sample("audience_model_swaps_total", model="shop") == 1
    assert [(line["version"], line["replaces"]) for line in log_of(caplog, "version serves")] == [(2, None), (3, 2)]


def test_version_that_no_worker_can_load_is_refused(
    pair: Pair, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What control could verify and no worker can load is refused, and the one before is wished again."""
    versions.put(pair.root, 1)
    pair.step()
    versions.put(pair.root, 2)

    def fail(description: Description, graph: bytes, rows: FloatMatrix, *, largest_batch: int) -> Model:
        raise BadBundle("no memory left")

    monkeypatch.setattr(follower, "build_model", fail)
    status = [pair.step() for _ in range(3)][-1]
    assert status == {"shop": ModelStatus(1, (1, 2), {2: "no memory left"})}
    assert (pair.serving, pair.refusals()) == ({"shop": 1}, 1)


def test_worker_that_cannot_load_is_shown(
    pair: Pair, versions: Versions, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where others serve the version, it serves; the worker that cannot is shown with its reason until it can."""
    versions.put(pair.root, 1)
    pair.step()
    versions.put(pair.root, 2)
    works = pair.states
    pair.others = lambda: (replace(*works(), serving={"shop": only(1)}, refused={"shop/2": "no memory left"}),)
    assert pair.step() == {"shop": ModelStatus(2, (1, 2), {}, {1: "no memory left"})}
    assert log_of(caplog, "some workers cannot load a version; they serve what they had")[0]["reasons"] == {
        1: "no memory left"
    }
    pair.others = lambda: (*works(),)
    assert pair.step() == {"shop": ModelStatus(2, (1, 2), {})}


@pytest.mark.parametrize("left_free", [0, 1 << 40])
def test_graph_that_changed_since_it_was_verified(
    pair: Pair, versions: Versions, monkeypatch: pytest.MonkeyPatch, left_free: int
) -> None:
    """A worker refuses a graph that is not the one that control verified, in the runtime folder or the repository."""
    monkeypatch.setattr(handover, "_LEFT_FREE", left_free)
    versions.put(pair.root, 1)
    pair.loader.step()
    (graph,) = (pair.root if left_free else pair.runtime.folder).rglob("*.onnx")
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    pair.worker.step()
    assert "changed since it was verified" in pair.worker.refused["shop/1"]
    assert pair.serving == {}


def test_graph_that_does_not_fit_is_read_where_it_is(
    pair: Pair, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the runtime folder has no room for a graph, the workers read it in the repository."""
    monkeypatch.setattr(handover, "_LEFT_FREE", 1 << 40)
    versions.put(pair.root, 1)
    pair.step()
    assert (pair.serving, list(pair.runtime.folder.glob("*.onnx"))) == ({"shop": 1}, [])


def test_workers_begin_with_everything(pair: Pair, versions: Versions) -> None:
    """The first wish waits until every model has been tried, so that no worker answers with half of them."""
    versions.put(pair.root, 1)
    versions.put(pair.root, 1, model="app")
    break_model(versions.put(pair.root, 2))
    pair.step()
    assert not pair.runtime.wish.exists()
    pair.step()
    assert pair.serving == {"shop": 1, "app": 1}
    assert pair.worker.is_ready
