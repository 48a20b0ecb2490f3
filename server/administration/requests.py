"""What each command that changes something asks of the server."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any, Final

from protos.audience.v1 import models_pb2, policy_pb2


def _version(wanted: Namespace) -> models_pb2.VersionRequest:
    return models_pb2.VersionRequest(model=wanted.model, version=wanted.version)


def _label(wanted: Namespace) -> models_pb2.SetLabelRequest:
    return models_pb2.SetLabelRequest(model=wanted.model, label=wanted.label, version=wanted.version)


def _unlabel(wanted: Namespace) -> models_pb2.RemoveLabelRequest:
    return models_pb2.RemoveLabelRequest(model=wanted.model, label=wanted.label)


def _split(wanted: Namespace) -> models_pb2.SetSplitRequest:
    split = [policy_pb2.Share(label=label, basis_points=points) for label, points in wanted.shares]
    return models_pb2.SetSplitRequest(model=wanted.model, split=split, salt=wanted.salt)


def _shadow(wanted: Namespace) -> models_pb2.SetShadowRequest:
    request = models_pb2.SetShadowRequest(model=wanted.model)
    if wanted.share is not None:
        label, points = wanted.share
        request.shadow.CopyFrom(policy_pb2.Shadow(label=label, basis_points=points))
    return request


def _holdout(wanted: Namespace) -> models_pb2.SetHoldoutRequest:
    return models_pb2.SetHoldoutRequest(model=wanted.model, basis_points=wanted.points)


def _promote(wanted: Namespace) -> models_pb2.PromoteRequest:
    return models_pb2.PromoteRequest(model=wanted.model, label=wanted.label)


def _roll_back(wanted: Namespace) -> models_pb2.RollBackRequest:
    return models_pb2.RollBackRequest(model=wanted.model, label=wanted.label or "")


# By the command: the method of audience.v1.Models, and what makes its request.
CHANGES: Final[Mapping[str, tuple[str, Callable[[Namespace], Any]]]] = {
    "load": ("LoadVersion", _version),
    "unload": ("UnloadVersion", _version),
    "label": ("SetLabel", _label),
    "unlabel": ("RemoveLabel", _unlabel),
    "split": ("SetSplit", _split),
    "shadow": ("SetShadow", _shadow),
    "holdout": ("SetHoldout", _holdout),
    "promote": ("Promote", _promote),
    "rollback": ("RollBack", _roll_back),
}
