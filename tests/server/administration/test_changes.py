"""What an operator may do to a policy."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1.policy_pb2 import Holdout, Policy, Shadow, Share
from server.administration import changes
from server.administration.changes import Change, NotFound, NotPossible
from server.errors import AudienceError, BadPolicy
from server.policy import check_policy
from tests.server.conftest import law

labels = st.sampled_from(["stable", "canary", "next"])
versions = st.integers(1, 4)
points = st.integers(1, 10_000)
defaults = st.integers(0, 4)
others = st.lists(versions, max_size=2)
by_themselves = st.one_of(
    st.builds(changes.load, versions),
    st.builds(changes.unload, versions, st.sets(versions)),
    st.builds(changes.set_label, labels, versions, defaults),
    st.builds(changes.remove_label, labels),
    st.builds(changes.promote, labels, defaults),
    st.builds(changes.roll_back, labels, others, defaults),
)
shares = st.lists(st.builds(lambda label, points: Share(label=label, basis_points=points), labels, points), max_size=3)
shadows = st.none() | st.builds(lambda label, points: Shadow(label=label, basis_points=points), labels, points)
with_words_of_the_caller = st.one_of(
    st.builds(changes.set_split, shares, st.sampled_from(["", "salt"])),
    st.builds(changes.set_shadow, shadows),
    st.builds(changes.set_holdout, st.integers(0, 10_001)),
)
steps = st.lists(
    st.tuples(by_themselves, st.just(False)) | st.tuples(with_words_of_the_caller, st.just(True)), max_size=12
)


def after(policy: Policy, *done: Change) -> Policy:
    """A policy after changes."""
    changed = Policy()
    changed.CopyFrom(policy)
    for change in done:
        change(changed)
    return changed


@law
@given(steps)
def test_policy_stays_one(sequence: Sequence[tuple[Change, bool]]) -> None:
    """What was a policy is one after every change that is possible; only a caller's own words can make it none."""
    policy = Policy()
    for change, may_be_wrong in sequence:
        try:
            changed = after(policy, change)
        except (NotFound, NotPossible):
            continue
        try:
            check_policy(changed)
        except BadPolicy:
            assert may_be_wrong
            continue
        policy = changed


@law
@given(st.dictionaries(labels, versions), defaults, st.lists(versions, max_size=2))
def test_rolling_back_twice(given_labels: dict[str, int], default: int, older: list[int]) -> None:
    """Going back after a promotion gives "stable" what it had; going back again is as if nobody had."""
    policy = Policy(labels={**given_labels, "canary": 3})
    promoted = after(policy, changes.promote("canary", default))
    before = policy.labels.get("stable") or default
    if before in {0, 3}:
        return  # nothing was there, or nothing changed
    back = after(promoted, changes.roll_back("stable", older, 3))
    assert back.labels["stable"] == before
    again = after(back, changes.roll_back("stable", older, before))
    assert again == promoted


def test_loading() -> None:
    """A version is loaded once, however often it is asked for, and is unloaded in one step."""
    policy = after(Policy(), changes.load(3), changes.load(3))
    assert policy == Policy(versions=[3])
    assert after(Policy(unloaded=True), changes.load(3)) == policy
    assert after(Policy(versions=[3, 4, 3]), changes.unload(3, {3, 4})) == Policy(versions=[4])


def test_first_label_remembers_what_served() -> None:
    """What served those who ask for none is what "stable" goes back to; another label had nothing before."""
    policy = after(Policy(), changes.set_label("stable", 1, 2), changes.set_label("canary", 2, 2))
    assert policy == Policy(labels={"stable": 1, "canary": 2}, previous={"stable": 2})
    moved = after(policy, changes.set_label("canary", 3, 1), changes.set_label("canary", 3, 1))
    assert moved.previous == {"stable": 2, "canary": 2}


