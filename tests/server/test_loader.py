import gc
import json
import shutil
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from protos.audience.v1 import bundle_pb2, scoring_pb2
from server import loader
from server.bundle import MANIFEST_FILE, MODEL_FILE, SUMS_FILE, Bundle, Description, read_description
from server.errors import InvalidRequest, NoModelReady, UnknownModel
from server.loader import Loader, ModelStatus
from server.model import Model, load_model
from server.registry import Registry
from tests.server import damage
from tests.server.conftest import Measured, Versions

RETIRE_AFTER_S = 10.0


@dataclass
class Follower:
    """A loader on a repository in a test's folder, with a clock that stands until it is moved."""

    root: Path
    measured: Measured
    now_s: float = 0.0
    ready_count: int = 0
    registry: Registry = field(init=False)
    loader: Loader = field(init=False)

    def __post_init__(self) -> None:
        self.root.mkdir()
        self.registry = Registry(self.measured.metrics)
        self.loader = Loader(
            self.root,
            self.registry,
            self.measured.lifecycle,
            largest_batch=2,
            on_ready=self.note_ready,
            clock_s=lambda: self.now_s,
            retire_after_s=RETIRE_AFTER_S,
        )

    def note_ready(self) -> None:
        """Counts, and checks that what became ready can be found already."""
        assert self.registry.current.served
        self.ready_count += 1

    def step(self) -> dict[str, ModelStatus]:
        """Looks once; what it saw."""
        self.loader.step()
        return dict(self.loader.status.models)

    @property
    def serving(self) -> dict[str, int]:
        """What a request would get, by model."""
        return {name: served.model.version for name, served in self.registry.current.served.items()}

    def refusals(self, model: str = "shop") -> float:
        """How many were counted."""
        return self.measured.sample("audience_model_refused_total", model=model)


@pytest.fixture
def follower(tmp_path: Path, measured: Measured) -> Follower:
    """A loader on an empty repository."""
    return Follower(tmp_path / "followed", measured)


def break_model(folder: Path) -> None:
    """Cuts the graph."""
    (folder / MODEL_FILE).write_bytes((folder / MODEL_FILE).read_bytes()[:-1])


def test_first_version_serves(follower: Follower, versions: Versions) -> None:
    """An empty repository serves nothing; once a version is there it serves, and its status and metrics say so."""
    assert follower.step() == {}
    assert (follower.serving, follower.ready_count) == ({}, 0)
    versions.put(follower.root, 1)
    assert follower.step() == {"shop": ModelStatus(1, (1,), {})}
    assert (follower.serving, follower.ready_count) == ({"shop": 1}, 1)
    assert follower.measured.sample("audience_model_version", model="shop") == 1
    assert follower.measured.sample("audience_model_swaps_total", model="shop") == 0
    assert follower.measured.sample("audience_model_load_seconds_count", model="shop") == 1


def test_nothing_changes_when_nothing_changes(follower: Follower, versions: Versions) -> None:
    """Looking again at the same folders leaves what requests see untouched."""
    versions.put(follower.root, 1)
    follower.step()
    before = follower.registry.current
    follower.step()
    assert follower.registry.current is before
    assert follower.ready_count == 1


def test_newer_version_replaces(follower: Follower, versions: Versions) -> None:
    """A newer version takes over in one step; a request that began with the older one keeps it."""
    versions.put(follower.root, 1)
    follower.step()
    in_flight = follower.registry.current.find("shop", None)
    versions.put(follower.root, 2)
    assert follower.step() == {"shop": ModelStatus(2, (1, 2), {})}
    assert (follower.serving, follower.ready_count) == ({"shop": 2}, 1)
    assert in_flight.model.version == 1
    assert follower.measured.sample("audience_model_version", model="shop") == 2
    assert follower.measured.sample("audience_model_swaps_total", model="shop") == 1


def test_two_versions_at_once(follower: Follower, versions: Versions) -> None:
    """Of several new versions only the newest is loaded."""
    for version in (1, 2, 3):
        versions.put(follower.root, version)
    follower.step()
    follower.step()
    assert (follower.serving, follower.ready_count) == ({"shop": 3}, 1)


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
def test_damaged_version_is_refused(follower: Follower, versions: Versions, spoil: Callable[[Path], object]) -> None:
    """The one before keeps serving; the refusal is told with its reason and counted once, not at every look."""
    versions.put(follower.root, 1)
    follower.step()
    spoil(versions.put(follower.root, 2))
    follower.step()
    follower.step()
    status = follower.step()["shop"]
    assert (status.serving, status.found) == (1, (1, 2))
    assert list(status.refused) == [2]
    assert status.refused[2] != ""
    assert (follower.serving, follower.refusals(), follower.ready_count) == ({"shop": 1}, 1, 1)


