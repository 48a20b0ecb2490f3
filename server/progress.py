"""What control knows of one model, and what it makes of that."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from server.approval import Consent, Required
from server.overview import ModelStatus, Traffic
from server.policy import Wanted, previous_targets, route, wanted
from server.policy_file import PolicyFile
from server.repository import Fingerprint, Versions
from server.rollout import Rollout, States, absent, left_behind
from server.schema import Schema
from server.traffic import NO_LABEL, Given, Route
from server.wish import WishedModel


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a version does not serve, and what its folder looked like then."""

    fingerprint: Fingerprint
    reason: str


@dataclass(slots=True)
class Progress:
    """What control knows of one model.

    Attributes:
        found: versions on disk.
        policy: what was last read, and what it was read from.
        bad_policy: why another one could not be read; None when there is no other.
        is_policy_known: whether what the workers were told goes by it. Where a control process before this one told
            them, it does not before it was read once, and nothing changes until then.
        refused: versions that do not serve, and why.
        described: versions that were read as far as their schema.
        schemas: the features of those.
        consents: those of them that have to be approved, and whether they are.
        since_ms: when versions were loaded, in milliseconds since 1970.
        begun_s: when the first version was begun with.
        is_begun: whether the workers were told of the model; they are once every version that it needs was tried, so
            that none of them begins with another version than it should.
        wished: versions that the workers are told to load.
        route: who gets which of them, as the workers were told last.
        reached: version by label, as the workers had it when they last had tried everything.
        serving: the version of those who ask for none, once workers serve it.
        rollout: what the workers have not all tried yet.
    """

    found: Versions = field(default_factory=dict)
    policy: PolicyFile = field(default_factory=PolicyFile)
    bad_policy: str | None = None
    is_policy_known: bool = True
    refused: dict[int, Refusal] = field(default_factory=dict)
    described: dict[int, Fingerprint] = field(default_factory=dict)
    schemas: dict[int, Schema] = field(default_factory=dict)
    consents: dict[int, Consent] = field(default_factory=dict)
    since_ms: dict[int, int] = field(default_factory=dict)
    begun_s: float = math.inf
    is_begun: bool = False
    wished: dict[int, WishedModel] = field(default_factory=dict)
    route: Route = field(default_factory=Route)
    reached: Mapping[str, int] = field(default_factory=dict)
    serving: int | None = None
    rollout: Rollout | None = None

    @property
    def wanted(self) -> Wanted:
        """What the policy says of the versions."""
        refused = {version: refusal.fingerprint for version, refusal in self.refused.items()}
        return wanted(self.found, self.wished, refused, self.policy.content, self.withheld)

    @property
    def unapproved(self) -> frozenset[Given]:
        """The labels that versions do not take before they are approved; what a label has it keeps."""
        labels = {NO_LABEL, *self.policy.content.labels, *self.policy.content.previous, *self.reached}
        lacking = [consent.required for consent in self.consents.values() if consent.lack]
        pairs = {(label, one.version) for one in lacking for label in labels if one.covers(label)}
        return frozenset(pairs.difference(self.route.targets.items()))

    @property
    def withheld(self) -> frozenset[int]:
        """The versions that nobody gets who asks for none."""
        return frozenset(version for label, version in self.unapproved if label == NO_LABEL)

    @property
    def can_begin(self) -> bool:
        """Whether there is a version for those who ask for none, and all others that are wanted were tried."""
        return not self.withheld.issuperset(self.wished) and self.wanted.load is None

    def learn(self, version: int, required: Required | None) -> None:
        """Takes note of what a version asks for. Of one that is loaded, what it asked for then holds."""
        known = self.consents.get(version)
        if known is not None and known.required.sums_sha256 and version in self.wished:
            return
        if required is None:
            self.consents.pop(version, None)
        elif known is None or known.required != required:
            self.consents[version] = Consent(required, lack=required.lack([]))

    def unload(self) -> None:
        """Forgets every version that is loaded, as if the model had just come."""
        self.wished, self.since_ms, self.route, self.reached = {}, {}, Route(), {}
        self.serving, self.rollout, self.is_begun, self.begun_s = None, None, False, math.inf

    def look_at(self, found: Versions) -> None:
        """Takes note of what is on disk. What was refused and is another one now is new."""
        self.found = found
        self.refused = {
            version: refusal for version, refusal in self.refused.items() if found.get(version) == refusal.fingerprint
        }
        known = found.keys() | self.wished.keys()
        self.consents = {version: consent for version, consent in self.consents.items() if version in known}

    def lead(self, name: str, sequence: int, begun_s: float) -> None:
        """Decides who gets which version of the model of this name; unloads what nobody needs, once all else is done.

        Args:
            name: of the model.
            sequence: of the next wish.
            begun_s: when control began with what is new.
        """
        if self.is_begun and self.wished and self.is_policy_known:
            policy = self.policy.content
            told = {label: version for label, version in self.route.targets.items() if version in self.wished}
            before = {**previous_targets(policy), **self.reached, **told}
            withheld = self.withheld.intersection(self.wished)
            meant = route(name, policy, self.wanted.newest, withheld).settled(self.wished, before, self.unapproved)
            if meant != self.route:
                self.route = meant
                self.expect(sequence, begun_s)
        if self.rollout is None:
            self._drop_unwanted()

    def expect(self, sequence: int, begun_s: float, *versions: int) -> None:
        """Notes that the workers are to try something new with the wish of this number, and these versions with it."""
        before = self.rollout or Rollout(0, begun_s, frozenset())
        self.rollout = Rollout(sequence, before.begun_s, before.versions.union(versions))

    def _drop_unwanted(self) -> None:
        keep = self.wanted.keep.union(self.route.targets.values())
        if self.wanted.load is None and self.is_policy_known and not keep.issuperset(self.wished):
            self.wished = {version: one for version, one in self.wished.items() if version in keep}
            self.since_ms = {version: since_ms for version, since_ms in self.since_ms.items() if version in keep}

    def status(self, name: str, states: States) -> ModelStatus:
        """What is on disk, what serves, and what was refused."""
        return ModelStatus(
            serving=self.serving,
            found=tuple(sorted(self.found)),
            refused={version: refusal.reason for version, refusal in self.refused.items()},
            behind={} if self.serving is None or self.rollout else left_behind(name, self.route, states),
            unapproved={version: consent.lack for version, consent in self.consents.items() if consent.lack},
        )

    def traffic(self, name: str, states: States, *, is_followed: bool) -> Traffic:
        """Who gets which version; `is_followed` says whether every worker has tried the last wish."""
        return Traffic(
            loaded=tuple(sorted(self.wished)) if self.is_begun else (),
            route=self.route,
            policy=self.policy.content,
            bad_policy=self.bad_policy,
            is_settled=self.rollout is None and is_followed and self.wanted.load is None,
            behind={**left_behind(name, self.route, states), **absent(states)},
            loading=self.rollout.versions if self.rollout else frozenset(),
            since_ms=dict(self.since_ms),
            schemas=dict(self.schemas),
            unapproved={version: consent for version, consent in self.consents.items() if consent.lack},
        )
