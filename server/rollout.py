"""Whether the workers have what they were told to: from a wish until every worker has tried it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.traffic import NO_LABEL, Route
from server.wish import WorkerState

States = Sequence[WorkerState | None]
_NOT_TRIED = "not tried yet"


@dataclass(frozen=True, slots=True)
class Rollout:
    """Something new of one model on its way to the workers.

    Attributes:
        sequence: of the wish that says it.
        begun_s: when control began with it.
        versions: that are new with it.
    """

    sequence: int
    begun_s: float
    versions: frozenset[int]

    def is_tried(self, states: States) -> bool:
        """Whether every worker has tried it; one that is just being started again has not."""
        return all(state is not None and state.sequence >= self.sequence for state in states)


def is_loaded(model: str, version: int, states: States) -> bool:
    """Whether at least one worker has loaded a version."""
    return any(state is not None and _has(state, model, version) for state in states)


def is_served(model: str, version: int, states: States) -> bool:
    """Whether at least one worker answers with it who asks for none."""
    return any(
        state is not None and model in state.serving and state.serving[model].default == version for state in states
    )


def missing(model: str, version: int, states: States) -> Mapping[int, str]:
    """Why workers have not loaded a version, by the worker's number, of those that are there."""
    return {
        worker: state.refused.get(f"{model}/{version}", _NOT_TRIED)
        for worker, state in enumerate(states)
        if state is not None and not _has(state, model, version)
    }


def left_behind(model: str, route: Route, states: States) -> Mapping[int, str]:
    """Why workers do not answer as they were told, by the worker's number, of those that are there."""
    reasons = {}
    for worker, state in enumerate(states):
        if state is None:
            continue
        targets = state.serving[model].targets if model in state.serving else {}
        wrong = {label: version for label, version in route.targets.items() if targets.get(label) != version}
        if wrong:
            first = min(wrong, key=lambda label: (label != NO_LABEL, label))
            reasons[worker] = state.refused.get(f"{model}/{wrong[first]}", _NOT_TRIED)
    return reasons


def absent(states: States) -> Mapping[int, str]:
    """The workers that are not there."""
    return {worker: "it is not there; it is being started" for worker, state in enumerate(states) if state is None}


def _has(state: WorkerState, model: str, version: int) -> bool:
    return model in state.serving and version in state.serving[model].versions
