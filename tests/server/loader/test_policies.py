"""The policy's file comes, changes, is spoilt and goes."""

import shutil

import pytest

from protos.audience.v1.policy_pb2 import Holdout
from server.repository import POLICY_FILE
from tests.server.conftest import Versions
from tests.server.loader.pair import Pair, log_of

LABELS = {"stable": 1, "canary": 2}
TOLD = {"": 1, **LABELS}


@pytest.fixture
def labelled(pair: Pair, versions: Versions) -> Pair:
    """Versions 1 and 2, with labels that are followed."""
    versions.put(pair.root, 1)
    versions.put(pair.root, 2)
    pair.say(labels=LABELS, holdout=Holdout(basis_points=100))
    pair.steps()
    assert pair.targets == TOLD
    return pair


@pytest.mark.parametrize("text", ["garbage", "", "[]", '{"labels": {"stable": 0}}', "{" * 100_000])
def test_garbage(labelled: Pair, caplog: pytest.LogCaptureFixture, text: str) -> None:
    """What is no policy changes nothing; the status says what is wrong, and the log says it once."""
    before = labelled.registry.current
    (labelled.root / "shop" / POLICY_FILE).write_text(text)
    traffic = labelled.steps()
    assert traffic.bad_policy
    assert traffic.policy.labels == LABELS
    assert (traffic.route.targets, traffic.is_settled) == (TOLD, True)
    assert labelled.registry.current is before
    (line,) = log_of(caplog, "policy refused; the one before stays")
    assert (line["model"], line["reason"]) == ("shop", traffic.bad_policy)


def test_garbage_is_replaced(labelled: Pair, caplog: pytest.LogCaptureFixture) -> None:
    """Other garbage is told again; a policy that is one is followed, and nothing is wrong any longer."""
    path = labelled.root / "shop" / POLICY_FILE
    for text in ("garbage", '{"lables": {}}'):
        path.write_text(text)
        labelled.steps()
    assert len(log_of(caplog, "policy refused; the one before stays")) == 2
    labelled.say(labels={"stable": 2})
    traffic = labelled.steps()
    assert (traffic.bad_policy, traffic.route.targets, labelled.targets) == (
        None,
        {"": 2, "stable": 2},
        {"": 2, "stable": 2},
    )


def test_garbage_while_control_is_started_again(labelled: Pair) -> None:
    """A control process that never read a policy goes on with what the workers were told."""
    (labelled.root / "shop" / POLICY_FILE).write_text("garbage")
    labelled.steps()
    labelled.restart_control()
    traffic = labelled.steps()
    assert traffic.bad_policy
    assert (traffic.route.targets, labelled.targets, labelled.loaded) == (TOLD, TOLD, (1, 2))
    assert labelled.registry.current.offers["shop"].route.holdout == 100


def test_policy_that_is_taken_away(labelled: Pair) -> None:
    """Without the file the newest version serves everybody, and nothing else is loaded."""
    (labelled.root / "shop" / POLICY_FILE).unlink()
    traffic = labelled.steps()
    assert (traffic.loaded, labelled.loaded, labelled.targets) == ((2,), (2,), {"": 2})
    assert not labelled.registry.current.offers["shop"].route.holdout


def test_policy_that_goes_with_its_model(labelled: Pair) -> None:
    """When the model's whole folder is taken away, what serves serves on, and to the same callers."""
    before = labelled.registry.current
    shutil.rmtree(labelled.root / "shop")
    traffic = labelled.steps()
    assert (traffic.loaded, traffic.route.targets, labelled.targets) == ((1, 2), TOLD, TOLD)
    assert labelled.registry.current is before


def test_control_that_is_started_again(labelled: Pair, caplog: pytest.LogCaptureFixture) -> None:
    """It goes on from labels and shares: nothing is loaded, told or counted again."""
    before, swaps = labelled.registry.current, labelled.measured.sample("audience_model_swaps_total", model="shop")
    caplog.set_level("INFO")
    labelled.restart_control()
    traffic = labelled.steps()
    assert labelled.registry.current is before
    assert (traffic.route.targets, traffic.loaded, traffic.is_settled) == (TOLD, (1, 2), True)
    assert labelled.measured.sample("audience_model_swaps_total", model="shop") == swaps
    assert [record.getMessage() for record in caplog.records] == []


def test_control_that_is_started_again_in_the_middle(labelled: Pair, versions: Versions) -> None:
    """A label that was on its way when control ended arrives."""
    versions.put(labelled.root, 3)
    labelled.say(labels={"stable": 3})
    labelled.is_idle = True
    labelled.loader.step()
    labelled.restart_control()
    labelled.loader.settle()
    assert not labelled.loader.status.traffic["shop"].is_settled
    labelled.is_idle = False
    traffic = labelled.steps()
    assert (traffic.route.targets, labelled.targets) == ({"": 3, "stable": 3},) * 2
    assert (traffic.loaded, traffic.is_settled) == ((3,), True)
    assert labelled.loader.status.models["shop"].serving == 3


def test_policy_is_followed_once_every_worker_has_it(labelled: Pair) -> None:
    """Until then the status says that it is not, and who is behind."""
    labelled.say(labels={"stable": 2})
    labelled.is_idle = True
    labelled.loader.step()
    labelled.loader.settle()
    traffic = labelled.loader.status.traffic["shop"]
    assert (traffic.route.targets, traffic.is_settled) == ({"": 2, "stable": 2}, False)
    assert traffic.behind == {0: "not tried yet"}
    labelled.is_idle = False
    traffic = labelled.steps()
    assert (traffic.is_settled, traffic.behind) == (True, {})
