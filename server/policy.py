"""Which versions of a model to load, and who gets which: pure, without state, the same answer for the same question."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf import json_format

from protos.audience.v1 import policy_pb2
from server.errors import BadPolicy
from server.repository import Fingerprint, Versions
from server.traffic import NO_LABEL, STABLE, WHOLE, Route, Share

LARGEST_POLICY_BYTES: Final = 1 << 16
MOST_LABELS: Final = 64
_LABEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LARGEST_VERSION = 10**15


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to do about a model's versions.

    Attributes:
        load: the version to load now; None when nothing is to be loaded.
        keep: those that may stay loaded.
        newest: the newest of those that serve by being new; None when there is none.
    """

    load: int | None
    keep: frozenset[int]
    newest: int | None


def wanted(
    found: Versions,
    loaded: Collection[int],
    refused: Mapping[int, Fingerprint],
    policy: policy_pb2.Policy,
    withheld: Collection[int] = (),
) -> Wanted:
    """Which versions a model needs.

    The newest complete ones that were not refused as they stand, and each that the policy names. A version that is
    loaded stays when its files are damaged, and while it is named also when they are gone; the newest stays when
    nothing usable is left. An older one is loaded in place of the newest only when that was taken away from the
    repository: this is one way to go back. One that is withheld is not among the newest, and so is loaded only when the
    policy names it.

    Args:
        found: versions on disk.
        loaded: versions that are loaded, or about to be.
        refused: what a version looked like when it was refused; once it looks otherwise, it is tried again.
        policy: the model's, checked.
        withheld: versions that may not serve by being new: they wait for an approval.
    """
    if policy.unloaded:
        return Wanted(None, frozenset(), None)
    usable = {
        version
        for version, fingerprint in found.items()
        if fingerprint.is_complete and refused.get(version) != fingerprint
    }
    there = usable.union(version for version in loaded if version in found)
    free = there.difference(withheld) or set(loaded).difference(withheld)
    newest = frozenset(sorted(free, reverse=True)[: policy.newest or 1])
    named = named_versions(policy) & there.union(loaded)
    missing = sorted(newest.difference(loaded), reverse=True) + sorted(named.difference(loaded), reverse=True)
    return Wanted(missing[0] if missing else None, newest | named, max(newest, default=None))


def named_versions(policy: policy_pb2.Policy) -> frozenset[int]:
    """The versions that a policy names, and the one that was stable before, so that going back takes no loading."""
    before = [policy.previous[STABLE]] if STABLE in policy.previous else []
    return frozenset([*policy.versions, *policy.labels.values(), *before])


def previous_targets(policy: policy_pb2.Policy) -> Mapping[str, int]:
    """The version that each label had before, as in Route.targets."""
    targets = dict(policy.previous)
    return {**targets, NO_LABEL: targets[STABLE]} if STABLE in targets else targets


def route(model: str, policy: policy_pb2.Policy, newest: int | None, withheld: Collection[int] = ()) -> Route:
    """Who gets which version, if all of them can be loaded.

    Args:
        model: its name.
        policy: its policy, checked.
        newest: as in Wanted.
        withheld: as for `wanted`.
    """
    targets = dict(policy.labels)
    if STABLE in targets:
        targets[NO_LABEL] = targets[STABLE]
    elif newest is not None:
        targets[NO_LABEL] = newest
    shadow = Share(policy.shadow.label, policy.shadow.basis_points) if policy.HasField("shadow") else None
    return Route(
        targets=targets,
        default_label=STABLE if STABLE in policy.labels else NO_LABEL,
        split=tuple(Share(share.label, share.basis_points) for share in policy.split),
        split_salt=policy.split_salt or f"{model}/split",
        holdout=policy.holdout.basis_points,
        holdout_salt=policy.holdout.salt or f"{model}/holdout",
        shadow=shadow,
        withheld=tuple(sorted(withheld)),
    )


def read_policy(text: bytes) -> policy_pb2.Policy:
    """The policy in a file, checked.

    Raises:
        BadPolicy: it is none, or contradicts itself. The text says what is wrong and what would be right.
    """
    if len(text) > LARGEST_POLICY_BYTES:
        raise BadPolicy(f"the policy has {len(text):,} bytes; at most {LARGEST_POLICY_BYTES:,} are read")
    try:
        policy = json_format.Parse(text, policy_pb2.Policy())
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise BadPolicy(f"the policy is not an audience.v1.Policy: {error}") from error
    if not text.lstrip().startswith(b"{"):  # protobuf takes an empty list for an empty object
        raise BadPolicy("the policy is not an audience.v1.Policy: it is not a JSON object")
    check_policy(policy)
    return policy


def write_policy(policy: policy_pb2.Policy) -> bytes:
    """A policy as its file has it."""
    return json_format.MessageToJson(policy, preserving_proto_field_name=True).encode()


def check_policy(policy: policy_pb2.Policy) -> None:
    """Raises BadPolicy unless the policy makes sense."""
    if len(policy.labels) > MOST_LABELS:
        raise BadPolicy(f"the policy has {len(policy.labels)} labels; at most {MOST_LABELS} are taken")
    for label, version in policy.labels.items():
        if not is_label(label):
            raise BadPolicy(f"label {label[:80]!r} must be 1 to 64 of a-z, 0-9, '-' and '_', with no sign first")
        _check_version(version, f"label {label!r}")
    for version in policy.versions:
        _check_version(version, "versions")
    for share in policy.split:
        _check_share(policy, share.label, share.basis_points, "split")
    names = [share.label for share in policy.split]
    if len(set(names)) != len(names):
        raise BadPolicy("the split names a label twice")
    total = sum(share.basis_points for share in policy.split)
    if total > WHOLE:
        raise BadPolicy(f"the split shares out {total} basis points; there are {WHOLE:,}")
    if policy.HasField("shadow"):
        _check_share(policy, policy.shadow.label, policy.shadow.basis_points, "shadow")
    if policy.HasField("holdout"):
        _check_points(policy.holdout.basis_points, "holdout")


def is_label(text: str) -> bool:
    """Whether this can name a version."""
    return _LABEL.fullmatch(text) is not None


def _check_version(version: int, where: str) -> None:
    if not 1 <= version < _LARGEST_VERSION:
        raise BadPolicy(f"{where} has the version {version}; needed is 1 to {_LARGEST_VERSION - 1}")


def _check_share(policy: policy_pb2.Policy, label: str, basis_points: int, where: str) -> None:
    if label not in policy.labels:
        known = ", ".join(sorted(policy.labels)) or "none"
        raise BadPolicy(f"the {where} names the label {label[:80]!r}; the policy's labels are {known}")
    _check_points(basis_points, where)


def _check_points(basis_points: int, where: str) -> None:
    if not 1 <= basis_points <= WHOLE:
        raise BadPolicy(f"the {where} has a share of {basis_points} basis points; needed is 1 to {WHOLE:,}")
