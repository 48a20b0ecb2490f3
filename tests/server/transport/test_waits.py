"""How long a call would wait: what counts for it, and from what that is learnt."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.counters import Counters, Shape
from server.metrics import Metrics
from server.transport import line as line_module
from server.transport.line import RETRY_KEY, Entry, Line
from tests.server.conftest import law
from tests.server.transport.fake_core import PATH, ROW_BYTES, Clock, World

BATCH = "/audience.v1.Scoring/ScoreBatch"


@pytest.fixture
def world(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> World:
    """A line of one row a turn, which knows no pace yet."""
    return make(metrics, monkeypatch, most_rows=1)


def make(metrics: Metrics, monkeypatch: pytest.MonkeyPatch, *, most_rows: int, most_wait_s: float = 3.0) -> World:
    """A line that refuses nobody but for the wait."""
    clock = Clock()
    monkeypatch.setattr(line_module, "time", clock)
    world = World(clock)
    world.entry = Entry(world.method(), metrics.method(PATH), default_deadline_s=5.0)
    world.line = Line(most_rows=most_rows, most_wait_s=most_wait_s, most_calls=1000)
    return world


@pytest.fixture
def batch(world: World, metrics: Metrics) -> Entry:
    """A second method."""
    return Entry(world.method(), metrics.method(BATCH), default_deadline_s=5.0)


def learn(world: World, row_s: float, entry: Entry | None = None, message: bytes = b"1") -> None:
    """A turn of one call, alone, whose rows take so long."""
    world.row_s = row_s
    world.ask(message, entry=entry)
    world.turn()


def row_s(entry: Entry) -> float:
    """How long a row is expected to take."""
    return entry.pace.expected_s(ROW_BYTES)


def wait_s(line: Line) -> float:
    """How long those that wait are expected to take."""
    return line._waiting_s  # noqa: SLF001  # callers are told in whole milliseconds, and only when they are refused


@pytest.mark.parametrize(("waiting", "code"), [(b"1", ""), (b"3", ""), (b"4", "RESOURCE_EXHAUSTED")])
def test_a_batch_that_waits_counts_for_all_its_rows(world: World, waiting: bytes, code: str) -> None:
    """One call of many rows is as long a wait as many calls of one."""
    learn(world, 1.0)
    world.ask(waiting)
    assert world.ask().code == code


def test_the_wait_is_that_of_all_who_wait(world: World) -> None:
    """A refused caller is told to come again when they will have been answered, whatever each of them asks for."""
    learn(world, 0.5)
    for message in (b"1", b"3", b"2", b"1"):
        world.ask(message)
    refused = world.ask()
    assert (refused.code, refused.trailing) == ("RESOURCE_EXHAUSTED", ((RETRY_KEY, "3500"),))


def test_small_requests_are_rows_too(world: World) -> None:
    """However few bytes a message has, it is taken for as many as a row has at least."""
    learn(world, 1.0)
    world.arrive().on_message(b"1")
    assert wait_s(world.line) == 1


def test_each_method_has_a_pace_of_its_own(world: World, batch: Entry) -> None:
    """What one learns says nothing of the other; each that waits counts by its own."""
    learn(world, 1.0)
    assert (row_s(world.entry), row_s(batch)) == (1, 0)
    learn(world, 0.25, batch, b"8")
    assert (row_s(world.entry), row_s(batch)) == (1, 0.25)
    world.ask()
    world.ask(b"8", entry=batch)
    assert wait_s(world.line) == 3


def test_turns_of_several_methods_teach_nothing(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows whose time it was."""
    world = make(metrics, monkeypatch, most_rows=10)
    batch = Entry(world.method(), metrics.method(BATCH), default_deadline_s=5.0)
    learn(world, 1.0)
    learn(world, 0.25, batch)
    world.row_s = 60.0
    calls = [world.ask(), world.ask(entry=batch)]
    world.turn()
    assert ([call.code for call in calls], row_s(world.entry), row_s(batch)) == (["OK"] * 2, 1, 0.25)


def test_a_slow_first_turn_is_soon_forgotten(world: World) -> None:
    """After the first call took a hundred times as long as it should, ten more make room for as many as usual."""
    learn(world, 10.0)
    world.ask()
    assert world.ask().code == "RESOURCE_EXHAUSTED"
    world.turn()
    for _ in range(10):
        learn(world, 0.1)
    assert [world.ask().code for _ in range(15)] == [""] * 15


