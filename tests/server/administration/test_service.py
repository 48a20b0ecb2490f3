"""audience.v1.Models, over a follower that does what the test says."""

from dataclasses import replace
from typing import Any

import grpc
import pytest

from protos.audience.v1 import models_pb2
from protos.audience.v1.models_pb2 import VersionState
from protos.audience.v1.policy_pb2 import Policy, Shadow, Share
from server.administration.service import Models
from server.approval import Consent, Required
from server.overview import Status, Traffic
from server.repository import POLICY_FILE
from tests.server.administration.follower import AbortedError, Call, Following, traffic_of


def test_list(models: Models) -> None:
    """Each version says where it is, why not where it is refused, and how many visitors it scored."""
    reply = models.ListModels(models_pb2.ListModelsRequest(), Call())
    (state,) = reply.models
    assert [(one.version, one.state, one.reason, one.rows) for one in state.versions] == [
        (3, VersionState.STATE_REFUSED, "cut", 30),
        (2, VersionState.STATE_LOADED, "", 20),
        (1, VersionState.STATE_LOADED, "", 10),
    ]
    assert (state.model, dict(state.targets), reply.unreadable) == ("shop", {"": 2}, "")


def test_list_of_a_repository_that_cannot_be_read(models: Models, following: Following) -> None:
    """What is loaded is told all the same, and why there may be more."""
    following.status = replace(following.status, unreadable="gone")
    reply = models.ListModels(models_pb2.ListModelsRequest(model="shop"), Call())
    assert (reply.unreadable, len(reply.models)) == ("gone", 1)


@pytest.mark.parametrize(
    ("method", "request_", "policy"),
    [
        ("LoadVersion", models_pb2.VersionRequest(model="shop", version=1), Policy(versions=[1])),
        (
            "SetLabel",
            models_pb2.SetLabelRequest(model="shop", label="stable", version=1),
            Policy(labels={"stable": 1}, previous={"stable": 2}),
        ),
        ("SetHoldout", models_pb2.SetHoldoutRequest(model="shop", basis_points=5), {"holdout": {"basis_points": 5}}),
        ("RollBack", models_pb2.RollBackRequest(model="shop"), Policy(labels={"stable": 1}, previous={"stable": 2})),
    ],
)
def test_change_is_followed(models: Models, following: Following, method: str, request_: Any, policy: Any) -> None:
    """A change is in the repository, the reply comes once it was followed, and shows it."""
    wanted = policy if isinstance(policy, Policy) else Policy(**policy)
    reply = getattr(models, method)(request_, Call())
    assert (reply.is_followed, reply.model.policy, following.told()) == (True, wanted, wanted)


def test_the_way_of_a_canary(models: Models, following: Following) -> None:
    """Label, split, shadow, promote, roll back, and everything taken away again."""
    for reply in (
        models.SetLabel(models_pb2.SetLabelRequest(model="shop", label="stable", version=1), Call()),
        models.SetLabel(models_pb2.SetLabelRequest(model="shop", label="canary", version=2), Call()),
        models.SetSplit(
            models_pb2.SetSplitRequest(model="shop", split=[Share(label="canary", basis_points=500)]), Call()
        ),
        models.SetShadow(
            models_pb2.SetShadowRequest(model="shop", shadow=Shadow(label="canary", basis_points=1)), Call()
        ),
        models.Promote(models_pb2.PromoteRequest(model="shop", label="canary"), Call()),
    ):
        assert reply.is_followed
    assert (dict(following.told().labels), list(following.told().split)) == ({"stable": 2, "canary": 2}, [])
    models.RollBack(models_pb2.RollBackRequest(model="shop"), Call())
    assert following.told().labels["stable"] == 1
    models.SetShadow(models_pb2.SetShadowRequest(model="shop"), Call())
    reply = models.RemoveLabel(models_pb2.RemoveLabelRequest(model="shop", label="canary"), Call())
    assert reply.model.policy == Policy(labels={"stable": 1}, previous={"stable": 2})