def test_damaged_newest_leaves_the_one_before(follower: Follower, versions: Versions) -> None:
    """When nothing serves yet and the newest is damaged, the one before it is next."""
    versions.put(follower.root, 1)
    break_model(versions.put(follower.root, 2))
    follower.step()
    follower.step()
    assert follower.serving == {"shop": 1}


def test_repaired_version_serves(follower: Follower, versions: Versions) -> None:
    """A refused version whose folder changes is tried again; once it serves it is refused no longer."""
    versions.put(follower.root, 1)
    folder = versions.put(follower.root, 2)
    whole = (folder / MODEL_FILE).read_bytes()
    break_model(folder)
    follower.step()
    assert "model.onnx was altered or cut" in follower.step()["shop"].refused[2]
    (folder / MODEL_FILE).write_bytes(whole)
    assert follower.step() == {"shop": ModelStatus(2, (1, 2), {})}
    assert follower.refusals() == 1


def test_badly_repaired_version_is_refused_again(follower: Follower, versions: Versions) -> None:
    """Another damage is another refusal, with its own reason."""
    folder = versions.put(follower.root, 2)
    break_model(folder)
    follower.step()
    damage.rewrite(folder, MODEL_FILE, b"garbage")
    assert "ONNX Runtime refuses" in follower.step()["shop"].refused[2]
    assert follower.refusals() == 2


def test_refused_version_that_is_taken_away_is_forgotten(follower: Follower, versions: Versions) -> None:
    """Its refusal leaves the status with it."""
    versions.put(follower.root, 1)
    folder = versions.put(follower.root, 2)
    break_model(folder)
    follower.step()
    shutil.rmtree(folder)
    assert follower.step() == {"shop": ModelStatus(1, (1,), {})}


def test_incomplete_version_waits(follower: Follower, versions: Versions) -> None:
    """A folder without its hashes is waited for, without a refusal, and loaded once they are there."""
    versions.put(follower.root, 1)
    folder = versions.put(follower.root, 2)
    sums = (folder / SUMS_FILE).read_bytes()
    (folder / SUMS_FILE).unlink()
    assert follower.step() == {"shop": ModelStatus(1, (1, 2), {})}
    assert follower.refusals() == 0
    (folder / SUMS_FILE).write_bytes(sums)
    assert follower.step()["shop"].serving == 2


def test_back_to_the_version_before(follower: Follower, versions: Versions) -> None:
    """Taking the newest version away goes back to the one before it."""
    versions.put(follower.root, 1)
    folder = versions.put(follower.root, 2)
    follower.step()
    shutil.rmtree(folder)
    assert follower.step() == {"shop": ModelStatus(1, (1,), {})}
    assert follower.ready_count == 1


@pytest.mark.parametrize("gone", ["shop/1", "shop"])
def test_last_version_serves_on(follower: Follower, versions: Versions, gone: str) -> None:
    """When every version, or the model's whole folder, is taken away, what serves serves on; the status shows it."""
    versions.put(follower.root, 1)
    follower.step()
    shutil.rmtree(follower.root / gone)
    assert follower.step() == {"shop": ModelStatus(1, (), {})}
    assert follower.serving == {"shop": 1}


def test_model_that_never_served_and_went_is_forgotten(follower: Follower, versions: Versions) -> None:
    """It leaves the status, and is not awaited any longer."""
    break_model(versions.put(follower.root, 1))
    assert follower.step()["shop"].serving is None
    with pytest.raises(NoModelReady):
        follower.registry.current.find("shop", None)
    shutil.rmtree(follower.root / "shop")
    assert follower.step() == {}
    assert follower.registry.current.awaited == frozenset()


def test_unreadable_repository(follower: Follower, versions: Versions) -> None:
    """While the repository cannot be read what serves serves on, and the status says why; then it is followed again."""
    versions.put(follower.root, 1)
    follower.step()
    away = follower.root.rename(follower.root.with_name("away"))
    follower.step()
    follower.step()
    assert "cannot be read: No such file" in (follower.loader.status.unreadable or "")
    assert follower.loader.status.models == {"shop": ModelStatus(1, (1,), {})}
    assert follower.serving == {"shop": 1}
    assert follower.measured.sample("audience_repository_failures_total") == 2
    away.rename(follower.root)
    versions.put(follower.root, 2)
    follower.step()
    assert follower.loader.status.unreadable is None
    assert follower.serving == {"shop": 2}