def test_label_and_its_memory_go_together() -> None:
    """A label that was taken away is as if it had never been."""
    policy = Policy(labels={"canary": 2}, previous={"canary": 1})
    assert after(policy, changes.remove_label("canary")) == Policy()


def test_promotion_ends_the_share() -> None:
    """The label's version is everybody's, so that its share ends; the others keep theirs, and the salt stays."""
    policy = Policy(
        labels={"canary": 2, "next": 3},
        split=[Share(label="canary", basis_points=500), Share(label="next", basis_points=100)],
        split_salt="a",
    )
    promoted = after(policy, changes.promote("canary", 1))
    assert promoted.labels == {"canary": 2, "next": 3, "stable": 2}
    assert list(promoted.split) == [Share(label="next", basis_points=100)]
    assert (dict(promoted.previous), promoted.split_salt) == ({"stable": 1}, "a")


def test_rolling_back_what_nobody_changed() -> None:
    """Without a label "stable" the best older version gets it, and what served before is remembered."""
    back = after(Policy(), changes.roll_back("stable", [2, 1], 3))
    assert back == Policy(labels={"stable": 2}, previous={"stable": 3})
    assert after(back, changes.roll_back("stable", [1], 2)).labels == {"stable": 3}


def test_split_shadow_and_holdout_end() -> None:
    """No share, no shadow and a holdout of 0 leave nothing but the salt of the split; a holdout's stays while it is."""
    begun = Policy(
        labels={"canary": 2},
        split=[Share(label="canary", basis_points=1)],
        split_salt="s",
        shadow=Shadow(label="canary", basis_points=1),
        holdout=Holdout(basis_points=1, salt="h"),
    )
    assert after(begun, changes.set_holdout(2)).holdout == Holdout(basis_points=2, salt="h")
    ended = after(begun, changes.set_split([], ""), changes.set_shadow(None), changes.set_holdout(0))
    assert ended == Policy(labels={"canary": 2}, split_salt="s")


BUSY = Policy(
    labels={"stable": 1, "canary": 2, "beside": 2},
    split=[Share(label="canary", basis_points=500)],
    shadow=Shadow(label="beside", basis_points=500),
    previous={"stable": 5},
)


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (
            changes.unload(1, {1, 2, 3}),
            NotPossible,
            "version 1 has the label 'stable'; give that to another version first",
        ),
        (changes.unload(3, {1, 2, 3}), NotPossible, "version 3 cannot be unloaded: it is loaded as one of the newest"),
        (changes.unload(4, {1, 2, 3}), NotPossible, "version 4 cannot be unloaded: it is not loaded"),
        (changes.unload(5, {1, 5}), NotPossible, "it had the label 'stable' before, and stays loaded so that rolling"),
        (changes.remove_label("no"), NotFound, "there is no label 'no'; the labels are beside, canary, stable"),
        (changes.remove_label("canary"), NotPossible, "the split has a share for the label 'canary'; end that first"),
        (changes.remove_label("beside"), NotPossible, "the shadow is the label 'beside'; end that first"),
        (changes.promote("stable", 1), NotPossible, "the label 'stable' is what others are promoted to"),
        (changes.promote("no", 1), NotFound, "there is no label 'no'; the labels are beside, canary, stable"),
        (changes.roll_back("canary", [1], 1), NotPossible, "'canary' was never given to another version"),
    ],
)
def test_what_is_not_possible(change: Change, kind: type[AudienceError], words: str) -> None:
    """It is refused, and the reason says why or what would help."""
    with pytest.raises(kind) as caught:
        after(BUSY, change)
    assert words in str(caught.value)


@pytest.mark.parametrize("change", [changes.remove_label("x" * 1000), changes.promote("x" * 1000, 0)])
def test_long_words_are_not_repeated(change: Callable[[Policy], None]) -> None:
    """A reason quotes what was asked for only as far as it could be a label."""
    with pytest.raises(NotFound) as caught:
        after(Policy(), change)
    assert str(caught.value) == f"there is no label '{'x' * 64}'; the labels are none"