NOT_FOUND, NOT_NOW = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION
WRONG = grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("method", "request_", "code", "words"),
    [
        (
            "ListModels",
            models_pb2.ListModelsRequest(model="app"),
            NOT_FOUND,
            "there is no model 'app'; in the repository there is shop",
        ),
        ("LoadVersion", models_pb2.VersionRequest(model="app", version=1), NOT_FOUND, "there is no model 'app'"),
        ("LoadVersion", models_pb2.VersionRequest(version=1), NOT_FOUND, "there is no model ''"),
        (
            "LoadVersion",
            models_pb2.VersionRequest(model="shop", version=9),
            NOT_FOUND,
            "model 'shop' has no version 9; in the repository there is 1, 2, 3",
        ),
        (
            "LoadVersion",
            models_pb2.VersionRequest(model="shop", version=3),
            NOT_NOW,
            "version 3 of model 'shop' is refused: cut",
        ),
        ("UnloadVersion", models_pb2.VersionRequest(model="shop", version=2), NOT_NOW, "as one of the newest"),
        ("UnloadVersion", models_pb2.VersionRequest(model="shop", version=9), NOT_NOW, "it is not loaded"),
        ("SetLabel", models_pb2.SetLabelRequest(model="shop", label="A", version=1), WRONG, "the label 'A' must be"),
        ("SetLabel", models_pb2.SetLabelRequest(model="shop", label="a", version=3), NOT_NOW, "is refused: cut"),
        ("SetLabel", models_pb2.SetLabelRequest(model="shop", label="a"), NOT_FOUND, "has no version 0"),
        ("RemoveLabel", models_pb2.RemoveLabelRequest(model="shop", label="a"), NOT_FOUND, "there is no label 'a'"),
        (
            "SetSplit",
            models_pb2.SetSplitRequest(model="shop", split=[Share(label="a", basis_points=1)]),
            WRONG,
            "the split names the label 'a'; the policy's labels are none",
        ),
        (
            "SetShadow",
            models_pb2.SetShadowRequest(model="shop", shadow=Shadow(label="a", basis_points=1)),
            WRONG,
            "the shadow names the label 'a'",
        ),
        (
            "SetHoldout",
            models_pb2.SetHoldoutRequest(model="shop", basis_points=10_001),
            WRONG,
            "the holdout has a share of 10001 basis points; needed is 1 to 10,000",
        ),
        ("Promote", models_pb2.PromoteRequest(model="shop", label="a"), NOT_FOUND, "there is no label 'a'"),
        ("RollBack", models_pb2.RollBackRequest(model="shop", label="a"), NOT_NOW, "there is no way back"),
    ],
)
def test_what_is_refused(  # noqa: PLR0913, PLR0917  # fixtures and the case
    models: Models,
    following: Following,
    method: str,
    request_: Any,
    code: grpc.StatusCode,
    words: str,
) -> None:
    """A request that is wrong, or not possible, changes nothing, and the reason says what would be."""
    with pytest.raises(AbortedError) as caught:
        getattr(models, method)(request_, Call())
    assert (caught.value.code, words in str(caught.value)) == (code, True), str(caught.value)
    assert not (following.root / "shop" / POLICY_FILE).exists()


@pytest.mark.parametrize("method", ["Promote", "RollBack"])
def test_no_label_moves_to_a_version_that_cannot_serve(models: Models, following: Following, method: str) -> None:
    """A version that was refused, or is gone, since it got its label becomes nobody's by promotion or rolling back."""
    path = following.root / "shop" / POLICY_FILE
    text = '{"labels": {"canary": "3", "stable": "2"}, "previous": {"canary": "9", "stable": "9"}}'
    path.write_text(text)
    following.look_soon()
    request = (
        models_pb2.PromoteRequest(model="shop", label="canary")
        if method == "Promote"
        else models_pb2.RollBackRequest(model="shop", label="canary")
    )
    with pytest.raises(AbortedError, match=r"version 3 of model 'shop' is refused: cut|has no version 9"):
        getattr(models, method)(request, Call())
    assert path.read_text() == text


def test_version_that_was_published_just_now(models: Models, following: Following) -> None:
    """What is not known yet is looked for before it is refused: publishing and labelling may follow each other."""
    following.status = replace(
        following.status, models={"shop": replace(following.status.models["shop"], found=(1,))}, looks=7
    )
    following.status = replace(following.status, traffic={"shop": traffic_with(loaded=(1,))})
    reply = models.SetLabel(models_pb2.SetLabelRequest(model="shop", label="canary", version=2), Call())
    assert (reply.is_followed, dict(reply.model.policy.labels)) == (True, {"canary": 2})