def test_replaced_model_is_freed_after_its_time(follower: Follower, versions: Versions) -> None:
    """A replaced version outlives every request that may still use it, and is freed by the loader after that."""
    versions.put(follower.root, 1)
    follower.step()
    session = weakref.ref(follower.registry.current.served["shop"].model._session)  # noqa: SLF001  # what holds memory
    versions.put(follower.root, 2)
    follower.now_s = 100.0
    follower.step()
    follower.now_s += RETIRE_AFTER_S - 0.1
    follower.step()
    gc.collect()
    assert session() is not None
    follower.now_s += 0.1
    follower.step()
    gc.collect()
    assert session() is None


def test_replaced_model_is_freed_while_the_repository_is_away(follower: Follower, versions: Versions) -> None:
    """A repository that cannot be read does not keep old models in memory."""
    versions.put(follower.root, 1)
    follower.step()
    session = weakref.ref(follower.registry.current.served["shop"].model._session)  # noqa: SLF001  # what holds memory
    versions.put(follower.root, 2)
    follower.step()
    shutil.rmtree(follower.root)
    follower.now_s = RETIRE_AFTER_S
    follower.step()
    gc.collect()
    assert session() is None


def vector_of(folder: Path) -> scoring_pb2.Features:
    """A vector of zeros that follows the version's schema."""
    schema = json.loads((folder / MANIFEST_FILE).read_text())["schema"]
    return scoring_pb2.Features(vector=[0] * len(schema["features"]), schema_fingerprint=schema["fingerprint"])


@pytest.mark.parametrize("was_loaded", [True, False])
def test_schema_of_a_version_that_does_not_serve_is_known(
    follower: Follower, versions: Versions, *, was_loaded: bool
) -> None:
    """Callers may follow the schema of any version on disk, also of one that never served."""
    older = versions.put(follower.root, 1)
    if was_loaded:
        follower.step()
    versions.put(follower.root, 2)
    follower.step()
    assert follower.registry.current.find("shop", 2).reader.read([vector_of(older)]).remapped == (True,)


def test_schema_that_comes_later_is_known(follower: Follower, versions: Versions) -> None:
    """An older version that is put beside what serves is not loaded, but its schema is known from then on."""
    versions.put(follower.root, 2)
    follower.step()
    older = versions.put(follower.root, 1)
    with pytest.raises(InvalidRequest, match="no version in the repository"):
        follower.registry.current.find("shop", 2).reader.read([vector_of(older)])
    follower.step()
    assert follower.registry.current.find("shop", 2).reader.read([vector_of(older)]).remapped == (True,)
    assert follower.ready_count == 1


def test_schema_of_a_version_that_went_is_known(follower: Follower, versions: Versions) -> None:
    """Callers learn of a swap later than the server: a version's schema is known as long as the process lives."""
    older = versions.put(follower.root, 1)
    follower.step()
    vector = vector_of(older)
    versions.put(follower.root, 2)
    shutil.rmtree(older)
    follower.step()
    assert follower.registry.current.find("shop", 2).reader.read([vector]).remapped == (True,)


