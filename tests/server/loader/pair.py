"""Control's loader and a worker's follower, side by side."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from protos.audience.v1 import scoring_pb2
from protos.audience.v1.policy_pb2 import Policy
from server.aside import Do, at_once
from server.bundle import MANIFEST_FILE, MODEL_FILE
from server.follower import Follower
from server.handover import Handover
from server.loader import Loader
from server.overview import ModelStatus, Traffic
from server.policy_file import replace_policy
from server.registry import Registry
from server.repository import POLICY_FILE
from server.rollout import States
from server.runtime import Runtime
from server.wish import Serving, WorkerState
from tests.server.conftest import Measured, Versions

RETIRE_AFTER_S = 10.0
_T = TypeVar("_T")


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
    do: Do = at_once
    worker_do: Do = at_once
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
            do=self.do_for_worker,
            clock_s=self.read_clock,
            retire_after_s=RETIRE_AFTER_S,
        )
        self.restart_control()

    def restart_control(self) -> None:
        """Another control process takes over."""
        handover, lifecycle = Handover(self.runtime), self.measured.lifecycle
        self.loader = Loader(self.root, handover, lifecycle, self.look, do=self.do, clock_s=self.read_clock)

    def do_for_worker(self, work: Callable[[], _T]) -> _T:
        """As the worker is told now."""
        return self.worker_do(work)

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

    def steps(self, count: int = 4) -> Traffic:
        """Looks so often, which is enough for whatever a test did to the repository; who gets which version then."""
        for _ in range(count):
            self.step()
        return self.loader.status.traffic["shop"]

    def say(self, model: str = "shop", **policy: Any) -> None:
        """Puts a policy into the repository."""
        replace_policy(self.root / model / POLICY_FILE, Policy(**policy))

    @property
    def loaded(self) -> tuple[int, ...]:
        """The versions of "shop" that the worker has."""
        return tuple(sorted(self.registry.current.offers["shop"].versions))

    @property
    def targets(self) -> dict[str, int]:
        """Which version of "shop" each label has for the worker's callers, "" for those who ask for none."""
        return dict(self.registry.current.offers["shop"].route.targets)

    @property
    def serving(self) -> dict[str, int]:
        """What a request would get, by model."""
        return {name: served.model.version for name, served in self.registry.current.served.items()}

    def refusals(self, model: str = "shop") -> float:
        """How many were counted."""
        return self.measured.sample("audience_model_refused_total", model=model)


def only(version: int) -> Serving:
    """What a worker says that has one version alone."""
    return Serving((version,), {"": version})


def break_model(folder: Path) -> None:
    """Cuts the graph."""
    (folder / MODEL_FILE).write_bytes((folder / MODEL_FILE).read_bytes()[:-1])


def vector_of(folder: Path) -> bytes:
    """A vector of zeros that follows the version's schema."""
    schema = json.loads((folder / MANIFEST_FILE).read_text())["schema"]
    given = scoring_pb2.Features(vector=[0] * len(schema["features"]), schema_fingerprint=schema["fingerprint"])
    return given.SerializeToString()


def log_of(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, object]]:
    """The lines of the log with this event."""
    return [vars(record) for record in caplog.records if record.getMessage() == event]


def put(pair: Pair, versions: Versions, *numbers: int) -> None:
    """Puts these versions of "shop" into the repository."""
    for number in numbers:
        versions.put(pair.root, number)
