"""Labels of versions that cannot be loaded, or were taken away."""

import shutil
from dataclasses import replace

import pytest

from server import follower
from server.bundle import SUMS_FILE, Description
from server.errors import BadBundle
from server.heads import FloatMatrix
from server.model import Model, build_model
from server.rollout import States
from server.wish import Serving
from tests.server.conftest import Versions
from tests.server.loader.pair import Pair, break_model, put


def fail_to_build(monkeypatch: pytest.MonkeyPatch, *versions: int) -> None:
    """Lets no worker load these versions."""

    def build(description: Description, graph: bytes, rows: FloatMatrix, *, largest_batch: int) -> Model:
        if description.manifest.version in versions:
            raise BadBundle("no memory left")
        return build_model(description, graph, rows, largest_batch=largest_batch)

    monkeypatch.setattr(follower, "build_model", build)


def test_label_of_a_version_that_is_being_copied(pair: Pair, versions: Versions) -> None:
    """It moves only once the version is complete."""
    put(pair, versions, 1)
    pair.say(labels={"stable": 1})
    pair.steps()
    folder = versions.put(pair.root, 2)
    sums = (folder / SUMS_FILE).read_bytes()
    (folder / SUMS_FILE).unlink()
    pair.say(labels={"stable": 2})
    assert (pair.steps().route.default, pair.serving) == (1, {"shop": 1})
    (folder / SUMS_FILE).write_bytes(sums)
    assert (pair.steps().route.default, pair.serving) == (2, {"shop": 2})


def test_damaged_version_with_a_label(pair: Pair, versions: Versions) -> None:
    """It is refused, and the label stays where it was."""
    put(pair, versions, 1, 2)
    pair.say(labels={"stable": 1, "canary": 2})
    pair.steps()
    break_model(versions.put(pair.root, 3))
    pair.say(labels={"stable": 1, "canary": 3})
    assert (pair.steps().route.targets, pair.targets) == ({"": 1, "stable": 1, "canary": 2},) * 2
    assert list(pair.loader.status.models["shop"].refused) == [3]


def test_label_of_a_version_that_no_worker_can_load(
    pair: Pair, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version is refused, and the label stays where it was, for control and for the workers."""
    put(pair, versions, 1, 2)
    pair.say(labels={"stable": 1, "canary": 2})
    pair.steps()
    fail_to_build(monkeypatch, 3)
    put(pair, versions, 3)
    pair.say(labels={"stable": 1, "canary": 3})
    traffic = pair.steps()
    assert pair.loader.status.models["shop"].refused == {3: "no memory left"}
    assert (pair.targets, traffic.route.targets) == ({"": 1, "stable": 1, "canary": 2},) * 2
    assert (traffic.loaded, traffic.is_settled, traffic.behind) == ((1, 2), True, {})


def test_stable_that_no_worker_can_load(pair: Pair, versions: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody keeps the stable version that they had, not the newest."""
    put(pair, versions, 1, 3)
    pair.say(labels={"stable": 1})
    pair.steps()
    fail_to_build(monkeypatch, 2)
    put(pair, versions, 2)
    pair.say(labels={"stable": 2})
    traffic = pair.steps()
    assert (pair.targets, traffic.route.targets) == ({"": 1, "stable": 1},) * 2
    assert (pair.loader.status.models["shop"].serving, traffic.is_settled) == (1, True)


def test_one_worker_that_cannot_load(pair: Pair, versions: Versions) -> None:
    """Where others have the label's version it moves; the worker that cannot is shown with its reason."""
    put(pair, versions, 1, 2)
    pair.say(labels={"stable": 1, "canary": 2})
    pair.steps()
    works = pair.states
    put(pair, versions, 3)
    pair.say(labels={"stable": 1, "canary": 3})
    kept = {"shop": Serving((1, 2), {"": 1, "stable": 1, "canary": 2})}

    def other() -> States:
        (state,) = works()
        return (replace(state, serving=kept, refused={"shop/3": "no memory left"}),)

    pair.others = other
    traffic = pair.steps()
    assert (traffic.route.targets["canary"], traffic.is_settled) == (3, True)
    assert traffic.behind == {1: "no memory left"}


def test_version_with_a_label_that_is_taken_away(pair: Pair, versions: Versions) -> None:
    """It serves on while it has the label."""
    put(pair, versions, 1, 2)
    pair.say(labels={"stable": 1})
    pair.steps()
    shutil.rmtree(pair.root / "shop" / "1")
    assert (pair.steps().loaded, pair.targets) == ((1, 2), {"": 1, "stable": 1})