REQUIRED = Required(model="shop", version=2, sums_sha256="ab", labels=("stable",), people=("Ada Lovelace",))
LACKING = Consent(REQUIRED, lack=REQUIRED.lack([]))
SAID = (
    "version 2 of model 'shop' takes the label 'stable' only when Ada Lovelace approved it; nobody has; to approve it: "
    "python -m training approve --repository DIR --model shop --version 2 --by 'Ada Lovelace'"
)


def unapproved(traffic: Traffic) -> Traffic:
    """Where version 2 may not be stable, and version 1 is what serves."""
    route = replace(traffic.route, targets={**traffic.route.targets, "": 1})
    return replace(traffic, unapproved={2: LACKING}, route=route)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("SetLabel", models_pb2.SetLabelRequest(model="shop", label="stable", version=2)),
        ("Promote", models_pb2.PromoteRequest(model="shop", label="canary")),
        ("RollBack", models_pb2.RollBackRequest(model="shop")),
    ],
)
def test_label_that_needs_an_approval(models: Models, following: Following, method: str, request_: Any) -> None:
    """By whatever way a label would come to a version that nobody approved, it is said who may, and how."""
    path = following.root / "shop" / POLICY_FILE
    path.write_text('{"labels": {"canary": "2", "stable": "1"}, "previous": {"stable": "2"}}')
    text = path.read_text()
    following.on_look = unapproved
    following.look_soon()
    with pytest.raises(AbortedError) as caught:
        getattr(models, method)(request_, Call())
    assert (caught.value.code, str(caught.value)) == (NOT_NOW, SAID)
    assert path.read_text() == text


def test_label_that_needs_none(models: Models, following: Following) -> None:
    """Another label than those that the approval is for is given as ever; the state says what the version waits for."""
    following.on_look = unapproved
    following.look_soon()
    reply = models.SetLabel(models_pb2.SetLabelRequest(model="shop", label="canary", version=2), Call())
    assert (reply.is_followed, dict(reply.model.policy.labels)) == (True, {"canary": 2})
    assert {one.version: one.unapproved for one in reply.model.versions} == {1: "", 2: LACKING.lack, 3: ""}
    reply = models.SetLabel(models_pb2.SetLabelRequest(model="shop", label="stable", version=1), Call())
    assert reply.is_followed


def test_version_that_was_approved_just_now(models: Models, following: Following) -> None:
    """It looks again before it refuses: approving and labelling may follow each other."""
    following.status = replace(following.status, traffic={"shop": traffic_with(unapproved={2: LACKING})}, looks=7)
    reply = models.SetLabel(models_pb2.SetLabelRequest(model="shop", label="stable", version=2), Call())
    assert (reply.is_followed, dict(reply.model.policy.labels)) == (True, {"stable": 2})


def test_going_back_passes_over_what_nobody_approved(models: Models, following: Following) -> None:
    """Where nobody ever gave "stable" to anything, it goes to the newest version before that may have it."""
    following.found = (1, 2, 4)

    def serving(traffic: Traffic) -> Traffic:
        targets = {"": 4, **traffic.policy.labels}
        return replace(traffic, unapproved={2: LACKING}, loaded=(1, 4), route=replace(traffic.route, targets=targets))

    following.on_look = serving
    following.look_soon()
    models.RollBack(models_pb2.RollBackRequest(model="shop"), Call())
    assert following.told().labels["stable"] == 1


def traffic_with(**words: Any) -> Traffic:
    """What is told without a policy, but for these."""
    return replace(traffic_of(Policy()), **words)


def test_before_the_first_look(models: Models, following: Following) -> None:
    """A control process that has just begun says so, and not that there are no models."""
    following.status = Status()
    for method, request in (
        ("ListModels", models_pb2.ListModelsRequest()),
        ("SetHoldout", models_pb2.SetHoldoutRequest(model="shop")),
    ):
        with pytest.raises(AbortedError, match="has not looked at the repository yet; try again") as caught:
            getattr(models, method)(request, Call())
        assert caught.value.code == grpc.StatusCode.UNAVAILABLE
