import gc
import json
import shutil
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from protos.audience.v1 import bundle_pb2, scoring_pb2
from server import follower, handover, loader
from server.bundle import MANIFEST_FILE, MODEL_FILE, SUMS_FILE, Bundle, Description, read_description
from server.errors import BadBundle, InvalidRequest, NoModelReady, UnknownModel
from server.follower import Follower
from server.handover import Handover
from server.loader import Loader
from server.model import Model, build_model
from server.overview import ModelStatus
from server.registry import Registry
from server.rollout import States
from server.runtime import Runtime
from server.wish import Serving, WorkerState
from tests.server import damage
from tests.server.conftest import Measured, Versions

RETIRE_AFTER_S = 10.0


@dataclass
class Pair:
    """Control's loader and one worker's follower, in a test's folder, with a clock that stands until it is moved."""

    root: Path
    runtime: Runtime
    measured: Measured
    now_s: float = 0.0
    ready_count: int = 0
    is_idle: bool = False
    others: Callable[[], States] = tuple
    on_look: Callable[[], object] = tuple
    on_followed: Callable[[], object] = tuple
    registry: Registry = field(init=False)
    loader: Loader = field(init=False)
    worker: Follower = field(init=False)

    def __post_init__(self) -> None:
        self.root.mkdir()
        self.registry = Registry(self.measured.metrics)
        self.worker = Follower(
            self.runtime.wish,
            self.registry,
            largest_batch=2,
            on_followed=self.note_followed,
            clock_s=self.read_clock,
            retire_after_s=RETIRE_AFTER_S,
        )
        self.restart_control()

    def restart_control(self) -> None:
        """Another control process takes over."""
        handover, lifecycle = Handover(self.runtime), self.measured.lifecycle
        self.loader = Loader(self.root, handover, lifecycle, self.look, largest_batch=2, clock_s=self.read_clock)

    def read_clock(self) -> float:
        """What the time is."""
        return self.now_s

    def states(self) -> tuple[WorkerState, ...]:
        """What the worker says of itself; nothing before its first wish."""
        wish = self.worker.wish
        return () if wish is None else (WorkerState(1, wish.sequence, self.worker.serving, dict(self.worker.refused)),)

    def look(self) -> States:
        """What control sees: this worker, which follows meanwhile unless idle, and others if the test has some."""
        self.on_look()
        if not self.is_idle:
            self.worker.step()
        return (*(self.states() or (None,)), *self.others())

    def note_followed(self) -> None:
        """Counts when the worker becomes ready, and checks that what became ready can be found already."""
        if self.worker.is_ready and not self.ready_count:
            assert self.registry.current.served
            self.ready_count += 1
        self.on_followed()

    def step(self) -> dict[str, ModelStatus]:
        """Looks once, at the repository and then at the worker, which follows; what control saw."""
        self.loader.step()
        self.worker.step()
        self.loader.settle()
        return dict(self.loader.status.models)

    @property
    def serving(self) -> dict[str, int]:
        """What a request would get, by model."""
        return {name: served.model.version for name, served in self.registry.current.served.items()}

    def refusals(self, model: str = "shop") -> float:
        """How many were counted."""
        return self.measured.sample("audience_model_refused_total", model=model)


@pytest.fixture
def pair(tmp_path: Path, measured: Measured) -> Pair:
    """Control and a worker of an empty repository."""
    (tmp_path / "runtime").mkdir()
    return Pair(tmp_path / "followed", Runtime(tmp_path / "runtime"), measured)


def only(version: int) -> Serving:
    """What a worker says that has one version alone."""
    return Serving((version,), {"": version})


def break_model(folder: Path) -> None:
    """Cuts the graph."""
    (folder / MODEL_FILE).write_bytes((folder / MODEL_FILE).read_bytes()[:-1])


def test_first_version_serves(pair: Pair, versions: Versions) -> None:
    """An empty repository serves nothing; once a version is there it serves, and its status and metrics say so."""
    assert pair.step() == {}
    assert (pair.serving, pair.ready_count) == ({}, 0)
    versions.put(pair.root, 1)
    assert pair.step() == {"shop": ModelStatus(1, (1,), {})}
    assert (pair.serving, pair.ready_count) == ({"shop": 1}, 1)
    assert pair.measured.sample("audience_model_version", model="shop") == 1
    assert pair.measured.sample("audience_model_swaps_total", model="shop") == 0
    assert pair.measured.sample("audience_model_load_seconds_count", model="shop") == 1


def test_nothing_changes_when_nothing_changes(pair: Pair, versions: Versions) -> None:
    """Looking again at the same folders leaves what requests see untouched."""
    versions.put(pair.root, 1)
    pair.step()
    before = pair.registry.current
    pair.step()
    assert pair.registry.current is before
    assert pair.ready_count == 1


