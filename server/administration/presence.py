"""What has to be there before something is changed: the model, the version that a label moves to, its approval."""

from collections.abc import Callable

from protos.audience.v1 import policy_pb2
from server.administration.changes import Change, NotApproved, NotFound, NotPossible
from server.overview import Status, Traffic


def checked(model: str, make: Callable[[Status], Change], status: Status) -> Change:
    """The change, which then sees that each label that is moved is moved to a version that can serve, and may.

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
                check_approval(model, version, label, status)

    return change_and_check


def check_version(model: str, version: int, status: Status) -> None:
    """Raises NotFound unless the version is there, and NotPossible where it is refused and not loaded."""
    known, loaded = status.models[model], status.traffic[model].loaded
    if version not in known.found and version not in loaded:
        there = ", ".join(map(str, known.found)) or "none"
        raise NotFound(f"model {model!r} has no version {version}; in the repository there is {there}")
    if version in known.refused and version not in loaded:
        raise NotPossible(f"version {version} of model {model!r} is refused: {known.refused[version]}")


def check_approval(model: str, version: int, label: str, status: Status) -> None:
    """Raises NotApproved where the version does not take the label before somebody approved it, and nobody did."""
    consent = status.traffic[model].unapproved.get(version)
    if consent is not None and consent.required.covers(label):
        raise NotApproved(
            f"version {version} of model {model!r} {consent.lack}; to approve it: {consent.required.command}"
        )


def unapproved(label: str, traffic: Traffic) -> list[int]:
    """The versions that do not take the label before somebody approved them."""
    return [version for version, consent in traffic.unapproved.items() if consent.required.covers(label)]


def unknown(model: str, status: Status) -> NotFound:
    """That there is no such model, and which there are."""
    there = ", ".join(sorted(status.traffic)) or "none"
    return NotFound(f"there is no model {model[:64]!r}; in the repository there is {there}")
