"""Versions that ask for an approval: they take no label before it, and what has a label keeps it."""

import shutil
from pathlib import Path

import pytest

from protos.audience.v1.policy_pb2 import Share
from tests.server.approving import approval, approve, ask
from tests.server.conftest import Versions
from tests.server.loader.pair import Pair, log_of, put


def test_newest_waits(pair: Pair, versions: Versions, caplog: pytest.LogCaptureFixture) -> None:
    """Without an approval the newest version is not even loaded, and the state says why; with it, it serves."""
    put(pair, versions, 1)
    pair.steps()
    caplog.set_level("INFO")
    folder = ask(versions.put(pair.root, 2))
    traffic = pair.steps()
    assert (pair.serving, pair.loaded, traffic.is_settled) == ({"shop": 1}, (1,), True)
    reason = "takes no label before Ada Lovelace approved it; nobody has"
    assert {version: one.lack for version, one in traffic.unapproved.items()} == {2: reason}
    assert pair.loader.status.models["shop"].unapproved == {2: reason}
    assert [line["reason"] for line in log_of(caplog, "version waits for approval")] == [f"it {reason}"]
    approve(folder, approval(folder, "Mallory"))
    pair.steps()
    assert pair.serving == {"shop": 1}
    approve(folder)
    assert pair.steps().unapproved == {}
    assert (pair.serving, pair.loaded) == ({"shop": 2}, (2,))
    assert [line["by"] for line in log_of(caplog, "version approved")] == ["Ada Lovelace"]


def test_newest_for_other_labels(pair: Pair, versions: Versions) -> None:
    """What needs an approval for "canary" alone serves those who ask for none."""
    put(pair, versions, 1)
    ask(versions.put(pair.root, 2), "canary")
    pair.steps()
    assert pair.serving == {"shop": 2}


def test_first_version_waits(pair: Pair, versions: Versions) -> None:
    """A model without an approved version is awaited, whatever other labels say, and begins with the first approval."""
    folder = ask(versions.put(pair.root, 2), "stable")
    pair.say(labels={"canary": 2})
    traffic = pair.steps()
    assert (pair.serving, pair.ready_count, traffic.loaded) == ({}, 0, ())
    assert pair.registry.current.awaited == {"shop"}
    approve(folder)
    assert pair.steps().route.targets == {"": 2, "canary": 2}
    assert (pair.serving, pair.ready_count) == ({"shop": 2}, 1)


def test_label_by_hand(pair: Pair, versions: Versions) -> None:
    """A label that a policy gives to a version that nobody approved stays where it was until somebody does."""
    put(pair, versions, 1)
    pair.say(labels={"stable": 1})
    pair.steps()
    folder = ask(versions.put(pair.root, 2), "stable")
    pair.say(labels={"stable": 2, "canary": 2})
    traffic = pair.steps()
    assert (pair.targets, pair.loaded) == ({"": 1, "stable": 1, "canary": 2}, (1, 2))
    assert (traffic.is_settled, list(traffic.unapproved)) == (True, [2])
    approve(folder)
    pair.steps()
    assert pair.targets == {"": 2, "stable": 2, "canary": 2}


def test_label_by_hand_at_the_start(pair: Pair, versions: Versions) -> None:
    """A server that starts with such a policy serves the newest approved version; so for what was before."""
    put(pair, versions, 1)
    ask(versions.put(pair.root, 2))
    pair.say(labels={"stable": 2, "canary": 2}, previous={"stable": 2}, split=[Share(label="canary", basis_points=5)])
    pair.steps()
    assert (pair.targets, pair.serving) == ({"": 1}, {"shop": 1})
    assert pair.registry.current.offers["shop"].route.default_label == ""


def test_approval_that_is_withdrawn(pair: Pair, versions: Versions) -> None:
    """Nobody is moved by it: what has a label keeps it, also when control starts again; it can be moved away."""
    put(pair, versions, 1)
    folder = ask(versions.put(pair.root, 2))
    path = approve(folder)
    pair.say(labels={"stable": 2})
    pair.steps()
    path.unlink()
    traffic = pair.steps()
    assert (pair.targets, list(traffic.unapproved)) == ({"": 2, "stable": 2}, [2])
    pair.restart_control()
    pair.steps()
    assert pair.targets == {"": 2, "stable": 2}
    pair.say(labels={"stable": 1})
    pair.steps()
    assert pair.targets == {"": 1, "stable": 1}
    pair.say(labels={"stable": 2})
    pair.steps()
    assert pair.targets == {"": 1, "stable": 1}