def test_newer_version_replaces(pair: Pair, versions: Versions) -> None:
    """A newer version takes over in one step; a request that began with the older one keeps it."""
    versions.put(pair.root, 1)
    pair.step()
    in_flight = pair.registry.current.find("shop", None)
    versions.put(pair.root, 2)
    assert pair.step() == {"shop": ModelStatus(2, (1, 2), {})}
    assert (pair.serving, pair.ready_count) == ({"shop": 2}, 1)
    assert in_flight.model.version == 1
    assert pair.measured.sample("audience_model_version", model="shop") == 2
    assert pair.measured.sample("audience_model_swaps_total", model="shop") == 1


def test_two_versions_at_once(pair: Pair, versions: Versions) -> None:
    """Of several new versions only the newest is loaded."""
    for version in (1, 2, 3):
        versions.put(pair.root, version)
    pair.step()
    pair.step()
    assert (pair.serving, pair.ready_count) == ({"shop": 3}, 1)


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


def test_incomplete_version_waits(pair: Pair, versions: Versions) -> None:
    """A folder without its hashes is waited for, without a refusal, and loaded once they are there."""
    versions.put(pair.root, 1)
    folder = versions.put(pair.root, 2)
    sums = (folder / SUMS_FILE).read_bytes()
    (folder / SUMS_FILE).unlink()
    assert pair.step() == {"shop": ModelStatus(1, (1, 2), {})}
    assert pair.refusals() == 0
    (folder / SUMS_FILE).write_bytes(sums)
    assert pair.step()["shop"].serving == 2


def test_back_to_the_version_before(pair: Pair, versions: Versions) -> None:
    """Taking the newest version away goes back to the one before it."""
    versions.put(pair.root, 1)
    folder = versions.put(pair.root, 2)
    pair.step()
    shutil.rmtree(folder)
    assert pair.step() == {"shop": ModelStatus(1, (1,), {})}
    assert pair.ready_count == 1


@pytest.mark.parametrize("gone", ["shop/1", "shop"])
def test_last_version_serves_on(pair: Pair, versions: Versions, gone: str) -> None:
    """When every version, or the model's whole folder, is taken away, what serves serves on; the status shows it."""
    versions.put(pair.root, 1)
    pair.step()
    shutil.rmtree(pair.root / gone)
    assert pair.step() == {"shop": ModelStatus(1, (), {})}
    assert pair.serving == {"shop": 1}


def test_model_that_never_served_and_went_is_forgotten(pair: Pair, versions: Versions) -> None:
    """It leaves the status, and is not awaited any longer."""
    break_model(versions.put(pair.root, 1))
    assert pair.step()["shop"].serving is None
    with pytest.raises(NoModelReady):
        pair.registry.current.find("shop", None)
    shutil.rmtree(pair.root / "shop")
    assert pair.step() == {}
    assert pair.registry.current.awaited == frozenset()


def test_unreadable_repository(pair: Pair, versions: Versions) -> None:
    """While the repository cannot be read what serves serves on, and the status says why; then it is followed again."""
    versions.put(pair.root, 1)
    pair.step()
    away = pair.root.rename(pair.root.with_name("away"))
    pair.step()
    pair.step()
    assert "cannot be read: No such file" in (pair.loader.status.unreadable or "")
    assert pair.loader.status.models == {"shop": ModelStatus(1, (1,), {})}
    assert pair.serving == {"shop": 1}
    assert pair.measured.sample("audience_repository_failures_total") == 2
    away.rename(pair.root)
    versions.put(pair.root, 2)
    pair.step()
    assert pair.loader.status.unreadable is None
    assert pair.serving == {"shop": 2}


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


def vector_of(folder: Path) -> bytes:
    """A vector of zeros that follows the version's schema."""
    schema = json.loads((folder / MANIFEST_FILE).read_text())["schema"]
    given = scoring_pb2.Features(vector=[0] * len(schema["features"]), schema_fingerprint=schema["fingerprint"])
    return given.SerializeToString()


@pytest.mark.parametrize("was_loaded", [True, False])
def test_schema_of_a_version_that_does_not_serve_is_known(pair: Pair, versions: Versions, *, was_loaded: bool) -> None:
    """Callers may follow the schema of any version on disk, also of one that never served."""
    older = versions.put(pair.root, 1)
    if was_loaded:
        pair.step()
    versions.put(pair.root, 2)
    pair.step()
    assert pair.registry.current.find("shop", 2).reader.read(vector_of(older)).is_remapped


def test_schema_that_comes_later_is_known(pair: Pair, versions: Versions) -> None:
    """An older version that is put beside what serves is not loaded, but its schema is known from then on."""
    versions.put(pair.root, 2)
    pair.step()
    older = versions.put(pair.root, 1)
    with pytest.raises(InvalidRequest, match="no version in the repository"):
        pair.registry.current.find("shop", 2).reader.read(vector_of(older))
    pair.step()
    assert pair.registry.current.find("shop", 2).reader.read(vector_of(older)).is_remapped
    assert pair.ready_count == 1


