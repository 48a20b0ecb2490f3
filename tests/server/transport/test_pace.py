import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.transport.pace import Pace
from tests.server.conftest import law

STEP = 1.05  # what one turn moves the estimate by
seconds = st.floats(1e-6, 10)


def after(turns: list[float], rows: int = 1) -> Pace:
    """The pace after turns of so many rows each, which took so long a row."""
    pace = Pace()
    for row_s in turns:
        pace.took(rows, row_s * rows)
    return pace


def test_nothing_is_expected_at_first() -> None:
    """Before anything was scored, nothing is refused for want of time."""
    assert Pace().expected_s(1000) == 0


@law
@given(seconds, st.integers(1, 1000), st.integers(0, 1000))
def test_first_turn_is_the_first_estimate(row_s: float, rows: int, asked: int) -> None:
    """What a row took, for as many rows as are asked about."""
    assert after([row_s], rows).expected_s(asked) == pytest.approx(row_s * asked)


@law
@given(st.sets(st.integers(0, 11), min_size=1), st.integers(1, 4095))
def test_turns_of_each_size_have_their_own(powers: set[int], asked: int) -> None:
    """What is asked about costs as in turns of its size; of the next smaller that was seen, or else the smallest."""
    pace = Pace()
    for power in powers:
        for _ in range(300):
            pace.took(2**power, 1.0 + 2**power)  # a turn takes a second, and a unit another
    own = asked.bit_length() - 1
    near = max((power for power in powers if power <= own), default=min(powers))
    unit_s = 1 + 1 / 2**near
    assert pace.expected_s(asked) == pytest.approx(unit_s * asked, rel=STEP**2 - 1)
    for beside in (asked // 2, asked - 1):
        assert pace.expected_s(asked - beside, beside) == pytest.approx(unit_s * (asked - beside), rel=STEP**2 - 1)


@law
@given(seconds, st.integers(1, 11), st.floats(1, 1e4))
def test_a_larger_turn_begins_where_smaller_ones_are(unit_s: float, power: int, times: float) -> None:
    """The first turn of a size is no measure of it when something is known: it moves that by one step, to twice."""
    pace = after([unit_s] * 100)
    known_s = pace.expected_s(1)
    pace.took(2**power, unit_s * times * 2 * 2**power)
    assert pace.expected_s(2**power) == pytest.approx(2 * known_s * 2**power)


@law
@given(seconds, seconds, st.integers(100, 300))
def test_one_pause_moves_it_by_one_step(usual: float, pause: float, settled: int) -> None:
    """However long or short one turn was, once there were many the estimate changes by 5 %."""
    turns = [usual] * settled
    before = after(turns).expected_s(1)
    moved = after([*turns, pause]).expected_s(1) / before
    assert moved == pytest.approx(STEP if pause > before else 1 / STEP, rel=1e-4)


@law
@given(seconds, st.lists(seconds, min_size=1, max_size=60))
def test_steps_grow_smaller(first: float, turns: list[float]) -> None:
    """The second turn moves the estimate furthest, to twice or half at most, and each later one less than before it."""
    expected = [after([first, *turns[:count]]).expected_s(1) for count in range(len(turns) + 1)]
    steps = np.abs(np.diff(np.log(expected)))
    assert steps[0] <= np.log(2) + 1e-9
    assert steps[-1] >= np.log(STEP) - 1e-9
    assert (np.diff(steps) < 0).all()


@law
@given(seconds, st.floats(1, 100))
def test_a_slow_first_turn_is_soon_forgotten(usual: float, times: float) -> None:
    """One up to a hundred times as slow as usual, as the very first may be, is made good for by ten others."""
    expected = after([usual * times] + [usual] * 10).expected_s(1)
    assert 1 / 2 < expected / usual < 2


@law
@given(st.floats(1e-3, 10), st.floats(1.5, 100))
def test_a_quick_first_turn_is_soon_forgotten(usual: float, times: float) -> None:
    """And one that was as much quicker likewise."""
    expected = after([usual / times] + [usual] * 10).expected_s(1)
    assert 1 / 2 < expected / usual < 2


@law
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3), st.floats(0.1, 0.5))
def test_it_comes_to_the_median(seed: int, start: float, spread: float) -> None:
    """Wherever it began, it ends near the time that half of the turns exceed, whatever long pauses are among them."""
    generator = np.random.default_rng(seed)
    turns = np.exp(generator.normal(0, spread, 600))
    turns[generator.random(600) < 0.02] = 1e4
    expected = after([start, *turns.tolist()]).expected_s(1)
    assert abs(np.log(expected / np.median(turns))) < 10 * np.log(STEP)  # it never rests: ten steps either way


@law
@given(st.floats(1e-3, 10), st.floats(1e-4, 1))
def test_passing_over_ends(expected: float, deadline: float) -> None:
    """After enough requests were not scored for want of time, one is tried again, whatever its deadline."""
    pace = after([expected])
    count = 0
    while pace.expected_s(1) > deadline:
        pace.passed_over()
        count += 1
    assert count <= max(0, np.log(expected / deadline) / -np.log(0.99)) + 1
