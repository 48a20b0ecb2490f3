"""What people and campaigns know segments by: keys that stay across versions, and names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.features import Features, FeatureSpec
from training.heads import NO_SEGMENT, BoolArray, Hierarchy, Labels, Named, Segmentation
from training.keys import Keyed, issue_keys, match_keys
from training.names import Trait, name_segments, traits
from training.previous import Before, Previous


@dataclass(frozen=True, slots=True)
class Group:
    """A segment above others.

    Attributes:
        keyed: its key.
        name: for people.
        traits: what sets it apart, strongest first.
        share: of the visitors, in [0, 1].
        parent: key of the group that it is within, "" for none.
    """

    keyed: Keyed
    name: str
    traits: Sequence[Trait]
    share: float
    parent: str


@dataclass(frozen=True, slots=True)
class Segments:
    """Everything about a segmentation's segments that people see, by position.

    Attributes:
        keys: of each.
        names: of each.
        traits: of each, strongest first.
        labels: shape (n,), position of each visitor's segment, NO_SEGMENT for none.
        retired: keys that the previous version had, of segments that were not found again.
        groups: above the segments, each before what is within it; none on one level.
        parents: key of the group that each segment is within; none on one level.
    """

    keys: Sequence[Keyed]
    names: Sequence[str]
    traits: Sequence[Sequence[Trait]]
    labels: Labels
    retired: Sequence[str]
    groups: Sequence[Group] = ()
    parents: Sequence[str] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Naming:
    """How segments of one version are called.

    Attributes:
        version: that is made.
        visitors: shape (n, width), by whom segments are found again.
        specs: of the features.
        previous: the version before, None without one.
        given: names by people, by key.
    """

    version: int
    visitors: Features
    specs: Sequence[FeatureSpec]
    previous: Previous | None
    given: Mapping[str, str]

    def segments(self, head: Segmentation) -> Segments:
        """Keys and names of a segmentation's segments, and of the groups above them.

        Raises:
            BadNames: two are called the same.
        """
        labels = head.assign(self.visitors)
        before = self.previous.segmentation(head.name) if self.previous else None
        keys = self._own_keys(head, self._keys(head.name, head.count, labels, before), before)
        found = [traits(self.visitors, labels, position, head.shaping, self.specs) for position in range(head.count)]
        written = head.names if isinstance(head, Named) else [""] * head.count
        names = self._names(keys, found, before, written)
        groups = self._groups(head, labels, before) if isinstance(head, Hierarchy) else []
        kept = {keyed.key for keyed in (*keys, *(group.keyed for group in groups))}
        return Segments(
            keys=keys,
            names=names,
            traits=found,
            labels=labels,
            retired=[] if before is None else [key for key in before.names if key not in kept],
            groups=groups,
            parents=[groups[i].keyed.key for i in head.parents] if isinstance(head, Hierarchy) else [],
        )

    def _keys(self, name: str, count: int, labels: Labels, before: Before | None) -> list[Keyed]:
        if before is None:
            return issue_keys(name, self.version, count)
        return match_keys(name, self.version, count, labels, before.labels, before.known)

    def _own_keys(self, head: Segmentation, keys: Sequence[Keyed], before: Before | None) -> list[Keyed]:
        """With the keys that the segments' writers gave, which mean the same in every version."""
        if not isinstance(head, Named):
            return list(keys)
        issued = {} if before is None else {known.key: known.issued_in_version for known in before.known}
        new = issue_keys(head.name, self.version, head.count)
        found = [new[i] if keyed.key in head.keys else keyed for i, keyed in enumerate(keys)]  # another's own
        return [
            Keyed(own, issued.get(own, self.version), keyed.overlap if keyed.key == own else None) if own else other
            for own, keyed, other in zip(head.keys, keys, found, strict=True)
        ]

    def _names(
        self, keys: Sequence[Keyed], found: Sequence[Sequence[Trait]], before: Before | None, written: Sequence[str]
    ) -> list[str]:
        """By people's file, else by the segments' writers, else as before, else by what sets it apart."""
        known = {} if before is None else before.names
        names = {
            position: self.given.get(keyed.key) or written[position] or known.get(keyed.key, "")
            for position, keyed in enumerate(keys)
        }
        return name_segments(found, {position: name for position, name in names.items() if name})

    def _groups(self, head: Hierarchy, labels: Labels, before: Before | None) -> list[Group]:
        """Level by level, the coarsest first, as the head has them."""
        of_leaf = _memberships(head)
        found: list[Group] = []
        for level in dict.fromkeys(group.level for group in head.groups):
            positions = [i for i, group in enumerate(head.groups) if group.level == level]
            inside = _within(labels, of_leaf[:, positions])
            above = (
                None if before is None else before.level(len({group.level for group in head.groups[: positions[0]]}))
            )
            keys = self._keys(f"{head.name}-{level}", len(positions), inside, above)
            all_traits = [traits(self.visitors, inside, i, head.shaping, self.specs) for i in range(len(positions))]
            names = self._names(keys, all_traits, above, [""] * len(positions))
            for i, position in enumerate(positions):
                parent = head.groups[position].parent
                above_key = "" if parent is None else found[parent].keyed.key
                found.append(Group(keys[i], names[i], all_traits[i], float((inside == i).mean()), above_key))
        return found


def _memberships(head: Hierarchy) -> BoolArray:
    """Which segment is within which group, shape (segments, groups)."""
    within = np.zeros((head.count, len(head.groups)), np.bool_)
    for leaf, smallest in enumerate(head.parents):
        group: int | None = smallest
        while group is not None:
            within[leaf, group] = True
            group = head.groups[group].parent
    return within


def _within(labels: Labels, of_leaf: BoolArray) -> Labels:
    """Position of each visitor's group among those of one level, shape (n,)."""
    groups = np.append(np.where(of_leaf.any(axis=1), of_leaf.argmax(axis=1), NO_SEGMENT), NO_SEGMENT)
    inside: Labels = groups[labels]  # NO_SEGMENT is the last
    return inside
