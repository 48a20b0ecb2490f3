"""Cases as literal states: digits are the fingerprints of versions, "-" is one that is not complete."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.bundle import SUMS_FILE
from server.policy import next_version
from server.repository import Fingerprint
from tests.server.conftest import law

COMPLETE = Fingerprint(((SUMS_FILE, 1, 1),))
CHANGED = Fingerprint(((SUMS_FILE, 1, 2),))
INCOMPLETE = Fingerprint((("model.onnx", 1, 1),))

fingerprints = st.sampled_from([COMPLETE, CHANGED, INCOMPLETE])
states = st.dictionaries(st.integers(1, 9), fingerprints)
servings = st.none() | st.integers(1, 9)


@pytest.mark.parametrize(
    ("found", "serving", "refused", "wanted"),
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
    found: dict[int, Fingerprint], serving: int | None, refused: dict[int, Fingerprint], wanted: int | None
) -> None:
    """The policy's answer, case by case."""
    assert next_version(found, serving, refused) == wanted


@law
@given(states, servings, states)
def test_asks_only_for_what_can_be_loaded(
    found: dict[int, Fingerprint], serving: int | None, refused: dict[int, Fingerprint]
) -> None:
    """It never asks for what serves, for what is not there, incomplete, or refused as it stands."""
    wanted = next_version(found, serving, refused)
    if wanted is not None:
        assert wanted != serving
        assert found[wanted].is_complete
        assert refused.get(wanted) != found[wanted]


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
        wanted = next_version(found, serving, refused)
        if wanted is None:
            break
        if wanted in good:
            serving = wanted
        else:
            refused[wanted] = found[wanted]
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