def test_schema_of_a_version_that_went_is_known(pair: Pair, versions: Versions) -> None:
    """Callers learn of a swap later than the server: a version's schema is known as long as the process lives."""
    older = versions.put(pair.root, 1)
    pair.step()
    vector = vector_of(older)
    versions.put(pair.root, 2)
    shutil.rmtree(older)
    pair.step()
    assert pair.registry.current.find("shop", 2).reader.read(vector).is_remapped


def test_schema_of_a_version_that_was_away_for_a_moment_is_known(
    pair: Pair, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that went while it was read, and came back as it was, is read again."""
    versions.put(pair.root, 2)
    older = versions.put(pair.root, 1)
    away = pair.root / ".away"

    def vanish(folder: Path) -> Description:
        if folder == older:
            older.rename(away)
        return read_description(folder)

    with monkeypatch.context() as patch:
        patch.setattr(loader, "read_description", vanish)
        assert "SHA256SUMS cannot be read" in pair.step()["shop"].refused[1]
    assert pair.step()["shop"].refused == {}
    away.rename(older)
    pair.step()
    assert pair.registry.current.find("shop", 2).reader.read(vector_of(older)).is_remapped


def test_models_are_followed_side_by_side(pair: Pair, versions: Versions) -> None:
    """Every model has its own versions; a swap of one leaves the other."""
    versions.put(pair.root, 1)
    versions.put(pair.root, 1, model="app")
    pair.step()
    assert pair.serving == {"shop": 1, "app": 1}
    app = pair.registry.current.find("app", None).model
    versions.put(pair.root, 2)
    pair.step()
    assert pair.serving == {"shop": 2, "app": 1}
    assert pair.registry.current.find("app", None).model is app


def test_awaited_model_is_not_unknown(pair: Pair, versions: Versions) -> None:
    """A model that is there, and not ready, is waited for; one that is not there is unknown."""
    versions.put(pair.root, 1)
    (pair.root / "app").mkdir()
    pair.step()
    with pytest.raises(NoModelReady, match="no version of model 'app' is ready yet"):
        pair.registry.current.find("app", None)
    with pytest.raises(UnknownModel):
        pair.registry.current.find("web", None)


def test_models_are_awaited_while_another_loads(
    pair: Pair, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the start every model of the repository is awaited, from before the first one is loaded."""
    versions.put(pair.root, 1)
    versions.put(pair.root, 1, model="app")
    seen = []

    def build(description: Description, graph: bytes, *, largest_batch: int) -> Model:
        seen.append(pair.registry.current)
        return build_model(description, graph, largest_batch=largest_batch)

    monkeypatch.setattr(follower, "build_model", build)
    pair.step()
    first, second = seen
    assert first.awaited == {"shop", "app"}
    assert second.awaited | second.served.keys() == {"shop", "app"}
    assert pair.registry.current.awaited == frozenset()


@pytest.mark.parametrize("fails", ["read_description", "load_model"])
def test_unforeseen_fault_of_one_model_does_not_stop_another(
    pair: Pair,
    versions: Versions,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fails: str,
) -> None:
    """A fault that nobody foresaw refuses its version, with a traceback in the log; other models are followed."""
    versions.put(pair.root, 1)
    versions.put(pair.root, 1, model="app")
    works = getattr(loader, fails)

    def fail(what: Path | Bundle, **others: int) -> object:
        model = what.parent.name if isinstance(what, Path) else what.description.manifest.model
        if model == "app":
            raise ZeroDivisionError("nobody foresaw this")
        return works(what, **others)

    monkeypatch.setattr(loader, fails, fail)
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


def test_loaded_model_scores(pair: Pair, versions: Versions) -> None:
    """What serves takes what its reader reads."""
    versions.put(pair.root, 2)
    pair.step()
    served = pair.registry.current.find("", None)
    nobody = served.reader.read(b"")
    scores = served.score([nobody] * 2).matrix
    assert scores.shape == (2, 9)
    assert np.isfinite(scores).all()


def test_run_follows_until_it_is_stopped(pair: Pair, versions: Versions) -> None:
    """Both loops look at once, and end as soon as they are told to, however long they would have waited."""
    versions.put(pair.root, 1)
    stop, followed = threading.Event(), threading.Event()
    pair.on_followed = followed.set
    threads = [
        threading.Thread(target=pair.loader.run, args=(stop, 3600.0)),
        threading.Thread(target=pair.worker.run, args=(stop,)),
    ]
    for thread in threads:
        thread.start()
    assert followed.wait(60)
    stop.set()
    for thread in threads:
        thread.join(10)
    assert pair.serving == {"shop": 1}
    assert not any(thread.is_alive() for thread in threads)


def test_runs_outlive_a_fault(pair: Pair, versions: Versions, caplog: pytest.LogCaptureFixture) -> None:
    """A fault that nobody foresaw, outside of any version, is logged, and the loops go on."""
    versions.put(pair.root, 1)
    pair.loader.step()
    stop = threading.Event()

    def fail_then_stop() -> None:
        if caplog.text.count("nobody foresaw this"):
            stop.set()
        pair.runtime.replace(pair.runtime.wish, pair.runtime.wish.read_bytes())
        raise ZeroDivisionError("nobody foresaw this")

    pair.on_followed = pair.on_look = fail_then_stop
    pair.worker.run(stop)
    assert pair.serving == {"shop": 1}
    assert caplog.text.count("the follower failed; what is loaded keeps serving") == 2
    stop.clear()
    caplog.clear()
    pair.loader.run(stop, 0.0)
    assert caplog.text.count("the loader failed; what is loaded keeps serving") == 2


def log_of(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, object]]:
    """The lines of the log with this event."""
    return [vars(record) for record in caplog.records if record.getMessage() == event]


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


