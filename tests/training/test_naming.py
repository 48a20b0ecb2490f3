"""Keys and names of segments, of those found again and of those whose writers gave them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from protos.audience.v1 import bundle_pb2
from server.heads import FloatMatrix
from training.export.nodes import Nodes
from training.features import Features, FeatureSpec
from training.heads import SEGMENT, Column, FloatArray, Group, Labels
from training.names import BadNames
from training.naming import Naming
from training.previous import Before
from training.segmentations.shaping import Shaping

SPECS = (
    FeatureSpec(name="spend", description="spend", high="Big", low="Small"),
    FeatureSpec(name="visits", description="v"),
)
VISITORS = np.column_stack([np.repeat([1, 2, 3, 4], 10), np.tile([1, 2], 20)]).astype(np.float32)
ALL = np.repeat([0, 1, 2, 3], 10)


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """A segmentation that puts visitors where it is told. See Segmentation, Hierarchy and Named."""

    labels: Labels
    count: int = 4
    names: Sequence[str] = ("", "", "", "")
    keys: Sequence[str] = ("", "", "", "")
    groups: Sequence[Group] = ()
    parents: Sequence[int] = ()
    name: str = "head"
    title: str = "a head"
    columns: Sequence[Column] = ((SEGMENT, 1),)
    has_outliers: bool = True
    tried: Sequence[dict[str, float]] = ()

    @property
    def shaping(self) -> Shaping:
        """Of both features."""
        return Shaping.fit(VISITORS, SPECS, ["spend", "visits"])

    def assign(self, features: Features) -> Labels:
        """As told."""
        assert len(features) == len(self.labels)
        return self.labels

    def scores(self, features: Features) -> FloatArray:
        """As told."""
        return self.assign(features)[:, None].astype(np.float64)

    def emit(self, nodes: Nodes, features: str) -> str:
        """Never asked for."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """A version before, which put visitors where it is told. See Previous."""

    before: Before | None
    scores: FloatMatrix

    def segmentation(self, head: str) -> Before | None:
        """As told."""
        assert head == "head"
        return self.before


def _naming(before: Before | None = None, **given: str) -> Naming:
    previous = None if before is None else Earlier(before, np.zeros((40, 1), np.float32))
    return Naming(2, VISITORS, SPECS, previous, {key.replace("_", "-"): name for key, name in given.items()})  # type: ignore[arg-type]


def _before(labels: Labels, keys: Sequence[str], groups: Sequence[tuple[str, str]] = (), parents: str = "") -> Before:
    above = list(parents) or [""] * len(keys)
    return Before(
        labels,
        bundle_pb2.Head(
            name="head",
            segments=[
                bundle_pb2.SegmentFacts(key=key, name=f"old {key}", issued_in_version=1, parent=parent)
                for key, parent in zip(keys, above, strict=True)
            ],
            groups=[
                bundle_pb2.SegmentFacts(key=key, name=f"old {key}", issued_in_version=1, parent=parent)
                for key, parent in groups
            ],
        ),
    )


def test_a_first_version() -> None:
    """Every key is issued by this version, and every name is found and distinct."""
    found = _naming().segments(Fixed(ALL))
    assert [keyed.key for keyed in found.keys] == ["head-2-1", "head-2-2", "head-2-3", "head-2-4"]
    assert len(set(found.names)) == 4
    assert (found.retired, found.groups, found.parents) == ([], [], [])


def test_found_again() -> None:
    """In another order, segments keep key and name; a new one gets new ones, and one that is gone is retired."""
    labels = np.array([1, 0, 2, 3])[ALL]
    before = _before(np.where(labels == 3, -1, np.where(ALL == 3, -1, ALL)), ["a", "b", "c", "gone"])
    found = _naming(before).segments(Fixed(labels))
    assert [(keyed.key, keyed.overlap) for keyed in found.keys] == [("b", 1), ("a", 1), ("c", 1), ("head-2-4", None)]
    assert found.names[:3] == ["old b", "old a", "old c"]
    assert found.retired == ["gone"]


def test_whose_name_wins() -> None:
    """People's file wins over the writers of the segments, they over the version before, and that over traits."""
    before = _before(ALL, ["a", "b", "c", "d"])
    named = Fixed(ALL, names=("Written", "Also written", "", ""))
    assert list(_naming(before, a="By people", c="By people too").segments(named).names) == [
        "By people",
        "Also written",
        "By people too",
        "old d",
    ]


def test_two_of_one_name() -> None:
    """Two segments cannot be called the same."""
    with pytest.raises(BadNames, match="two segments are called the same"):
        _naming(_before(ALL, ["a", "b", "c", "d"]), a="Same", b="Same").segments(Fixed(ALL))


def test_own_keys() -> None:
    """A key that its writer gave stays with its rule, whomever that is about now, with the version that issued it."""
    moved = np.array([1, 0, 2, 3])[ALL]
    found = _naming(_before(ALL, ["own", "b", "c", "d"])).segments(Fixed(moved, keys=("own", "", "", "")))
    assert [keyed.key for keyed in found.keys] == ["own", "head-2-2", "c", "d"]
    assert [keyed.issued_in_version for keyed in found.keys] == [1, 2, 1, 1]
    assert [keyed.overlap for keyed in found.keys] == [None, None, 1, 1]
    assert found.retired == ["b"]


def test_nobody_in_a_segment() -> None:
    """A segment that nobody is in has no traits, and a name all the same."""
    found = _naming().segments(Fixed(np.where(ALL == 3, -1, ALL)))
    assert [len(one) for one in found.traits] == [2, 2, 2, 0]
    assert len(set(found.names)) == 4


def test_groups_keep_their_keys() -> None:
    """Groups of a hierarchy are found again by their visitors, in whatever order, and their names can be given."""
    groups = (Group(2, None), Group(2, None))
    first = _naming().segments(Fixed(ALL, groups=groups, parents=(0, 0, 1, 1)))
    assert [group.keyed.key for group in first.groups] == ["head-2-2-1", "head-2-2-2"]
    assert first.parents == ["head-2-2-1", "head-2-2-1", "head-2-2-2", "head-2-2-2"]
    before = _before(ALL, ["a", "b", "c", "d"], [("x", ""), ("y", "")], "xxyy")
    again = _naming(before, x="Ours").segments(Fixed(ALL, groups=groups, parents=(1, 1, 0, 0)))
    assert [(group.keyed.key, group.name, group.share) for group in again.groups] == [
        ("y", "old y", 0.5),
        ("x", "Ours", 0.5),
    ]
    assert again.parents == ["x", "x", "y", "y"]
    assert again.retired == []


def test_levels_that_are_gone() -> None:
    """Of a hierarchy that has one level now, the groups' keys are retired."""
    before = _before(ALL, ["a", "b", "c", "d"], [("x", ""), ("y", "")], "xxyy")
    assert _naming(before).segments(Fixed(ALL)).retired == ["x", "y"]


def test_groups_within_groups() -> None:
    """Each group says which it is within, level by level."""
    groups = (Group(1, None), Group(2, 0), Group(2, 0))
    found = _naming().segments(Fixed(ALL, groups=groups, parents=(1, 1, 2, 2)))
    assert [group.keyed.key for group in found.groups] == ["head-1-2-1", "head-2-2-1", "head-2-2-2"]
    assert [group.parent for group in found.groups] == ["", "head-1-2-1", "head-1-2-1"]
    assert [group.share for group in found.groups] == [1, 0.5, 0.5]
