import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1 import bundle_pb2
from server.model import Model
from server.shadow import LARGEST_DIFFERENCE, LONGEST_ROW_S, MOST_ROWS, PIECE_S, Portion, Shadow, Turns
from server.traffic import WHOLE, Route, Share
from tests.server.conftest import Measured, law
from tests.server.literal import manifest, model, propensity, segmentation, value

NAN = math.nan


def taken(turns: Turns, count: int) -> list[bool]:
    """Whether each of the next so many requests is taken."""
    return [turns.next_is_taken() for _ in range(count)]


@law
@given(st.integers(1, WHOLE), st.integers(0, 3 * WHOLE))
def test_turns_are_exact(basis_points: int, before: int) -> None:
    """Of any 10,000 requests in a row as many are taken as there are basis points."""
    turns = Turns(basis_points)
    taken(turns, before)
    assert sum(taken(turns, WHOLE)) == basis_points


@law
@given(st.integers(1, WHOLE), st.integers(1, 2000))
def test_turns_are_spread(basis_points: int, count: int) -> None:
    """Of the first few as many as there should be too, but for a few: they do not come in bursts."""
    assert abs(sum(taken(Turns(basis_points), count)) - count * basis_points / WHOLE) < 5


@pytest.mark.parametrize("period", [2, 3, 4, 5, 7, 8, 10])
def test_turns_do_not_follow_a_rhythm(period: int) -> None:
    """Callers who take turns with others all get their part."""
    turns = taken(Turns(1000), WHOLE * period)
    parts = [sum(turns[first::period]) for first in range(period)]
    assert max(parts) - min(parts) <= period + 1


@pytest.mark.parametrize(
    ("row_s", "rows"),
    [(0.0, MOST_ROWS), (PIECE_S / MOST_ROWS, MOST_ROWS), (PIECE_S / 3.5, 3), (PIECE_S, 1), (LONGEST_ROW_S, 1)],
)
def test_portion(row_s: float, rows: int) -> None:
    """After a first row, as many are taken together as fit in the time of a piece; one always is."""
    portion = Portion()
    assert portion.rows == 1
    portion.took(4, 4 * row_s)
    assert (portion.rows, portion.is_too_slow) == (rows, False)


def test_too_slow() -> None:
    """A version is given up when three pieces in a row were too slow, and stays so; one or two may happen."""
    portion, slow_s, fast_s = Portion(), LONGEST_ROW_S * 1.5, LONGEST_ROW_S / 2
    for seconds in (slow_s, slow_s, fast_s, slow_s, slow_s):
        portion.took(1, seconds)
    assert not portion.is_too_slow
    for seconds in (slow_s, fast_s):
        portion.took(1, seconds)
        assert portion.is_too_slow


def version(number: int, *heads: bundle_pb2.Head) -> Model:
    """A version with these heads."""
    return model(made=manifest(*heads, score_count=4, version=number))


def shadow_of(measured: Measured, *loaded: Model, label: str = "next") -> Shadow | None:
    """The shadow when the first version is everybody's, the last is "next", and this label is to be the shadow."""
    route = Route({"": loaded[0].version, "next": loaded[-1].version}, shadow=Share(label, 100))
    return Shadow.of({one.version: one for one in loaded}, route, measured.metrics)


def differences(
    measured: Measured, answered: Model, shadow: Model, scores: tuple[Sequence[float], Sequence[float]]
) -> list[int | None]:
    """What the shadow's answer differs by in each head that is compared."""
    found = shadow_of(measured, answered, shadow)
    assert found is not None
    return [one.between(*scores) for one in found.differences[answered.version]]


@pytest.mark.parametrize(("answered", "shadow", "differs"), [(0, 0, 1), (0, 1, 1), (1, 0, 0), (2, 3, 0), (2, 2, 1)])
def test_segments_are_compared_by_key(measured: Measured, answered: int, shadow: int, differs: int) -> None:
    """Positions mean nothing from version to version, keys do."""
    old, new = segmentation(keys=["a", "b", "c"]), segmentation(keys=["b", "d", "e", "c"])
    scores = [answered, 0, 0, 0], [shadow, 0, 0, 0]
    assert differences(measured, version(1, old), version(2, new), scores) == [differs]


@pytest.mark.parametrize("position", [-1.0, 0.5, 3.0, NAN])
def test_no_segment(measured: Measured, position: float) -> None:
    """A score that is no position of a segment is the version's failure, and not taken for another segment."""
    one = segmentation()
    with pytest.raises(LookupError):
        differences(measured, version(1, one), version(2, one), ([0, 0, 0, 0], [position, 0, 0, 0]))


@pytest.mark.parametrize(
    ("answered", "shadow", "millionths"),
    [
        (0.25, 0.5, 250_000),
        (0.5, 0.25, 250_000),
        (0.5, 0.5, 0),
        (NAN, 0.5, None),
        (0.5, NAN, None),
        (0.5, math.inf, LARGEST_DIFFERENCE * 1e6),
        (-3e38, 3e38, LARGEST_DIFFERENCE * 1e6),
    ],
)
def test_numbers(measured: Measured, answered: float, shadow: float, millionths: int | None) -> None:
    """How far two numbers are apart, in millionths, never endlessly; nothing where one of them is none."""
    old, new = version(1, value(3)), version(2, value(0))
    assert differences(measured, old, new, ([0, 0, 0, answered], [shadow, 0, 0, 0])) == [millionths]


def test_only_the_same_questions_are_compared(measured: Measured) -> None:
    """What only one version answers is not compared, nor a head that became another kind or has another unit."""
    euros = value(3, name="spend")
    euros.unit = "EUR"
    old = version(1, segmentation(), propensity(1), value(2, name="lost"), value(3, name="spend"), value(0, name="odd"))
    new = version(2, segmentation(), propensity(2), value(2, name="new"), euros, propensity(0, name="odd"))
    assert differences(measured, old, new, ([0] * 4, [0] * 4)) == [0, 0]


def test_every_other_version_is_compared(measured: Measured) -> None:
    """Whichever version answers somebody, the shadow's own excepted."""
    loaded = [version(number, propensity()) for number in (1, 2, 3)]
    found = shadow_of(measured, *loaded)
    assert found is not None
    assert (found.model, found.version, set(found.differences)) == ("shop", 3, {1, 2})


@pytest.mark.parametrize("label", ["other", "next"])
def test_no_shadow(measured: Measured, label: str) -> None:
    """A label that has no version has no shadow, and a model whose policy names none has none."""
    loaded = [version(1, propensity())]
    assert shadow_of(measured, *loaded, label="other") is None
    assert Shadow.of({1: loaded[0]}, Route({"": 1, label: 1}), measured.metrics) is None


def test_what_is_shown(measured: Measured) -> None:
    """Numbers are shown in their own unit, and a sum that is full stays so."""
    counters = measured.metrics.for_numbers("shop", 2, "buys_7d")
    for amount in (250_000, 500_000):
        counters.difference.inc_to_limit(amount)
    labels = {"model": "shop", "version": "2", "head": "buys_7d"}
    assert measured.sample("audience_shadow_deviation_total", **labels) == 0.75
    for _ in itertools.repeat(None, 2):
        counters.difference.inc_to_limit((1 << 63) - 1)
    assert measured.sample("audience_shadow_deviation_total", **labels) == pytest.approx(2**63 / 1e6)
