"""What is told of models."""

from collections.abc import Callable

from protos.audience.v1 import models_pb2
from server.overview import ModelStatus, Traffic
from server.remap import Remap
from server.schema import Schema
from server.traffic import NO_LABEL

_State = models_pb2.VersionState


def model_state(name: str, status: ModelStatus, traffic: Traffic, rows: Callable[[int], int]) -> models_pb2.ModelState:
    """One model as control sees it; `rows` says how many visitors a version has scored."""
    versions = sorted({*status.found, *traffic.loaded}, reverse=True)
    return models_pb2.ModelState(
        model=name,
        versions=[_version_state(version, status, traffic, rows(version)) for version in versions],
        targets=traffic.route.targets,
        policy=traffic.policy,
        bad_policy=traffic.bad_policy or "",
        behind=traffic.behind,
    )


def _version_state(version: int, status: ModelStatus, traffic: Traffic, rows: int) -> models_pb2.VersionState:
    return models_pb2.VersionState(
        version=version,
        state=_state(version, status, traffic),
        reason=status.refused.get(version, ""),
        labels=sorted(label for label, one in traffic.route.targets.items() if label != NO_LABEL and one == version),
        since_ms=traffic.since_ms.get(version, 0),
        rows=rows,
        new_features=_new_features(traffic.schemas.get(traffic.route.default), traffic.schemas.get(version)),
        unapproved=traffic.unapproved[version].lack if version in traffic.unapproved else "",
    )


def _new_features(before: Schema | None, after: Schema | None) -> list[str]:
    """Names of the features that a vector of one schema does not give to the other; none where one is not known."""
    if before is None or after is None:
        return []
    given = set(Remap.between(before, after).target.tolist())
    return [feature.name for column, feature in enumerate(after.features) if column not in given]


def _state(version: int, status: ModelStatus, traffic: Traffic) -> models_pb2.VersionState.State.ValueType:
    if version in traffic.loading:
        return _State.STATE_LOADING
    if version in traffic.loaded:
        return _State.STATE_LOADED
    return _State.STATE_REFUSED if version in status.refused else _State.STATE_ON_DISK
