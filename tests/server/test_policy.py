"""Cases as literal states: digits are the fingerprints of versions, "-" is one that is not complete."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1.policy_pb2 import Holdout, Policy, Shadow, Share
from server import traffic
from server.bundle import SUMS_FILE
from server.errors import BadPolicy
from server.policy import Wanted, read_policy, route, wanted, write_policy
from server.repository import Fingerprint
from server.traffic import Route
from tests.server.conftest import law

COMPLETE = Fingerprint(((SUMS_FILE, 1, 1),))
CHANGED = Fingerprint(((SUMS_FILE, 1, 2),))
INCOMPLETE = Fingerprint((("model.onnx", 1, 1),))

fingerprints = st.sampled_from([COMPLETE, CHANGED, INCOMPLETE])
states = st.dictionaries(st.integers(1, 9), fingerprints)
servings = st.none() | st.integers(1, 9)


def next_version(found: dict[int, Fingerprint], serving: int | None, refused: dict[int, Fingerprint]) -> int | None:
    """What is to be loaded of a model without a policy of its own, of which one version or none serves."""
    return wanted(found, [] if serving is None else [serving], refused, Policy()).load


@pytest.mark.parametrize(
    ("found", "serving", "refused", "expected"),
    [
        pytest.param({}, None, {}, None, id="an empty repository asks for nothing"),
        pytest.param({1: COMPLETE}, None, {}, 1, id="the first version is loaded"),
        pytest.param({1: COMPLETE}, 1, {}, None, id="what serves is not loaded again"),
        pytest.param({1: COMPLETE, 2: COMPLETE}, 1, {}, 2, id="a newer version replaces an older one"),
        pytest.param({1: COMPLETE, 2: COMPLETE, 3: COMPLETE}, 1, {}, 3, id="only the newest of two new ones"),
        pytest.param({9: COMPLETE, 10: COMPLETE}, None, {}, 10, id="versions are numbers, not words"),
        pytest.param({1: COMPLETE, 2: INCOMPLETE}, 1, {}, None, id="one that is being copied is waited for"),
        pytest.param({1: INCOMPLETE}, None, {}, None, id="so is the first one"),
        pytest.param({1: COMPLETE, 2: INCOMPLETE}, None, {}, 1, id="meanwhile the one before serves"),
        pytest.param({1: COMPLETE, 2: COMPLETE}, 1, {2: COMPLETE}, None, id="a refused one is left alone"),
        pytest.param({1: COMPLETE, 2: COMPLETE}, None, {2: COMPLETE}, 1, id="and the one before is taken"),
        pytest.param({1: COMPLETE, 2: CHANGED}, 1, {2: COMPLETE}, 2, id="a refused one that changed is tried again"),
        pytest.param({1: COMPLETE}, 2, {}, 1, id="taking the newest away goes back to the one before"),
        pytest.param({}, 2, {}, None, id="when all are taken away the last one serves on"),
        pytest.param({2: COMPLETE}, 2, {2: COMPLETE}, None, id="what serves serves on when its folder is spoilt"),
        pytest.param({1: COMPLETE}, None, {1: COMPLETE}, None, id="when all are refused nothing is loaded"),
    ],
)
def test_next_version(
    found: dict[int, Fingerprint], serving: int | None, refused: dict[int, Fingerprint], expected: int | None
) -> None:
    """The policy's answer, case by case."""
    assert next_version(found, serving, refused) == expected


@law
@given(states, servings, states)
def test_asks_only_for_what_can_be_loaded(
    found: dict[int, Fingerprint], serving: int | None, refused: dict[int, Fingerprint]
) -> None:
    """It never asks for what serves, for what is not there, incomplete, or refused as it stands."""
    version = next_version(found, serving, refused)
    if version is not None:
        assert version != serving
        assert found[version].is_complete
        assert refused.get(version) != found[version]


@law
@given(states, servings, states)
def test_same_question_same_answer(
    found: dict[int, Fingerprint], serving: int | None, refused: dict[int, Fingerprint]
) -> None:
    """It depends on nothing but its arguments, and not on their order."""
    turned = dict(reversed(found.items()))
    assert next_version(found, serving, refused) == next_version(turned, serving, refused)


