"""audience.v1.Models: what operators and their tools may ask of the control process."""

import time
from collections.abc import Callable
from typing import Any, Final, NoReturn

import grpc

from protos.audience.v1 import models_pb2, models_pb2_grpc, policy_pb2
from server.administration import changes
from server.administration.changes import Change, NotApproved, NotFound, NotPossible
from server.administration.policies import Conflict, NotWritten, Policies
from server.administration.presence import check_version, checked, unapproved, unknown
from server.administration.state import model_state
from server.administration.waiting import Follows, wait_until
from server.errors import AudienceError, BadPolicy, InvalidRequest
from server.overview import Status, Traffic
from server.policy import is_label
from server.traffic import NO_LABEL, STABLE

SERVICE: Final = "audience.v1.Models"
_PATIENCE_S = 60.0
_SPARE_S = 0.5  # before the caller's deadline, so that what is not done yet can still be told
_LOOK_AGAIN_S = 5.0


class NotLooked(AudienceError):
    """The repository is not known yet. Passes by itself."""


_CODES: dict[type[AudienceError], grpc.StatusCode] = {
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    BadPolicy: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    NotPossible: grpc.StatusCode.FAILED_PRECONDITION,
    NotApproved: grpc.StatusCode.FAILED_PRECONDITION,
    Conflict: grpc.StatusCode.ABORTED,
    NotWritten: grpc.StatusCode.UNAVAILABLE,
    NotLooked: grpc.StatusCode.UNAVAILABLE,
}


