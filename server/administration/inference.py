"""The Open Inference Protocol's administration, by the same policies as our own."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from server.administration.changes import Change, set_unloaded
from server.administration.policies import Policies
from server.administration.waiting import Follows, wait_until
from server.errors import AudienceError, InvalidRequest, NoModelReady, UnknownModel
from server.inference.repository import LOADING, READY, UNAVAILABLE, Indexed
from server.overview import ModelStatus, Status, Traffic

_PATIENCE_S: Final = 60.0


class InferenceRepository:
    """See server.inference.repository.Repository.

    Args:
        loader: what follows the repository.
        policies: where changes are written.
    """

    def __init__(self, loader: Follows, policies: Policies) -> None:
        self._loader = loader
        self._policies = policies

    def index(self) -> Sequence[Indexed]:
        """See Repository."""
        status = self._loader.status
        return [
            one
            for name, traffic in sorted(status.traffic.items())
            for one in _index(name, status.models[name], traffic)
        ]

    def load(self, name: str) -> None:
        """See Repository. The versions that its policy says."""
        self._change(name, set_unloaded(is_unloaded=False), lambda model: model.serving is not None)

    def unload(self, name: str) -> None:
        """See Repository."""
        self._change(name, set_unloaded(is_unloaded=True), lambda model: model.serving is None)

    def _change(self, name: str, change: Change, is_done: Callable[[ModelStatus], bool]) -> None:
        status = self._loader.status
        if not status.looks:
            raise NoModelReady("this server has just begun and has not looked at the repository yet; try again")
        if name not in status.traffic:
            there = ", ".join(sorted(status.traffic)) or "none"
            raise UnknownModel(f"there is no model {name[:64]!r}; in the repository there is {there}")
        try:
            policy = self._policies.change(name, change)
        except AudienceError as error:  # by the table of this protocol's own service
            raise InvalidRequest(str(error)) from error

        def look(status: Status) -> bool | None:
            traffic, model = status.traffic.get(name), status.models.get(name)
            if traffic is None or model is None:
                return False
            return is_done(model) if traffic.policy == policy and traffic.is_settled else None

        if wait_until(self._loader, look, time.monotonic() + _PATIENCE_S, time.monotonic, time.sleep):
            return
        status = self._loader.status
        reasons = "; ".join(status.models[name].refused.values()) if name in status.models else "it is gone"
        raise NoModelReady(f"model {name!r} did not follow: {reasons or 'it takes too long'}")


def _index(name: str, model: ModelStatus, traffic: Traffic) -> Iterator[Indexed]:
    for version in sorted({*model.found, *traffic.loaded}):
        if version in traffic.loading:
            yield Indexed(name, version, LOADING)
        elif version in traffic.loaded:
            yield Indexed(name, version, READY)
        else:
            yield Indexed(name, version, UNAVAILABLE, model.refused.get(version, "not loaded"))
