import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.keys import Keyed, Known, Labels, issue_keys, jaccard, match_keys

A, B, C = Known("h-1-1", 1), Known("h-1-2", 1), Known("h-2-3", 2)
POSITIONS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=60)


def _labels(*counts: tuple[int, int, int]) -> tuple[Labels, Labels]:
    """Labels now and before, from (position now, position before, visitors)."""
    rows = np.array([(now, before) for now, before, count in counts for _ in range(count)], dtype=np.int64)
    return rows[:, 0], rows[:, 1]


def _keys(keyed: list[Keyed]) -> list[str]:
    return [one.key for one in keyed]


def test_first_keys() -> None:
    """A segmentation's first keys are numbered and issued in its version."""
    assert issue_keys("value", 3, 2) == [Keyed("value-3-1", 3, None), Keyed("value-3-2", 3, None)]


def test_permuted_labels_keep_their_keys() -> None:
    """The same segments in another order keep their keys and the versions that issued them."""
    labels, previous = _labels((2, 0, 10), (0, 1, 20), (1, 2, 30))
    assert match_keys("h", 3, 3, labels, previous, [A, B, C]) == [
        Keyed("h-1-2", 1, 1.0),
        Keyed("h-2-3", 2, 1.0),
        Keyed("h-1-1", 1, 1.0),
    ]


def test_split_segment_keeps_its_key_once() -> None:
    """Of a segment that was split, the part with at least half of it keeps the key; the other is new."""
    labels, previous = _labels((0, 0, 30), (1, 0, 70), (2, 1, 50))
    assert match_keys("h", 2, 3, labels, previous, [A, B]) == [
        Keyed("h-2-1", 2, None),
        Keyed("h-1-1", 1, 0.7),
        Keyed("h-1-2", 1, 1.0),
    ]


@pytest.mark.parametrize(
    ("inside", "outside", "is_kept"),
    [(50, 50, True), (49, 51, False), (51, 49, True), (100, 0, True), (1, 99, False)],
)
def test_half_is_enough(inside: int, outside: int, is_kept: bool) -> None:  # noqa: FBT001  # a truth table
    """An overlap of exactly 0.5 keeps the key, less does not."""
    labels, previous = _labels((0, 0, inside), (1, 0, outside), (2, 1, 10))
    assert (match_keys("h", 2, 3, labels, previous, [A, B])[0].key == "h-1-1") is is_kept


def test_two_halves_do_not_share_a_key() -> None:
    """Where both halves overlap by exactly 0.5, one keeps the key and the other is new."""
    labels, previous = _labels((0, 0, 40), (1, 0, 40))
    keyed = match_keys("h", 2, 2, labels, previous, [A])
    assert sorted(_keys(keyed)) in (["h-1-1", "h-2-1"], ["h-1-1", "h-2-2"])


def test_merged_segment_keeps_one_key() -> None:
    """Of two segments that became one, the larger one's key stays and the other is no longer used."""
    labels, previous = _labels((0, 0, 60), (0, 1, 40))
    assert match_keys("h", 2, 1, labels, previous, [A, B]) == [Keyed("h-1-1", 1, 0.6)]


def test_small_overlaps_do_not_outvote_a_large_one() -> None:
    """A segment that was found again keeps its key also where two small overlaps have the larger sum.

    Overlaps are 0.515 for the first pair and 0.32 for each of the crossed ones, whose sum is 0.64.
    """
    labels, previous = _labels((0, 0, 68), (0, 1, 32), (1, 0, 32), (2, 2, 68))
    keyed = match_keys("h", 2, 3, labels, previous, [A, B, C])
    assert _keys(keyed) == ["h-1-1", "h-2-2", "h-2-3"]
    assert keyed[0].overlap == pytest.approx(68 / 132)


def test_nothing_in_common() -> None:
    """Segments that are all different get new keys."""
    labels, previous = _labels((0, 0, 30), (1, 0, 30), (2, 0, 30))
    assert _keys(match_keys("h", 2, 3, labels, previous, [A])) == ["h-2-1", "h-2-2", "h-2-3"]


@given(rows=POSITIONS)
def test_jaccard_is_intersection_over_union(rows: list[tuple[int, int]]) -> None:
    """Every overlap is what sets of visitors give, 0 for a segment without any."""
    now, before = np.array(rows).T
    overlaps = jaccard(now, 5, before, 4)
    for i in range(5):
        for j in range(4):
            one, other = set(np.flatnonzero(now == i)), set(np.flatnonzero(before == j))
            assert overlaps[i, j] == (len(one & other) / len(one | other) if one | other else 0)


@given(rows=POSITIONS)
def test_every_good_pair_keeps_its_key_once(rows: list[tuple[int, int]]) -> None:
    """Keys are distinct; every overlap above half is kept, none below it; new keys are of this version."""
    now, before = np.array(rows).T
    known = [Known(f"h-{version}-1", version) for version in (1, 2, 3, 4)]
    keyed = match_keys("h", 5, 5, now, before, known)
    overlaps = jaccard(now, 5, before, 4)
    assert len(set(_keys(keyed))) == 5
    for position, one in enumerate(keyed):
        matches = [j for j in range(4) if known[j].key == one.key]
        assert one.issued_in_version == (matches[0] + 1 if matches else 5)
        assert one.overlap == (overlaps[position, matches[0]] if matches else None)
        assert one.overlap is None or one.overlap >= 0.5
        assert matches or one.key.startswith("h-5-")
        for j in np.flatnonzero(overlaps[position] > 0.5):
            assert one.key == known[j].key


@given(rows=POSITIONS, order=st.permutations(range(5)), old_order=st.permutations(range(4)))
def test_positions_mean_nothing(rows: list[tuple[int, int]], order: list[int], old_order: list[int]) -> None:
    """Another order of the segments, now or before, leaves every visitor who keeps a key with the same key.

    Overlaps of exactly 0.5 are left out: either of two halves may keep the key.
    """
    now, before = np.array(rows).T
    if (jaccard(now, 5, before, 4) == 0.5).any():
        return
    known = [Known(f"h-1-{i}", 1) for i in range(4)]
    plain = match_keys("h", 2, 5, now, before, known)
    other_known = [known[old_order.index(i)] for i in range(4)]
    other = match_keys("h", 2, 5, np.array(order)[now], np.array(old_order)[before], other_known)
    for i, position in enumerate(now):
        kept, again = plain[position], other[np.array(order)[now][i]]
        assert (kept.overlap is None) == (again.overlap is None)
        assert kept.overlap is None or kept.key == again.key