class Models(models_pb2_grpc.ModelsServicer):
    """See models.proto.

    Args:
        loader: what follows the repository.
        policies: where changes are written.
        rows: how many visitors a version of a model has scored.
        clock_s: seconds that never go back.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        loader: Follows,
        policies: Policies,
        rows: Callable[[str, int], int],
        *,
        clock_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._loader = loader
        self._policies = policies
        self._rows = rows
        self._clock_s = clock_s
        self._sleep = sleep

    def ListModels(self, request: Any, context: Any) -> models_pb2.ListModelsReply:  # noqa: N802, ANN401  # grpcio's
        """See models.proto."""
        try:
            status = self._looked()
            if request.model and request.model not in status.traffic:
                raise unknown(request.model, status)
        except AudienceError as error:
            _abort(context, error)
        names = [request.model] if request.model else sorted(status.traffic)
        models = [self._state(name, status) for name in names]
        return models_pb2.ListModelsReply(models=models, unreadable=status.unreadable or "")

    def LoadVersion(self, request: Any, context: Any) -> models_pb2.ChangeReply:  # noqa: N802, ANN401  # grpcio's
        """See models.proto."""

        def change(status: Status) -> Change:
            check_version(request.model, request.version, status)
            return changes.load(request.version)

        return self._change(request.model, change, context)

    def UnloadVersion(self, request: Any, context: Any) -> models_pb2.ChangeReply:  # noqa: N802, ANN401  # grpcio's
        """See models.proto."""
        return self._change(
            request.model,
            lambda status: changes.unload(request.version, status.traffic[request.model].loaded),
            context,
        )

    def SetLabel(self, request: Any, context: Any) -> models_pb2.ChangeReply:  # noqa: N802, ANN401  # grpcio's
        """See models.proto."""

        def change(status: Status) -> Change:
            if not is_label(request.label):
                raise InvalidRequest(f"the label {request.label[:80]!r} must be 1 to 64 of a-z, 0-9, '-' and '_'")
            return changes.set_label(request.label, request.version, _default(request.model, status))

        return self._change(request.model, change, context)

    def RemoveLabel(self, request: Any, context: Any) -> models_pb2.ChangeReply:  # noqa: N802, ANN401  # grpcio's
        """See models.proto."""
        return self._change(request.model, lambda _: changes.remove_label(request.label), context)

    def SetSplit(self, request: Any, context: Any) -> models_pb2.ChangeReply:  # noqa: N802, ANN401  # grpcio's
        """See models.proto."""
        return self._change(request.model, lambda _: changes.set_split(request.split, request.salt), context)

    def SetShadow(self, request: Any, context: Any) -> models_pb2.ChangeReply:  # noqa: N802, ANN401  # grpcio's
        """See models.proto."""
        shadow = request.shadow if request.HasField("shadow") else None
        return self._change(request.model, lambda _: changes.set_shadow(shadow), context)

    def SetHoldout(self, request: Any, context: Any) -> models_pb2.ChangeReply:  # noqa: N802, ANN401  # grpcio's
        """See models.proto."""
        return self._change(request.model, lambda _: changes.set_holdout(request.basis_points), context)

    def Promote(self, request: Any, context: Any) -> models_pb2.ChangeReply:  # noqa: N802, ANN401  # grpcio's
        """See models.proto."""
        return self._change(
            request.model, lambda status: changes.promote(request.label, _default(request.model, status)), context
        )

    def RollBack(self, request: Any, context: Any) -> models_pb2.ChangeReply:  # noqa: N802, ANN401  # grpcio's
        """See models.proto."""

        def change(status: Status) -> Change:
            default = _default(request.model, status)
            model = status.models[request.model]
            barred = {*model.refused, *unapproved(STABLE, status.traffic[request.model])}
            others = [version for version in reversed(model.found) if version < default and version not in barred]
            return changes.roll_back(request.label or STABLE, others, default)

        return self._change(request.model, change, context)

    def _change(self, model: str, make: Callable[[Status], Change], context: Any) -> models_pb2.ChangeReply:  # noqa: ANN401  # grpcio's
        """Writes a change, and waits until the workers have followed."""
        left_s = context.time_remaining()
        latest_s = self._clock_s() + min(_PATIENCE_S if left_s is None else left_s, _PATIENCE_S) - _SPARE_S
        try:
            policy = self._write(model, make, latest_s)
        except AudienceError as error:
            _abort(context, error)
        is_followed = self._wait(model, policy, latest_s)
        return models_pb2.ChangeReply(model=self._state(model, self._loader.status), is_followed=is_followed)

    def _write(self, model: str, make: Callable[[Status], Change], latest_s: float) -> policy_pb2.Policy:
        """The policy with the change. What is not found, or not approved, may be so no longer: then it looks again."""
        status = self._looked()
        try:
            return self._policies.change(model, checked(model, make, status))
        except (NotFound, NotApproved):
            status = self._look_again(status.looks, latest_s)
            return self._policies.change(model, checked(model, make, status))

    def _looked(self) -> Status:
        """What is known of the repository.

        Raises:
            NotLooked: nothing yet.
        """
        status = self._loader.status
        if not status.looks:
            raise NotLooked("this server has just begun and has not looked at the repository yet; try again")
        return status

    def _look_again(self, looks: int, latest_s: float) -> Status:
        """What is seen by a look that begins after so many, or after a while the last one."""
        latest_s = min(latest_s, self._clock_s() + _LOOK_AGAIN_S)
        wait_until(self._loader, lambda now: _is_after(looks, now) or None, latest_s, self._clock_s, self._sleep)
        return self._loader.status

    def _wait(self, model: str, policy: policy_pb2.Policy, latest_s: float) -> bool:
        """Whether every worker does as the policy says, as soon as that is settled.

        Somebody else may change the policy meanwhile. Then it is theirs that is waited for.
        """
        looks = self._loader.status.looks

        def look(status: Status) -> bool | None:
            traffic = status.traffic.get(model)
            if traffic is None:
                return False
            is_read = traffic.policy == policy or _is_after(looks, status)
            if is_read and (traffic.is_settled or traffic.bad_policy):
                return traffic.is_settled and not (traffic.bad_policy or traffic.behind) and _is_kept(traffic)
            return None

        return wait_until(self._loader, look, latest_s, self._clock_s, self._sleep)

    def _state(self, model: str, status: Status) -> models_pb2.ModelState:
        if model not in status.traffic:
            return models_pb2.ModelState(model=model)  # it went while the change was waited for
        return model_state(
            model, status.models[model], status.traffic[model], lambda version: self._rows(model, version)
        )


def _is_after(looks: int, status: Status) -> bool:
    """Whether a look that this tells of began after there had been so many: the next may have been under way then."""
    return status.looks >= looks + 2


def _is_kept(traffic: Traffic) -> bool:
    """Whether each version that the policy names is loaded, and each label is where it should be."""
    if traffic.policy.unloaded:
        return not traffic.loaded
    targets = {label: version for label, version in traffic.route.targets.items() if label != NO_LABEL}
    return targets == dict(traffic.policy.labels) and set(traffic.policy.versions) <= set(traffic.loaded)


def _default(model: str, status: Status) -> int:
    return status.traffic[model].route.default


def _abort(context: Any, error: AudienceError) -> NoReturn:  # noqa: ANN401  # grpcio's
    context.abort(_CODES.get(type(error), grpc.StatusCode.INTERNAL), str(error)[:1000])
    raise error  # `abort` never returns
