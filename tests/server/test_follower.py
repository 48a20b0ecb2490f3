"""A worker follows wishes of several versions, whatever can be loaded of them."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
import pytest

from server import follower
from server.bundle import Description, read_description
from server.errors import BadBundle
from server.follower import Follower
from server.heads import FloatMatrix
from server.model import Model
from server.registry import Registry
from server.runtime import Runtime
from server.traffic import Route, Share
from server.wish import Serving, Wish, WishedModel
from tests.server.conftest import Measured, Versions
from tests.server.literal import Graph, zeros

_T = TypeVar("_T")
RECORDED = 7.0  # in every column of every recorded row


@dataclass
class Worker:
    """A follower in a test's folder, whose versions are built of nothing.

    Attributes:
        built: the versions that it built so far.
        broken: those that cannot be.
        seen: what it served while it built each.
        asides: how many of them it built aside.
    """

    runtime: Runtime
    versions: Versions
    registry: Registry
    built: list[int] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)
    seen: list[dict[str, Serving]] = field(default_factory=list)
    wish: Wish = field(default_factory=Wish)
    follower: Follower = field(init=False)
    asides: int = 0

    def __post_init__(self) -> None:
        self.follower = Follower(
            self.runtime.wish, self.registry, largest_batch=2, on_followed=lambda: None, do=self.do
        )

    def do(self, work: Callable[[], _T]) -> _T:
        """A Do that counts."""
        self.asides += 1
        return work()

    def build(self, description: Description, _graph: bytes, rows: FloatMatrix, **_options: int) -> Model:
        """As build_model."""
        version = description.manifest.version
        self.seen.append(self.follower.serving)
        if version in self.broken:
            raise BadBundle(f"no memory left for {version}")
        self.built.append(version)
        assert (rows == RECORDED).all()
        return Model(description, Graph(zeros))

    def follow(self, numbers: tuple[int, ...], **route: object) -> Self:
        """Wishes these versions of "shop", and this route; the worker follows."""
        models = tuple(wished(self.versions, self.runtime.folder, number) for number in numbers)
        routes = {"shop": Route(**route)} if numbers else {}  # type: ignore[arg-type]  # whatever the test wants
        self.wish = replace(self.wish, sequence=self.wish.sequence + 1, models=models, routes=routes, is_settled=True)
        self.runtime.replace_json(self.runtime.wish, self.wish)
        self.follower.step()
        return self

    @property
    def serving(self) -> Serving:
        """What the worker says of "shop"; it is what callers get."""
        said, offer = self.follower.serving["shop"], self.registry.current.offers["shop"]
        assert (said.versions, said.targets) == (tuple(sorted(offer.versions)), offer.route.targets)
        return said


def wished(versions: Versions, folder: Path, number: int) -> WishedModel:
    """A wish of this version of "shop"."""
    (source,) = [one for one in versions.folders if one.parent.name == "shop" and one.name == str(number)]
    graph, manifest, rows = (folder / f"{number}.{kind}" for kind in ("onnx", "manifest", "rows"))
    if not graph.exists():
        graph.write_bytes(b"graph")
        description = read_description(source)
        manifest.write_bytes(description.manifest.SerializeToString())
        rows.write_bytes(np.full((3, description.schema.width), RECORDED, np.float32).tobytes())
    return WishedModel("shop", number, str(manifest), str(graph), str(rows), hashlib.sha256(b"graph").hexdigest())


@pytest.fixture
def worker(tmp_path: Path, versions: Versions, measured: Measured, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A worker that was told nothing yet."""
    one = Worker(Runtime(tmp_path), versions, Registry(measured.metrics))
    monkeypatch.setattr(follower, "build_model", one.build)
    return one


def test_several_versions(worker: Worker) -> None:
    """All that are wished are loaded, once each, that of everybody first, and the route says who gets which."""
    worker.follow((1, 2, 3), targets={"": 2, "stable": 2, "canary": 3}, default_label="stable")
    assert worker.serving == Serving((1, 2, 3), {"": 2, "stable": 2, "canary": 3})
    assert (worker.follower.refused, worker.follower.is_ready, worker.built) == ({}, True, [2, 1, 3])
    assert worker.asides == 2  # the first one has nobody to disturb
    assert worker.registry.current.offers["shop"].route.default_label == "stable"