def test_version_waits_until_every_worker_knows_its_features(pair: Pair, versions: Versions) -> None:
    """A version with other features is begun with once no worker would refuse its vector."""
    versions.put(pair.root, 1)
    pair.step()
    folder = versions.put(pair.root, 2)
    pair.is_idle = True
    pair.loader.step()
    assert [wished.version for wished in Handover(pair.runtime).wish.models] == [1]
    pair.worker.step()
    assert pair.registry.current.find("shop", 1).reader.read(vector_of(folder)).is_remapped
    assert pair.step()["shop"].serving == 2


def test_version_that_no_worker_can_load_is_refused(
    pair: Pair, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What control could verify and no worker can load is refused, and the one before is wished again."""
    versions.put(pair.root, 1)
    pair.step()
    versions.put(pair.root, 2)

    def fail(description: Description, graph: bytes, *, largest_batch: int) -> Model:
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


def test_control_that_is_started_again(pair: Pair, versions: Versions, caplog: pytest.LogCaptureFixture) -> None:
    """It goes on from what was wished: nothing is loaded, counted or told again, and no schema is forgotten."""
    older = versions.put(pair.root, 1)
    vector = vector_of(older)
    pair.step()
    versions.put(pair.root, 2)
    pair.step()
    shutil.rmtree(older)
    served = pair.registry.current.served["shop"].model
    caplog.set_level("INFO")
    pair.restart_control()
    assert pair.step() == {"shop": ModelStatus(2, (2,), {})}
    assert log_of(caplog, "version serves") == []
    assert pair.registry.current.served["shop"].model is served
    assert pair.measured.sample("audience_model_version", model="shop") == 2
    versions.put(pair.root, 3)
    assert pair.step()["shop"].serving == 3
    assert pair.registry.current.find("shop", 3).reader.read(vector).is_remapped


def test_control_that_is_started_again_in_the_middle(
    pair: Pair, versions: Versions, caplog: pytest.LogCaptureFixture
) -> None:
    """A version that was on its way when control ended is told to serve once it does."""
    caplog.set_level("INFO")
    versions.put(pair.root, 1)
    pair.is_idle = True
    pair.loader.step()
    pair.restart_control()
    pair.is_idle = False
    pair.step()
    assert [line["version"] for line in log_of(caplog, "version serves")] == [1]


def test_worker_that_is_started_again_needs_no_repository(pair: Pair, versions: Versions) -> None:
    """It finds all it needs in the runtime folder, also when control is down and the version was taken away."""
    versions.put(pair.root, 1)
    pair.step()
    shutil.rmtree(pair.root)
    registry = Registry(pair.measured.metrics)
    again = Follower(pair.runtime.wish, registry, largest_batch=2, on_followed=lambda: None)
    again.step()
    assert (again.serving, again.is_ready, again.refused) == ({"shop": only(1)}, True, {})


def test_graph_that_changed_since_it_was_verified(pair: Pair, versions: Versions) -> None:
    """A worker refuses a graph that is not the one that control verified."""
    versions.put(pair.root, 1)
    pair.loader.step()
    (graph,) = pair.runtime.folder.glob("*.onnx")
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    pair.step()
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


def test_files_of_replaced_versions_are_removed(pair: Pair, versions: Versions) -> None:
    """The runtime folder holds what is wished, and no more once every worker has followed."""
    for version in (1, 2, 3):
        versions.put(pair.root, version)
        for _ in range(2):  # it serves, and the one before is not wished any longer
            pair.step()
    pair.step()
    assert sorted(path.suffix for path in pair.runtime.folder.glob("shop-*")) == [".manifest", ".onnx"]


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
