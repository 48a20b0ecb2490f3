"""What an operator may do to a model's policy: pure, from one policy to the next."""

from collections.abc import Callable, Collection, Sequence

from protos.audience.v1 import policy_pb2
from server.errors import AudienceError
from server.traffic import NO_LABEL, STABLE

Change = Callable[[policy_pb2.Policy], None]


class NotFound(AudienceError):
    """There is no such model, version or label."""


class NotPossible(AudienceError):
    """It cannot be done as things are. The text says why, and what would help."""


class NotApproved(NotPossible):
    """A label needs an approval that the version has not. The text says whose, and how it is given."""


def load(version: int) -> Change:
    """Loads a version beside the others; of a model that is unloaded, the others too."""

    def change(policy: policy_pb2.Policy) -> None:
        policy.unloaded = False
        if version not in policy.versions:
            policy.versions.append(version)

    return change


def unload(version: int, loaded: Collection[int]) -> Change:
    """Undoes `load`.

    Args:
        version: which.
        loaded: versions that are loaded, for whatever reason.
    """

    def change(policy: policy_pb2.Policy) -> None:
        labels = sorted(label for label, labelled in policy.labels.items() if labelled == version)
        if labels:
            raise NotPossible(f"version {version} has the label {labels[0]!r}; give that to another version first")
        if version not in policy.versions:
            raise NotPossible(f"version {version} cannot be unloaded: {_why_loaded(version, policy, loaded)}")
        kept = [one for one in policy.versions if one != version]  # by hand it may be there twice
        del policy.versions[:]
        policy.versions.extend(kept)

    return change


def _why_loaded(version: int, policy: policy_pb2.Policy, loaded: Collection[int]) -> str:
    """Why a version without a label is, or is not, loaded."""
    if version not in loaded:
        return "it is not loaded"
    if policy.previous.get(STABLE) == version:
        return f"it had the label {STABLE!r} before, and stays loaded so that rolling back takes no loading"
    return "it is loaded as one of the newest"


def set_label(label: str, version: int, default: int) -> Change:
    """Gives a label to a version.

    Args:
        label: which.
        version: that gets it.
        default: the version of those who ask for none at this moment, 0 for none.
    """

    def change(policy: policy_pb2.Policy) -> None:
        before = policy.labels.get(label) or (default if label == STABLE else 0)
        if before and before != version:
            policy.previous[label] = before
        policy.labels[label] = version

    return change


def remove_label(label: str) -> Change:
    """Takes a label away."""

    def change(policy: policy_pb2.Policy) -> None:
        if label not in policy.labels:
            raise NotFound(f"there is no label {label[:64]!r}; the labels are {_names(policy)}")
        if any(share.label == label for share in policy.split):
            raise NotPossible(f"the split has a share for the label {label!r}; end that first")
        if policy.HasField("shadow") and policy.shadow.label == label:
            raise NotPossible(f"the shadow is the label {label!r}; end that first")
        del policy.labels[label]
        policy.previous.pop(label, None)

    return change


def set_split(split: Sequence[policy_pb2.Share], salt: str) -> Change:
    """Shares the visitors between labels."""

    def change(policy: policy_pb2.Policy) -> None:
        del policy.split[:]
        policy.split.extend(split)
        policy.split_salt = salt or policy.split_salt

    return change


def set_shadow(shadow: policy_pb2.Shadow | None) -> Change:
    """Lets a label's version score beside; None ends that."""

    def change(policy: policy_pb2.Policy) -> None:
        policy.ClearField("shadow")
        if shadow is not None:
            policy.shadow.CopyFrom(shadow)

    return change


def set_holdout(basis_points: int) -> Change:
    """Keeps so many visitors from getting scores, the same ones first whenever it grows; 0 ends that."""

    def change(policy: policy_pb2.Policy) -> None:
        salt = policy.holdout.salt
        policy.ClearField("holdout")
        if basis_points:
            policy.holdout.CopyFrom(policy_pb2.Holdout(basis_points=basis_points, salt=salt))

    return change


def set_unloaded(*, is_unloaded: bool) -> Change:
    """Unloads every version of the model, or loads again what the policy says."""

    def change(policy: policy_pb2.Policy) -> None:
        policy.unloaded = is_unloaded

    return change


def promote(label: str, default: int) -> Change:
    """Makes a label's version the stable one, and ends its share; `default` as in set_label."""

    def change(policy: policy_pb2.Policy) -> None:
        if label == STABLE:
            raise NotPossible(f"the label {STABLE!r} is what others are promoted to; name another one")
        if label not in policy.labels:
            raise NotFound(f"there is no label {label[:64]!r}; the labels are {_names(policy)}")
        set_label(STABLE, policy.labels[label], default)(policy)
        kept = [share for share in policy.split if share.label != label]
        set_split(kept, NO_LABEL)(policy)

    return change


def roll_back(label: str, others: Sequence[int], default: int) -> Change:
    """Gives a label to the version that it had before.

    Args:
        label: which.
        others: for "stable" where nobody ever changed it: versions that may serve instead, the best first.
        default: as in set_label.
    """

    def change(policy: policy_pb2.Policy) -> None:
        before = policy.previous.get(label) or (others[0] if label == STABLE and others else 0)
        if not before:
            raise NotPossible(f"the label {label[:64]!r} was never given to another version; there is no way back")
        now = policy.labels.get(label) or (default if label == STABLE else 0)
        policy.labels[label] = before
        if now:
            policy.previous[label] = now
        else:
            policy.previous.pop(label, None)

    return change


def _names(policy: policy_pb2.Policy) -> str:
    return ", ".join(sorted(policy.labels)) or "none"
