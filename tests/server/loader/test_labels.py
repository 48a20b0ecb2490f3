"""Versions that a policy names beside the newest, and who gets which."""

import pytest

from protos.audience.v1.policy_pb2 import Holdout, Share
from server import follower
from server.bundle import Description
from server.heads import FloatMatrix
from server.model import Model, build_model
from server.traffic import Route
from tests.server.conftest import Versions
from tests.server.loader.pair import Pair, log_of, put

CANARY = [Share(label="canary", basis_points=500)]


def loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The versions that the worker loads from now on."""
    seen: list[int] = []

    def build(description: Description, graph: bytes, rows: FloatMatrix, *, largest_batch: int) -> Model:
        seen.append(description.manifest.version)
        return build_model(description, graph, rows, largest_batch=largest_batch)

    monkeypatch.setattr(follower, "build_model", build)
    return seen


def test_label_pins_a_version(pair: Pair, versions: Versions) -> None:
    """A version with a label stays loaded whatever comes after it; without one it goes."""
    put(pair, versions, 1)
    pair.say(labels={"pinned": 1})
    pair.steps()
    put(pair, versions, 2)
    assert pair.steps().loaded == (1, 2)
    put(pair, versions, 3)
    traffic = pair.steps()
    assert (traffic.loaded, pair.loaded, pair.targets) == ((1, 3), (1, 3), {"": 3, "pinned": 1})
    assert (traffic.is_settled, traffic.behind, traffic.bad_policy) == (True, {}, None)
    pair.say()
    assert (pair.steps().loaded, pair.loaded, pair.targets) == ((3,), (3,), {"": 3})


def test_newest_two(pair: Pair, versions: Versions) -> None:
    """As many of the newest as the policy says are loaded; the newest serves, and the oldest goes for a new one."""
    put(pair, versions, 1, 2)
    pair.say(newest=2)
    assert (pair.steps().loaded, pair.serving) == ((1, 2), {"shop": 2})
    put(pair, versions, 3)
    assert (pair.steps().loaded, pair.loaded, pair.serving) == ((2, 3), (2, 3), {"shop": 3})


def test_named_version_is_loaded(pair: Pair, versions: Versions) -> None:
    """So that it can be asked for by its number."""
    put(pair, versions, 1, 2, 3)
    pair.say(versions=[1])
    assert (pair.steps().loaded, pair.loaded, pair.targets) == ((1, 3), (1, 3), {"": 3})


def test_stable_stays_while_newer_versions_come(
    pair: Pair, versions: Versions, caplog: pytest.LogCaptureFixture
) -> None:
    """With "stable" a newer version is loaded and serves nobody who did not ask for it; no swap is counted."""
    put(pair, versions, 1)
    pair.say(labels={"stable": 1})
    pair.steps()
    caplog.set_level("INFO")
    put(pair, versions, 2)
    assert (pair.steps().loaded, pair.targets) == ((1, 2), {"": 1, "stable": 1})
    assert pair.registry.current.offers["shop"].route.default_label == "stable"
    assert pair.loader.status.models["shop"].serving == 1
    assert pair.measured.sample("audience_model_swaps_total", model="shop") == 0
    assert log_of(caplog, "version serves") == []
    assert [line["versions"] for line in log_of(caplog, "versions loaded")] == [[2]]


def test_promotion_is_a_swap(pair: Pair, versions: Versions, caplog: pytest.LogCaptureFixture) -> None:
    """Moving "stable" to a version that is loaded swaps without a load, and is counted and told as a swap."""
    put(pair, versions, 2, 3)
    pair.say(labels={"stable": 2, "canary": 3}, split=CANARY)
    pair.steps()
    caplog.set_level("INFO")
    pair.say(labels={"stable": 3})
    traffic = pair.steps()
    assert (traffic.loaded, pair.targets, pair.serving) == ((3,), {"": 3, "stable": 3}, {"shop": 3})
    assert [(line["version"], line["replaces"]) for line in log_of(caplog, "version serves")] == [(3, 2)]
    assert pair.measured.sample("audience_model_swaps_total", model="shop") == 1
    assert pair.measured.sample("audience_model_version", model="shop") == 3


def test_label_of_a_version_that_comes_later(pair: Pair, versions: Versions) -> None:
    """A label whose version is not there yet keeps the one it had, or is unknown, and moves once it is there."""
    put(pair, versions, 1, 2)
    pair.say(labels={"stable": 1, "canary": 3, "kept": 2})
    assert pair.steps().route.targets == {"": 1, "stable": 1, "kept": 2}
    pair.say(labels={"stable": 1, "canary": 3, "kept": 3})
    traffic = pair.steps()
    assert pair.targets == traffic.route.targets == {"": 1, "stable": 1, "kept": 2}
    assert traffic.is_settled
    put(pair, versions, 3)
    assert pair.steps().route.targets == {"": 1, "stable": 1, "canary": 3, "kept": 3}
    assert (pair.targets["canary"], pair.loaded) == (3, (1, 3))


def test_label_moved_back(pair: Pair, versions: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the version before is loaded for whatever reason, going back to it loads nothing."""
    put(pair, versions, 1, 2, 3)
    pair.say(labels={"stable": 2}, newest=2)
    pair.steps()
    pair.say(labels={"stable": 3}, newest=2)
    assert (pair.steps().loaded, pair.serving) == ((2, 3), {"shop": 3})
    seen = loads(monkeypatch)
    pair.say(labels={"stable": 2}, newest=2)
    assert (pair.step()["shop"].serving, pair.serving, seen) == (2, {"shop": 2}, [])


def test_route_alone_changes(
    pair: Pair, versions: Versions, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Shares and holdout take effect in one step without a load, and the log says so."""
    put(pair, versions, 2, 3)
    pair.say(labels={"stable": 2, "canary": 3})
    pair.steps()
    seen = loads(monkeypatch)
    caplog.set_level("INFO")
    pair.say(labels={"stable": 2, "canary": 3}, split=CANARY, holdout=Holdout(basis_points=100))
    pair.step()
    route = pair.registry.current.offers["shop"].route
    assert ([(share.label, share.basis_points) for share in route.split], route.holdout) == ([("canary", 500)], 100)
    assert pair.loader.status.traffic["shop"].is_settled
    assert (seen, len(log_of(caplog, "traffic changed"))) == ([], 1)
    assert log_of(caplog, "version serves") == []


def test_nobody_begins_with_another_version(pair: Pair, versions: Versions) -> None:
    """A server that starts serves nobody before it has every version that the policy names: none gets the newest."""
    put(pair, versions, 1, 2, 3)
    pair.say(labels={"stable": 1, "canary": 2})
    seen = set()
    pair.on_followed = lambda: seen.add(pair.targets[""])
    pair.steps()
    assert (seen, pair.ready_count) == ({1}, 1)


def test_models_have_their_own_policies(pair: Pair, versions: Versions) -> None:
    """A policy says nothing of another model."""
    put(pair, versions, 1, 2)
    versions.put(pair.root, 1, model="app")
    pair.say(labels={"stable": 1}, holdout=Holdout(basis_points=100))
    pair.steps()
    assert pair.serving == {"shop": 1, "app": 1}
    assert pair.registry.current.offers["app"].route == Route(
        {"": 1}, split_salt="app/split", holdout_salt="app/holdout"
    )