@law
@given(states, servings, st.frozensets(st.integers(1, 9)))
def test_reaches_a_fixed_point(found: dict[int, Fingerprint], serving: int | None, good: frozenset[int]) -> None:
    """Following it ends, within a step for each version: at the newest usable one, or where it started."""
    first, refused = serving, dict[int, Fingerprint]()
    for _ in range(len(found) + 1):
        version = next_version(found, serving, refused)
        if version is None:
            break
        if version in good:
            serving = version
        else:
            refused[version] = found[version]
    assert next_version(found, serving, refused) is None
    # what served before needs no loading, so it counts as good
    usable = [v for v, state in found.items() if state.is_complete and (v in good or v == first)]
    assert serving == max(usable, default=first)


def test_damage_to_the_version_that_serves_does_not_go_back() -> None:
    """As long as it is on disk, a version that serves is not left for an older one because its files were damaged."""
    damaged = Fingerprint((("SHA256SUMS", 1, 2),))
    whole = Fingerprint((("SHA256SUMS", 1, 1),))
    assert next_version({1: whole, 2: damaged}, 2, {2: damaged}) is None
    assert next_version({1: whole, 2: damaged, 3: whole}, 2, {2: damaged}) == 3
    assert next_version({1: whole}, 2, {}) == 1


ALL = {1: COMPLETE, 2: COMPLETE, 3: COMPLETE, 4: COMPLETE}


@pytest.mark.parametrize(
    ("policy", "found", "loaded", "refused", "expected"),
    [
        pytest.param(Policy(newest=2), ALL, {4}, {}, (3, {3, 4}, 4), id="the newest two"),
        pytest.param(Policy(newest=2), ALL, {3, 4}, {4: COMPLETE}, (None, {3, 4}, 4), id="what is loaded stays"),
        pytest.param(Policy(newest=2), ALL, {3}, {4: COMPLETE}, (2, {2, 3}, 3), id="a refused one does not count"),
        pytest.param(Policy(versions=[1]), ALL, {4}, {}, (1, {1, 4}, 4), id="a named one beside the newest"),
        pytest.param(Policy(labels={"stable": 2}), ALL, {4}, {}, (2, {2, 4}, 4), id="one with a label"),
        pytest.param(Policy(labels={"stable": 2}), ALL, set(), {}, (4, {2, 4}, 4), id="the newest one first"),
        pytest.param(Policy(labels={"a": 3, "b": 2}), ALL, {4}, {}, (3, {2, 3, 4}, 4), id="then downwards"),
        pytest.param(Policy(labels={"a": 9}), ALL, {4}, {}, (None, {4}, 4), id="one that is not there waits"),
        pytest.param(Policy(labels={"a": 2}), ALL, {4}, {2: COMPLETE}, (None, {4}, 4), id="a refused one too"),
        pytest.param(
            Policy(labels={"a": 2}), {4: COMPLETE}, {2, 4}, {}, (None, {2, 4}, 4), id="a label outlives files"
        ),
        pytest.param(Policy(), {4: COMPLETE}, {2, 4}, {}, (None, {4}, 4), id="without a name it may go"),
    ],
)
def test_versions_that_a_policy_wants(
    policy: Policy,
    found: dict[int, Fingerprint],
    loaded: set[int],
    refused: dict[int, Fingerprint],
    expected: tuple[int | None, set[int], int],
) -> None:
    """What to load next, what may stay, and what is newest, case by case."""
    load, keep, newest = expected
    assert wanted(found, loaded, refused, policy) == Wanted(load, frozenset(keep), newest)


@pytest.mark.parametrize(
    ("policy", "found", "loaded", "withheld", "expected"),
    [
        pytest.param(Policy(), ALL, {3}, {4}, (None, {3}, 3), id="one that is withheld is not loaded"),
        pytest.param(Policy(newest=2), ALL, {3}, {4}, (2, {2, 3}, 3), id="nor counted"),
        pytest.param(Policy(), ALL, set(), {1, 2, 3, 4}, (None, set(), None), id="with all withheld nothing is"),
        pytest.param(Policy(labels={"a": 4}), ALL, {3}, {4}, (4, {3, 4}, 3), id="but one that the policy names"),
        pytest.param(Policy(labels={"a": 4}), {4: COMPLETE}, {3, 4}, {4}, (None, {3, 4}, 3), id="nor does it replace"),
    ],
)
def test_versions_that_wait_for_an_approval(
    policy: Policy,
    found: dict[int, Fingerprint],
    loaded: set[int],
    withheld: set[int],
    expected: tuple[int | None, set[int], int | None],
) -> None:
    """They do not serve by being new, and are loaded only where the policy names them."""
    load, keep, newest = expected
    assert wanted(found, loaded, {}, policy, withheld) == Wanted(load, frozenset(keep), newest)


