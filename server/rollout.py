"""Whether the workers serve what they were told to: for each version, from the wish until every worker has tried it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.wish import WorkerState

States = Sequence[WorkerState | None]


@dataclass(frozen=True, slots=True)
class Rollout:
    """A version on its way to the workers.

    Attributes:
        version: its number.
        sequence: of the wish that named it first.
        begun_s: when control began with it.
    """

    version: int
    sequence: int
    begun_s: float

    def is_tried(self, states: States) -> bool:
        """Whether every worker has tried it; one that is just being started again has not."""
        return all(state is not None and state.sequence >= self.sequence for state in states)

    def is_served(self, model: str, states: States) -> bool:
        """Whether at least one worker serves it."""
        return any(state is not None and state.serving.get(model) == self.version for state in states)


def left_behind(model: str, version: int, states: States) -> Mapping[int, str]:
    """Why workers do not serve this version of a model, by the worker's number, of those that are there."""
    return {
        worker: state.refused.get(model, "not tried yet")
        for worker, state in enumerate(states)
        if state is not None and state.serving.get(model) != version
    }
