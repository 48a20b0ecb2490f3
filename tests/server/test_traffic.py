"""Who gets which version."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.runtime import as_json
from server.traffic import WHOLE, Route, Share, bucket
from tests.server.conftest import law

VISITORS = [b"visitor %d" % number for number in range(20_000)]
points = st.integers(1, WHOLE // 4)


def test_places_are_known() -> None:
    """The same for ever, in every process, since campaigns depend on it; the numbers are from coreutils' b2sum."""
    assert [bucket("shop/split", visitor) for visitor in (b"v1", b"v2", b"")] == [436, 4142, 7354]
    assert bucket("shop/holdout", b"v1") == 8036


def test_places_are_even() -> None:
    """Each tenth has a tenth of the visitors, and another salt has nothing to do with it."""
    first = [bucket("a", visitor) for visitor in VISITORS]
    second = [bucket("b", visitor) for visitor in VISITORS]
    assert max(abs(count - 2000) for count in Counter(place // 1000 for place in first).values()) < 200
    both = sum(one < 1000 and other < 1000 for one, other in zip(first, second, strict=True))
    assert abs(both - 200) < 60


@law
@given(st.binary(min_size=1, max_size=9), points, points, points)
def test_a_larger_share_keeps_those_who_are_in_it(visitor: bytes, first: int, last: int, more: int) -> None:
    """Raising a share takes nobody out of it, nor the others that come before it."""

    def of(canary: int, last: int) -> str:
        return Route(split=(Share("canary", canary), Share("last", last)), split_salt="s").share_of(visitor)

    if of(first, last) == "canary":
        assert of(first + more, last) == of(first, last + more) == "canary"
    if of(first, last) == "last":
        assert of(first, last + more) == "last"
    if of(first + more, last) == "":
        assert of(first, last) == ""


def test_shares() -> None:
    """So many of all visitors get each, and who has no identifier gets none."""
    route = Route(split=(Share("canary", 500), Share("next", 2000)), split_salt="s", holdout=1000, holdout_salt="h")
    shares = Counter(route.share_of(visitor) for visitor in VISITORS)
    assert abs(shares["canary"] - 1000) < 150
    assert abs(shares["next"] - 4000) < 300
    assert abs(sum(map(route.is_held_out, VISITORS)) - 2000) < 200
    assert (route.share_of(b""), route.is_held_out(b"")) == ("", False)
    assert Route(split=(Share("all", WHOLE),), split_salt="s").share_of(b"v") == "all"


@pytest.mark.parametrize(
    ("targets", "loaded", "before", "expected"),
    [
        ({"": 2, "a": 1}, {1, 2}, {}, {"": 2, "a": 1}),
        ({"": 2, "a": 3}, {2}, {"a": 2}, {"": 2, "a": 2}),
        ({"": 2, "a": 3}, {2}, {"a": 1}, {"": 2}),
        ({"": 3}, {1, 2}, {"": 1}, {"": 1}),
        ({"": 3}, {1, 2}, {}, {"": 2}),
        ({"": 3}, set(), {"": 1}, {}),
    ],
)
def test_among_what_is_loaded(
    targets: dict[str, int], loaded: set[int], before: dict[str, int], expected: dict[str, int]
) -> None:
    """A label whose version is not loaded keeps the one that it had, if that is; who asks for none gets something."""
    assert Route(targets).settled(loaded, before).targets == expected


@pytest.mark.parametrize(
    ("targets", "before", "unapproved", "withheld", "expected"),
    [
        ({"": 2, "a": 2}, {"": 1, "a": 1}, {("a", 2)}, (), {"": 2, "a": 1}),
        ({"": 2, "a": 2}, {"": 1}, {("a", 2)}, (), {"": 2}),
        ({"": 2, "a": 2}, {"": 1, "a": 1}, {("a", 2), ("", 2)}, (2,), {"": 1, "a": 1}),
        ({"": 2}, {"": 3}, {("", 2), ("", 3)}, (2, 3), {"": 1}),
        ({"a": 2}, {}, set(), (1, 2, 3), {"a": 2}),
    ],
)
def test_among_what_is_approved(
    targets: dict[str, int],
    before: dict[str, int],
    unapproved: set[tuple[str, int]],
    withheld: tuple[int, ...],
    expected: dict[str, int],
) -> None:
    """A label stays where it was while it may not move, and what was before has to be approved too."""
    assert Route(targets, withheld=withheld).settled({1, 2, 3}, before, unapproved).targets == expected


labels = st.sampled_from(["", "stable", "canary"])
numbers = st.integers(1, 4)


@law
@given(
    st.dictionaries(labels, numbers),
    st.frozensets(numbers),
    st.dictionaries(labels, numbers),
    st.frozensets(st.tuples(labels, numbers)),
)
def test_nobody_gets_what_nobody_approved(
    targets: dict[str, int], loaded: frozenset[int], before: dict[str, int], unapproved: frozenset[tuple[str, int]]
) -> None:
    """Whatever is loaded and was before, a label is at a version that is there and may have it, or nowhere."""
    withheld = tuple(sorted(version for label, version in unapproved if not label))
    settled = Route(targets, withheld=withheld).settled(loaded, before, unapproved).targets
    assert unapproved.isdisjoint(settled.items())
    assert loaded.issuperset(settled.values())
    assert ("" in settled) == any(("", version) not in unapproved for version in loaded)


def test_route_of_before_there_were_approvals() -> None:
    """What a control process told that did not know of them is gone on from."""
    content = json.loads(as_json(Route({"": 1})))
    del content["withheld"]
    assert Route.from_json(content) == Route({"": 1})
    kept = Route({"": 1}, withheld=(2,))
    assert Route.from_json(json.loads(as_json(kept))) == kept


def test_label_of_those_who_ask_for_none() -> None:
    """They are told a label only while the version that they get has it."""
    route = Route({"": 3, "stable": 3}, "stable")
    assert route.settled({2, 3}, {}) == route
    assert route.settled({2}, {"": 2, "stable": 2}) == Route({"": 2, "stable": 2}, "stable")
    assert route.settled({2, 4}, {"": 2}) == Route({"": 2})
    assert route.settled({1, 2}, {}) == Route({"": 2})
