"""Versions come and go."""

import shutil

import numpy as np
import pytest

from server import follower, loader
from server.bundle import SUMS_FILE, Description
from server.errors import NoModelReady, UnknownModel
from server.handover import Handover
from server.heads import FloatMatrix
from server.model import Model, build_model
from server.overview import ModelStatus
from server.repository import look
from tests.server.conftest import Versions
from tests.server.loader.pair import Pair, break_model, put


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


def begin_with_two(pair: Pair, versions: Versions) -> None:
    """Version 1 serves, and the worker was told of 3, which it does not come to try. The policy wants 2 besides."""
    put(pair, versions, 1)
    pair.steps()
    put(pair, versions, 2, 3)
    pair.say(versions=[2])
    pair.loader.step()  # the worker learns their schemas, and is told of 3
    pair.is_idle = True
    pair.loader.step()
    assert [wished.version for wished in Handover(pair.runtime).wish.models] == [1, 3]


def test_one_version_at_a_time(pair: Pair, versions: Versions) -> None:
    """While workers try a version none is begun with: else one published every moment would keep all from serving."""
    begin_with_two(pair, versions)
    pair.is_idle = False
    pair.steps()
    assert (pair.serving, pair.loaded) == ({"shop": 3}, (2, 3))


def test_worker_that_never_tries_a_version(pair: Pair, versions: Versions) -> None:
    """It holds up the next one for half a minute, not for ever."""
    begin_with_two(pair, versions)
    pair.now_s += 30.0
    pair.loader.step()
    assert [wished.version for wished in Handover(pair.runtime).wish.models] == [1, 2, 3]


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

    def build(description: Description, graph: bytes, rows: FloatMatrix, *, largest_batch: int) -> Model:
        seen.append(pair.registry.current)
        return build_model(description, graph, rows, largest_batch=largest_batch)

    monkeypatch.setattr(follower, "build_model", build)
    pair.step()
    first, second = seen
    assert first.awaited == {"shop", "app"}
    assert second.awaited | second.served.keys() == {"shop", "app"}
    assert pair.registry.current.awaited == frozenset()


def test_loaded_model_scores(pair: Pair, versions: Versions) -> None:
    """What serves takes what its reader reads."""
    versions.put(pair.root, 2)
    pair.step()
    served = pair.registry.current.find("", None)
    nobody = served.reader.read(b"")
    scores = served.score([nobody] * 2).matrix
    assert scores.shape == (2, 9)
    assert np.isfinite(scores).all()


def test_what_looks_the_same_is_not_looked_into(
    pair: Pair, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only once nothing is left to do; a look that sees another policy, or other workers, goes on as ever."""
    put(pair, versions, 1, 2)
    pair.steps()
    seen = look(pair.root)
    looks = pair.loader.status.looks
    pair.say(labels={"stable": 1})
    with monkeypatch.context() as unchanged:
        unchanged.setattr(loader, "look", lambda _root: seen)
        pair.steps()
    assert (pair.serving, pair.loader.status.looks) == ({"shop": 2}, looks + 4)
    pair.steps()
    assert pair.serving == {"shop": 1}
