"""A change waits until the workers have followed, and not longer than somebody listens."""

from dataclasses import replace

import pytest

from protos.audience.v1 import models_pb2
from protos.audience.v1.policy_pb2 import Policy
from server.administration import changes
from server.administration.policies import LocalPolicies
from server.administration.service import Models
from server.overview import Traffic
from server.repository import POLICY_FILE
from server.traffic import Route
from tests.server.administration.follower import Call, Following, traffic_of


@pytest.mark.parametrize(("left_s", "until_s"), [(20.0, 19.5), (None, 59.5), (1000.0, 59.5), (0.1, 0.0)])
def test_workers_that_stay_behind(models: Models, following: Following, left_s: float | None, until_s: float) -> None:
    """It gives up while the caller still listens, says that not all have followed, and who has not."""
    following.on_look = lambda traffic: replace(traffic, is_settled=False, behind={1: "not tried yet"})
    following.look_soon()
    reply = models.SetHoldout(models_pb2.SetHoldoutRequest(model="shop", basis_points=5), Call(left_s))
    assert (reply.is_followed, dict(reply.model.behind)) == (False, {1: "not tried yet"})
    assert following.now_s == pytest.approx(until_s, abs=0.021)
    assert following.told().holdout.basis_points == 5


def test_worker_that_cannot(models: Models, following: Following) -> None:
    """Once every worker has tried there is nothing to wait for, also when one could not."""
    following.on_look = lambda traffic: replace(traffic, behind={0: "no room"})
    reply = models.SetHoldout(models_pb2.SetHoldoutRequest(model="shop", basis_points=5), Call())
    assert (reply.is_followed, dict(reply.model.behind)) == (False, {0: "no room"})
    assert following.now_s < 1


def test_version_that_no_worker_could_load(models: Models, following: Following) -> None:
    """A label that is not where it should be has not been followed, although every worker does as it was told."""
    following.on_look = lambda traffic: replace(traffic, route=Route({"": 2}))
    reply = models.SetLabel(models_pb2.SetLabelRequest(model="shop", label="canary", version=1), Call())
    assert not reply.is_followed
    assert following.now_s < 1


def test_somebody_else_changes_it_meanwhile(models: Models, following: Following) -> None:
    """Then it is theirs that is waited for, and not one that nobody will follow any longer."""
    others = LocalPolicies(following.root)

    def look(traffic: Traffic) -> Traffic:
        if traffic.policy.holdout.basis_points == 5:
            return traffic_of(others.change("shop", changes.set_holdout(7)))
        return traffic

    following.on_look = look
    reply = models.SetHoldout(models_pb2.SetHoldoutRequest(model="shop", basis_points=5), Call())
    assert (reply.is_followed, reply.model.policy.holdout.basis_points) == (True, 7)
    assert following.now_s < 1


def test_policy_that_is_spoilt_meanwhile(models: Models, following: Following) -> None:
    """A change after which somebody wrote garbage has not been followed; the reply says what is wrong."""
    following.on_look = lambda traffic: replace(traffic, policy=Policy(), bad_policy="garbage")
    reply = models.SetHoldout(models_pb2.SetHoldoutRequest(model="shop", basis_points=5), Call())
    assert (reply.is_followed, reply.model.bad_policy) == (False, "garbage")
    assert following.now_s < 1


def test_model_that_goes_meanwhile(models: Models, following: Following, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is taken away while its change is waited for is told as one of which nothing is there."""
    monkeypatch.setattr(following, "look_soon", following.forget)
    following.on_look = lambda traffic: replace(traffic, is_settled=False)
    reply = models.SetHoldout(models_pb2.SetHoldoutRequest(model="shop", basis_points=5), Call())
    assert (reply.is_followed, reply.model) == (False, models_pb2.ModelState(model="shop"))


def test_model_that_is_unloaded(models: Models, following: Following) -> None:
    """Of a model that is not to be loaded, labels are followed once nothing is."""
    (following.root / "shop" / POLICY_FILE).write_text('{"unloaded": true}')
    request = models_pb2.SetLabelRequest(model="shop", label="canary", version=1)
    assert not models.SetLabel(request, Call()).is_followed
    following.on_look = lambda traffic: replace(traffic, loaded=(), route=Route())
    request.label = "next"
    assert models.SetLabel(request, Call()).is_followed