def test_newest_whose_approval_is_withdrawn(pair: Pair, versions: Versions) -> None:
    """It serves on while nothing else is said."""
    put(pair, versions, 1)
    path = approve(ask(versions.put(pair.root, 2)))
    pair.steps()
    path.unlink()
    pair.steps()
    assert pair.serving == {"shop": 2}
    shutil.rmtree(pair.root / "shop" / "2")
    pair.steps()
    assert pair.serving == {"shop": 1}


def test_approved_version_goes(pair: Pair, versions: Versions) -> None:
    """When the files of what serves are taken away, a version that nobody approved does not take its place."""
    put(pair, versions, 1)
    ask(versions.put(pair.root, 2), "stable")
    pair.say(labels={"canary": 2})
    pair.steps()
    assert pair.targets == {"": 1, "canary": 2}
    shutil.rmtree(pair.root / "shop" / "1")
    pair.steps()
    assert pair.targets == {"": 1, "canary": 2}


def test_worker_without_the_approved_version(pair: Pair, versions: Versions) -> None:
    """A worker that cannot load what serves does not answer with what nobody approved instead."""
    put(pair, versions, 1)
    ask(versions.put(pair.root, 2), "stable")
    pair.say(labels={"canary": 2})
    pair.is_idle = True
    pair.loader.step()
    pair.loader.step()
    (graph,) = pair.runtime.folder.glob("shop-1-*.onnx")
    graph.unlink()
    pair.worker.step()
    assert pair.worker.refused.keys() == {"shop/1"}
    assert (pair.serving, pair.worker.is_ready) == ({}, False)
    assert pair.registry.current.awaited == {"shop"}


def test_files_that_changed_since(pair: Pair, versions: Versions) -> None:
    """An approval of what lies in the folder now is none of what was loaded from it before."""
    put(pair, versions, 1)
    folder = ask(versions.put(pair.root, 2), "stable")
    pair.say(labels={"canary": 2, "stable": 1})
    pair.steps()
    ask(folder, "stable", people=("Mallory",))
    approve(folder, approval(folder, "Mallory"))
    pair.say(labels={"canary": 2, "stable": 2})
    traffic = pair.steps()
    assert pair.targets == {"": 1, "canary": 2, "stable": 1}
    assert "that of Mallory does not count: it is of other files" in traffic.unapproved[2].lack


def test_control_starts_again_without_the_files(pair: Pair, versions: Versions) -> None:
    """What a version asks for is known of what the workers have, also when its folder is gone."""
    put(pair, versions, 1)
    folder = ask(versions.put(pair.root, 2), "stable")
    pair.say(labels={"canary": 2, "stable": 1})
    pair.steps()
    shutil.rmtree(folder)
    pair.restart_control()
    pair.say(labels={"canary": 2, "stable": 2})
    pair.steps()
    assert pair.targets == {"": 1, "canary": 2, "stable": 1}


def test_label_that_no_version_can_have(pair: Pair, versions: Versions) -> None:
    """A version that asks for an approval of nothing is refused, since its maker meant something else."""
    put(pair, versions, 1)
    ask(versions.put(pair.root, 2), "Stable")
    pair.steps()
    assert pair.serving == {"shop": 1}
    assert "an approval is asked for the label 'Stable'" in pair.loader.status.models["shop"].refused[2]


def test_later_model_with_several_versions(pair: Pair, versions: Versions) -> None:
    """What is verified and not told yet is still there when it is: one version is verified at each look."""
    versions.put(pair.root, 1, model="app")
    pair.step()
    assert pair.serving == {"app": 1}
    put(pair, versions, 1, 2)
    pair.say(labels={"stable": 1, "canary": 2})
    traffic = pair.steps()
    assert (traffic.loaded, pair.loader.status.models["shop"].refused) == ((1, 2), {})
    assert pair.serving == {"app": 1, "shop": 1}


def test_folder_of_approvals_is_no_version(pair: Pair, versions: Versions, tmp_path: Path) -> None:
    """Approvals of versions that ask for none change nothing, nor does a file in their folder's place."""
    folder = versions.put(pair.root, 1)
    approve(folder)
    assert pair.steps().unapproved == {}
    shutil.rmtree(pair.root / "shop" / "approvals")
    (pair.root / "shop" / "approvals").write_text("")
    ask(versions.put(pair.root, 2))
    pair.steps()
    assert pair.serving == {"shop": 1}
