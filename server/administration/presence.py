"""What has to be there before something is changed: the model, and the version that a label moves to."""

from collections.abc import Callable

from protos.audience.v1 import policy_pb2
from server.administration.changes import Change, NotFound, NotPossible
from server.overview import Status


def checked(model: str, make: Callable[[Status], Change], status: Status) -> Change:
    """The change, which then sees that each label that is moved is moved to a version that can serve.

    Raises:
        NotFound: there is no such model.
    """
    if model not in status.traffic:
        raise unknown(model, status)
    change = make(status)

    def change_and_check(policy: policy_pb2.Policy) -> None:
        before = dict(policy.labels)
        change(policy)
        for label, version in policy.labels.items():
            if before.get(label) != version:
                check_version(model, version, status)

    return change_and_check


def check_version(model: str, version: int, status: Status) -> None:
    """Raises NotFound unless the version is there, and NotPossible where it is refused and not loaded."""
    known, loaded = status.models[model], status.traffic[model].loaded
    if version not in known.found and version not in loaded:
        there = ", ".join(map(str, known.found)) or "none"
        raise NotFound(f"model {model!r} has no version {version}; in the repository there is {there}")
    if version in known.refused and version not in loaded:
        raise NotPossible(f"version {version} of model {model!r} is refused: {known.refused[version]}")


def unknown(model: str, status: Status) -> NotFound:
    """That there is no such model, and which there are."""
    there = ", ".join(sorted(status.traffic)) or "none"
    return NotFound(f"there is no model {model[:64]!r}; in the repository there is {there}")