def test_route_of_a_policy() -> None:
    """Labels, with "stable" for those who ask for none; without it the newest; salts of the model's own."""
    assert route("shop", Policy(), 4) == Route({"": 4}, split_salt="shop/split", holdout_salt="shop/holdout")
    policy = Policy(
        labels={"stable": 2, "canary": 4},
        split=[Share(label="canary", basis_points=500)],
        split_salt="again",
        holdout=Holdout(basis_points=100),
        shadow=Shadow(label="canary", basis_points=1),
    )
    split, shadow = (traffic.Share("canary", 500),), traffic.Share("canary", 1)
    targets = {"stable": 2, "canary": 4, "": 2}
    assert route("shop", policy, 4) == Route(targets, "stable", split, "again", 100, "shop/holdout", shadow)
    assert route("shop", Policy(), None).default == 0
    assert route("shop", Policy(), 4, {6, 5}).withheld == (5, 6)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[", "is not an audience.v1.Policy"),
        ("[]", "is not a JSON object"),
        ('{"lables": {}}', "is not an audience.v1.Policy.*lables"),
        ('{"labels": {"Stable": 1}}', "label 'Stable' must be 1 to 64 of a-z"),
        ('{"labels": {"": 1}}', "label '' must be"),
        ('{"labels": {"-a": 1}}', "label '-a' must be 1 to 64 of .*, with no sign first"),
        ('{"labels": {"stable": 0}}', "label 'stable' has the version 0; needed is 1 to"),
        ('{"versions": ["-1"]}', "versions has the version -1; needed is 1 to"),
        (
            '{"split": [{"label": "a", "basis_points": 1}]}',
            "the split names the label 'a'; the policy's labels are none",
        ),
        (
            '{"labels": {"a": 1}, "split": [{"label": "a", "basis_points": 0}]}',
            "the split has a share of 0 basis points; needed is 1 to 10,000",
        ),
        (
            (
                '{"labels": {"a": 1, "b": 1}, "split": [{"label": "a", "basis_points": 9000}, '
                '{"label": "b", "basis_points": 1001}]}'
            ),
            "the split shares out 10001 basis points; there are 10,000",
        ),
        (
            '{"labels": {"a": 1}, "split": [{"label": "a", "basis_points": 1}, {"label": "a", "basis_points": 1}]}',
            "the split names a label twice",
        ),
        ('{"labels": {"a": 1}, "shadow": {"label": "b", "basis_points": 1}}', "the shadow names the label 'b'"),
        ('{"holdout": {}}', "the holdout has a share of 0 basis points"),
        (" " * 70_000, "the policy has 65,537 bytes; at most 65,536 are read"),
        (json.dumps({"labels": {f"l{n}": 1 for n in range(65)}}), "the policy has 65 labels; at most 64"),
    ],
)
def test_policy_that_is_none(text: str, reason: str) -> None:
    """What is wrong is said, with what would be right."""
    with pytest.raises(BadPolicy, match=reason):
        read_policy(text.encode()[: (1 << 16) + 1])


scalars = st.none() | st.booleans() | st.integers(-1, 1 << 64) | st.floats() | st.sampled_from(["a", "stable", "1"])
names = st.sampled_from([field.name for field in Policy.DESCRIPTOR.fields] + ["label", "basis_points", "salt", "a"])
content = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=3), max_leaves=9
)


@law
@given(content.map(json.dumps).map(str.encode) | st.binary(max_size=9))
def test_any_file_is_a_policy_or_refused(text: bytes) -> None:
    """Nothing in the file fails in any other way, and what is a policy is an object, and stays one."""
    try:
        policy = read_policy(text)
    except BadPolicy:
        return
    assert isinstance(json.loads(text), dict)
    assert read_policy(write_policy(policy)) == policy
    route("shop", policy, 3)


def test_policy_there_and_back() -> None:
    """What is written is read as it was."""
    policy = Policy(newest=2, labels={"stable": 2}, split=[Share(label="stable", basis_points=10_000)])
    assert read_policy(write_policy(policy)) == policy
    assert read_policy(b"{}") == Policy()