def test_time_between_turns_counts_while_somebody_waits(world: World) -> None:
    """What is taken in and refused meanwhile is what those that wait have to wait for, so it counts in the pace."""
    learn(world, 1.0)
    for _ in range(2):
        world.ask()
    world.row_s = 0.1
    world.turn()
    before_s = row_s(world.entry)
    world.clock.now_s += 5.0
    world.turn()
    assert row_s(world.entry) > before_s > 0.1


def test_time_while_nobody_waits_is_nobodys(world: World) -> None:
    """A quiet hour does not make a server look slow."""
    learn(world, 1.0)
    world.clock.now_s += 3600.0
    learn(world, 0.5)
    assert row_s(world.entry) < 1


def test_a_turn_that_scores_nothing_teaches_nothing(world: World) -> None:
    """Calls that were wrong or went away say nothing of how long scoring takes."""
    learn(world, 1.0)
    gone = world.ask()
    world.close(gone)
    world.ask(b"wrong")
    world.clock.now_s += 60.0
    world.turn()
    assert (row_s(world.entry), wait_s(world.line)) == (1, 0)


def test_calls_that_are_not_scored_make_nobody_late(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever went, is wrong or is answered at once takes no time from those after them in the same turn."""
    world = make(metrics, monkeypatch, most_rows=10)
    learn(world, 1.0)
    gone, wrong, late, last = (world.arrive(within_s=within_s) for within_s in (10.0, 10.0, 2.0, 2.0))
    for call, message in ((gone, b"5"), (wrong, b"wrong"), (late, b"5"), (last, b"2")):
        world.say(call, message)
    world.close(gone)
    world.turn()
    assert [call.code for call in (gone, wrong, late, last)] == ["", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "OK"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Metrics:
    """Metrics that all examples of a law count into."""
    return Metrics(Counters.create(tmp_path_factory.mktemp("counters") / "counters", Shape(rows=1)).row(0))


def take(world: World, batch: Entry, step: str, size: int) -> None:
    """One thing that happens."""
    if step in {"ask", "batch"}:
        world.ask(b"%d" % size, within_s=1e9, entry=batch if step == "batch" else None)
    elif step == "turn":
        world.turn()
    elif step == "close":
        for call in [call for call in world.calls if not call.is_closed][:1]:
            world.close(call)
    elif step == "pause":
        world.clock.now_s += size
    else:
        world.line.clear()


@law
@given(st.floats(0.1, 10), st.integers(10, 40), st.integers(10, 40))
def test_roundings_do_not_add_up(shared: Metrics, seconds: float, first: int, second: int) -> None:
    """A short wait behind long ones is not below 0 when they are over, however their sum was rounded."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        world = make(shared, monkeypatch, most_rows=10, most_wait_s=math.inf)
        batch = Entry(world.method(), shared.method(BATCH), default_deadline_s=5.0)
        world.entry.pace.took(ROW_BYTES, 1e-16)
        batch.pace.took(ROW_BYTES, seconds)
        for size, entry in ((first, batch), (second, batch), (1, world.entry)):
            world.ask(b"%d" % size, entry=entry)
        for _ in range(2):
            world.turn()
        assert len(world.line) == 1
        assert wait_s(world.line) >= 0


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "ask", "ask", "batch", "turn", "close", "pause", "clear"]), st.integers(1, 40)),
    max_size=60,
)


@law
@given(STEPS, st.lists(st.sampled_from([1e-7, 1e-3, 0.1, 7.0, 1e6]), min_size=1, max_size=8))
def test_the_wait_is_what_waits(shared: Metrics, steps: list[tuple[str, int]], paces: list[float]) -> None:
    """Whatever comes, goes and is forgotten, the wait is never below 0, and it is 0 when nobody waits."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        world = make(shared, monkeypatch, most_rows=10, most_wait_s=math.inf)
        batch = Entry(world.method(), shared.method(BATCH), default_deadline_s=5.0)
        for number, (step, size) in enumerate(steps):
            world.row_s = paces[number % len(paces)]
            take(world, batch, step, size)
            assert wait_s(world.line) >= 0
            assert len(world.line) or wait_s(world.line) == 0
        while world.line:
            world.turn()
        assert wait_s(world.line) == 0