def test_what_is_not_wished_goes(worker: Worker) -> None:
    """Together with its labels; the other versions are the very same objects as before."""
    worker.follow((1, 2, 3), targets={"": 2, "old": 1})
    kept = worker.registry.current.offers["shop"].find(2).model
    worker.follow((2, 3), targets={"": 2})
    assert (worker.serving, worker.built) == (Serving((2, 3), {"": 2}), [2, 1, 3])
    assert worker.registry.current.offers["shop"].find(2).model is kept
    worker.follow(())
    assert (worker.follower.serving, worker.registry.current.offers) == ({}, {})


def test_route_alone(worker: Worker) -> None:
    """Another route is published without a load, and with it everything that was loaded."""
    worker.follow((1, 2), targets={"": 1, "canary": 2})
    models = {served.model for served in worker.registry.current.offers["shop"].versions.values()}
    worker.follow((1, 2), targets={"": 2, "canary": 2}, split=(Share("canary", 7),), split_salt="s", holdout=9)
    route = worker.registry.current.offers["shop"].route
    assert (worker.built, worker.serving.targets) == ([1, 2], {"": 2, "canary": 2})
    assert (route.split, route.split_salt, route.holdout) == ((Share("canary", 7),), "s", 9)
    assert {served.model for served in worker.registry.current.offers["shop"].versions.values()} == models


def test_label_keeps_its_version(worker: Worker) -> None:
    """While the new one cannot be loaded, also when control wishes the one before no longer; the state says why."""
    worker.follow((1, 2), targets={"": 1, "stable": 1, "canary": 2})
    worker.broken = {3}
    worker.follow((1, 2, 3), targets={"": 1, "stable": 1, "canary": 3})
    expected = Serving((1, 2), {"": 1, "stable": 1, "canary": 2})
    assert (worker.serving, worker.follower.refused) == (expected, {"shop/3": "no memory left for 3"})
    worker.follow((1, 3), targets={"": 1, "stable": 1, "canary": 3})
    assert (worker.serving, worker.follower.refused) == (expected, {"shop/3": "no memory left for 3"})
    worker.broken = set()
    worker.follow((1, 3), targets={"": 1, "stable": 1, "canary": 3}, holdout=1)
    assert worker.serving == Serving((1, 3), {"": 1, "stable": 1, "canary": 3})
    assert worker.follower.refused == {}


def test_everybody_keeps_their_version(worker: Worker) -> None:
    """The same for those who ask for none, who do not get the newest instead."""
    worker.follow((1, 2), targets={"": 1, "stable": 1}, default_label="stable")
    worker.broken = {3}
    worker.follow((1, 2, 3), targets={"": 3, "stable": 3}, default_label="stable")
    assert worker.serving.targets == {"": 1, "stable": 1}


def test_label_without_any_version(worker: Worker) -> None:
    """One that never had a version that can be loaded is not there; the others are."""
    worker.broken = {3}
    worker.follow((1, 3), targets={"": 1, "stable": 1, "canary": 3}, split=(Share("canary", 7),))
    assert worker.serving == Serving((1,), {"": 1, "stable": 1})
    assert worker.follower.is_ready


def test_labels_that_change_places(worker: Worker) -> None:
    """They change at once, without a load."""
    worker.follow((1, 2), targets={"": 1, "blue": 1, "green": 2})
    worker.follow((1, 2), targets={"": 2, "blue": 2, "green": 1})
    assert (worker.serving.targets, worker.built) == ({"": 2, "blue": 2, "green": 1}, [1, 2])


def test_told_meanwhile(worker: Worker) -> None:
    """Another thread that asks while versions are loaded is told what is served, whole."""
    worker.follow((1,), targets={"": 1})
    worker.follow((1, 2, 3), targets={"": 2, "next": 3})
    assert worker.seen == [{}, {"shop": Serving((1,), {"": 1})}, {"shop": Serving((1, 2), {"": 2})}]


def test_told_while_it_publishes(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says is never half of what it serves."""
    worker.follow((1, 2), targets={"": 1, "canary": 2})
    told: list[dict[str, Serving]] = []
    settle = Route.settled

    def settled(route: Route, loaded: Collection[int], before: Mapping[str, int]) -> Route:
        told.append(worker.follower.serving)
        return settle(route, loaded, before)

    monkeypatch.setattr(Route, "settled", settled)
    worker.follow((1, 2), targets={"": 2, "canary": 2})
    before, after = Serving((1, 2), {"": 1, "canary": 2}), Serving((1, 2), {"": 2, "canary": 2})
    assert {"shop": before} in told
    assert all(one in ({"shop": before}, {"shop": after}) for one in told)