def test_schema_of_a_version_that_was_away_for_a_moment_is_known(
    follower: Follower, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that went while it was read, and came back as it was, is read again."""
    versions.put(follower.root, 2)
    older = versions.put(follower.root, 1)
    away = follower.root / ".away"

    def vanish(folder: Path) -> Description:
        if folder == older:
            older.rename(away)
        return read_description(folder)

    with monkeypatch.context() as patch:
        patch.setattr(loader, "read_description", vanish)
        assert "SHA256SUMS cannot be read" in follower.step()["shop"].refused[1]
    assert follower.step()["shop"].refused == {}
    away.rename(older)
    follower.step()
    assert follower.registry.current.find("shop", 2).reader.read([vector_of(older)]).remapped == (True,)


def test_models_are_followed_side_by_side(follower: Follower, versions: Versions) -> None:
    """Every model has its own versions; a swap of one leaves the other."""
    versions.put(follower.root, 1)
    versions.put(follower.root, 1, model="app")
    follower.step()
    assert follower.serving == {"shop": 1, "app": 1}
    app = follower.registry.current.find("app", None).model
    versions.put(follower.root, 2)
    follower.step()
    assert follower.serving == {"shop": 2, "app": 1}
    assert follower.registry.current.find("app", None).model is app


def test_awaited_model_is_not_unknown(follower: Follower, versions: Versions) -> None:
    """A model that is there, and not ready, is waited for; one that is not there is unknown."""
    versions.put(follower.root, 1)
    (follower.root / "app").mkdir()
    follower.step()
    with pytest.raises(NoModelReady, match="no version of model 'app' is ready yet"):
        follower.registry.current.find("app", None)
    with pytest.raises(UnknownModel):
        follower.registry.current.find("web", None)


def test_models_are_awaited_while_another_loads(
    follower: Follower, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the start every model of the repository is awaited, from before the first one is loaded."""
    versions.put(follower.root, 1)
    versions.put(follower.root, 1, model="app")
    seen = []

    def load(bundle: Bundle, *, largest_batch: int) -> Model:
        seen.append(follower.registry.current)
        return load_model(bundle, largest_batch=largest_batch)

    monkeypatch.setattr(loader, "load_model", load)
    follower.step()
    first, second = seen
    assert first.awaited == {"shop", "app"}
    assert second.awaited | second.served.keys() == {"shop", "app"}
    assert follower.registry.current.awaited == frozenset()


@pytest.mark.parametrize("fails", ["read_description", "load_model"])
def test_unforeseen_fault_of_one_model_does_not_stop_another(
    follower: Follower,
    versions: Versions,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fails: str,
) -> None:
    """A fault that nobody foresaw refuses its version, with a traceback in the log; other models are followed."""
    versions.put(follower.root, 1)
    versions.put(follower.root, 1, model="app")
    works = getattr(loader, fails)

    def fail(what: Path | Bundle, **others: int) -> object:
        model = what.parent.name if isinstance(what, Path) else what.description.manifest.model
        if model == "app":
            raise ZeroDivisionError("nobody foresaw this")
        return works(what, **others)

    monkeypatch.setattr(loader, fails, fail)
    status = follower.step()
    assert follower.serving == {"shop": 1}
    assert status["app"].refused == {1: "unforeseen fault while loading; the log has its traceback"}
    assert "nobody foresaw this" in caplog.text
    follower.step()
    assert follower.refusals("app") == 1


def test_reason_is_short(follower: Follower, versions: Versions) -> None:
    """A reason that quotes an endless file is cut: it goes into a line of the log and onto a page."""

    def name_it_endlessly(manifest: bundle_pb2.Manifest) -> None:
        manifest.model = "x" * 10**6

    damage.edit(versions.put(follower.root, 1), name_it_endlessly)
    reason = follower.step()["shop"].refused[1]
    assert reason.startswith("manifest.json is of xxx")
    assert len(reason) == 1000


def test_loaded_model_scores(follower: Follower, versions: Versions) -> None:
    """What serves takes what its reader reads."""
    versions.put(follower.root, 2)
    follower.step()
    served = follower.registry.current.find("", None)
    scores = served.model.run(served.reader.read([scoring_pb2.Features()] * 2).rows)
    assert scores.shape == (2, 9)
    assert np.isfinite(scores).all()


def test_run_follows_until_it_is_stopped(follower: Follower, versions: Versions) -> None:
    """The loop looks at once, and ends as soon as it is told to, however long it would have waited."""
    versions.put(follower.root, 1)
    stop, ready = threading.Event(), threading.Event()
    following = Loader(
        follower.root, follower.registry, follower.measured.lifecycle, largest_batch=1, on_ready=ready.set
    )
    thread = threading.Thread(target=following.run, args=(stop, 3600.0))
    thread.start()
    assert ready.wait(60)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_run_outlives_a_fault(follower: Follower, versions: Versions, caplog: pytest.LogCaptureFixture) -> None:
    """A fault that nobody foresaw, outside of any version, is logged, and the loop goes on."""
    versions.put(follower.root, 1)
    stop = threading.Event()

    def fail_then_stop() -> None:
        if follower.serving == {"shop": 2}:
            stop.set()
        else:
            versions.put(follower.root, 2)
        raise ZeroDivisionError("nobody foresaw this")

    following = Loader(
        follower.root, follower.registry, follower.measured.lifecycle, largest_batch=1, on_ready=fail_then_stop
    )
    following.run(stop, 0.0)
    assert follower.serving == {"shop": 2}
    assert caplog.text.count("the loader failed; what is loaded keeps serving") == 2
