"""Who is taken in, who is answered, and with what."""

import math
from collections.abc import Sequence

import grpc
import pytest

from server.transport import line as line_module
from server.transport.line import RETRY_KEY, Entry, Line
from tests.server.conftest import Measured
from tests.server.transport.fake_core import FAR, PATH, Call, Clock, World


@pytest.fixture
def world(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> World:
    """A line of at most 10 rows a turn, 3 seconds of waiting and 8 calls, which knows no pace yet."""
    clock = Clock()
    monkeypatch.setattr(line_module, "time", clock)
    world = World(clock)
    world.entry = Entry(world.method(), measured.metrics.method(PATH), default_deadline_s=5.0)
    world.line = Line(most_rows=10, most_wait_s=3.0, most_calls=8)
    return world


@pytest.fixture
def paced(world: World) -> World:
    """The same, once it knows that a row takes a second."""
    world.ask()
    world.line.score()
    return world


def codes(calls: Sequence[Call]) -> list[str]:
    """How they ended."""
    return [call.code for call in calls]


def test_calls_are_scored_together(world: World, measured: Measured) -> None:
    """All that wait are scored at once, in their order, answered, and counted with the time since they arrived."""
    calls = [world.ask(message) for message in (b"1", b"2", b"3")]
    assert (len(world.line), codes(calls)) == (3, ["", "", ""])
    world.turn()
    assert (world.scored, codes(calls)) == ([[b"1"] + [b"2"] * 2 + [b"3"] * 3], ["OK"] * 3)
    assert measured.sample("audience_requests_total", method=PATH, code="OK") == 3
    assert measured.sample("audience_request_seconds_sum", method=PATH) == 18


def test_a_turn_has_so_many_rows(world: World) -> None:
    """A turn ends with the call that fills it; a single call may have more rows; nobody waits for nobody."""
    calls = [world.ask(message) for message in (b"6", b"6", b"1", b"30")]
    world.turn()
    assert (codes(calls), len(world.line)) == (["OK", "OK", "", ""], 2)
    world.turn()
    assert codes(calls) == ["OK"] * 4
    world.turn()
    assert [len(rows) for rows in world.scored] == [12, 31]


def test_nobody_is_refused_where_nobody_waits(paced: World) -> None:
    """However slow it is, an empty line takes a call in, and so finds out whether it is slow still."""
    assert paced.arrive(within_s=0.001).code == ""
    assert paced.arrive(within_s=-1).code == ""  # its time is over, which is for the turn to say


def test_too_long_a_wait_is_refused(paced: World, measured: Measured) -> None:
    """A call that would wait longer than is allowed is refused as it arrives, and told when to come again."""
    waiting = [paced.ask() for _ in range(4)]
    refused = paced.ask()
    assert (codes(waiting), refused.code) == ([""] * 4, "RESOURCE_EXHAUSTED")
    assert refused.status
    assert refused.status[1] == "too many calls wait already for this one to be answered in time"
    assert refused.trailing == ((RETRY_KEY, "4000"),)
    assert measured.sample("audience_requests_total", method=PATH, code="RESOURCE_EXHAUSTED") == 1
    paced.turn()
    assert (codes(waiting), paced.ask().code) == (["OK"] * 4, "")


@pytest.mark.parametrize(("within_s", "code"), [(4.1, ""), (3.9, "RESOURCE_EXHAUSTED"), (-1, "RESOURCE_EXHAUSTED")])
def test_half_of_the_time_may_be_waited(paced: World, within_s: float, code: str) -> None:
    """A call that would wait for more than half of its time is refused; the rest is for scoring and the way back."""
    for _ in range(2):
        paced.ask()
    assert paced.arrive(within_s=within_s).code == code


def test_calls_without_a_deadline_have_the_default_one(paced: World) -> None:
    """Two seconds of waiting are less than half of five; three are not."""
    codes_ = []
    for _ in range(4):
        codes_.append(paced.arrive(within_s=math.inf).code)
        paced.ask()
    assert codes_ == ["", "", "", "RESOURCE_EXHAUSTED"]


def test_so_many_calls_are_open(world: World) -> None:
    """Open calls are bounded, whether their message has come or not; one that ends makes room."""
    calls = [world.arrive() for _ in range(8)]
    refused = world.arrive()
    assert refused.status == (grpc.StatusCode.RESOURCE_EXHAUSTED, "8 calls are open; that is the limit")
    world.close(calls[0])
    assert (world.arrive().code, world.arrive().code) == ("", "RESOURCE_EXHAUSTED")


def test_wrong_calls_end_by_themselves(world: World) -> None:
    """What is wrong with one call is told to it, and the others are scored."""
    calls = [world.ask(message) for message in (b"1", b"wrong", b"1")]
    world.turn()
    assert codes(calls) == ["OK", "INVALID_ARGUMENT", "OK"]
    assert calls[1].status == (grpc.StatusCode.INVALID_ARGUMENT, "say what")
    assert world.scored == [[b"1", b"1"]]


def test_a_fault_ends_only_the_call_that_has_it(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """When scoring them together fails, each is tried by itself, and the one that is at fault is told and logged."""
    calls = [world.ask(message) for message in (b"1", b"broken", b"1")]
    world.turn()
    assert codes(calls) == ["OK", "INTERNAL", "OK"]
    assert [record.getMessage() for record in caplog.records] == ["unforeseen fault"]


def test_calls_whose_client_went_are_not_scored(world: World) -> None:
    """Nobody would read the answer; it may go before its message came, or while it waits."""
    early, waiting, staying = world.arrive(), world.ask(), world.ask()
    for call in (early, waiting):
        world.close(call)
    world.say(early, b"1")
    world.turn()
    assert codes([early, waiting, staying]) == ["", "", "OK"]
    assert world.scored == [[b"1"]]


def test_calls_whose_time_is_over_are_not_scored(world: World) -> None:
    """They end with DEADLINE_EXCEEDED, before their message is looked at."""
    call = world.ask(b"wrong", within_s=2)
    world.clock.now_s += 2
    world.turn()
    assert (call.code, world.scored) == ("DEADLINE_EXCEEDED", [])


def test_calls_that_would_be_late_get_what_they_want(paced: World, measured: Measured) -> None:
    """A call for which there is no time, after those before it, gets what is known of anybody, or fails; at once."""
    asked = ((b"6", FAR), (b"prior", 4.5), (b"4", 5.0), (b"2", 9.0))
    calls = [paced.arrive(within_s=within_s) for _, within_s in asked]
    for call, (message, _) in zip(calls, asked, strict=True):
        paced.say(call, message)
    paced.scored.clear()
    paced.turn()
    assert codes(calls) == ["OK", "OK", "DEADLINE_EXCEEDED", "OK"]
    assert [call.reply for call in calls] == [b"scores", b"prior", None, b"scores"]
    assert paced.scored == [[b"6"] * 6 + [b"2"] * 2]
    assert measured.sample("audience_requests_total", method=PATH, code="DEADLINE_EXCEEDED") == 1


def test_after_a_long_pause_calls_are_tried_again(world: World) -> None:
    """One turn of a minute makes calls look hopeless; each that is passed over makes the next less so."""
    world.row_s = 60.0
    world.ask()
    world.turn()
    world.row_s = 0.001
    replies = []
    for _ in range(500):
        replies.append(world.ask(b"prior", within_s=1))
        world.turn()
    told = [call.reply for call in replies]
    assert (told[0], told[-1], set(told)) == (b"prior", b"scores", {b"prior", b"scores"})


def test_a_pause_of_the_machine_refuses_nobody(world: World) -> None:
    """A turn that took minutes, with others waiting, does not make the next calls wait for as long again."""
    for row_s in [0.1] * 100 + [60.0]:
        world.row_s = row_s
        for message in (b"10", b"1"):
            world.ask(message)
        world.turn()
        assert len(world.line) == 1  # the turn was full
        if row_s < 1:
            world.turn()
    assert world.ask().code == ""


def test_what_is_scored_together_costs_less(paced: World) -> None:
    """A backlog is expected to take what turns of its size took, not what each call would take alone."""
    for _ in range(20):
        for count, row_s in ((1, 2.0), (3, 0.1)):
            paced.row_s = row_s
            for _ in range(count):
                paced.ask()
            paced.turn()
    assert [paced.ask().code for _ in range(8)] == [""] * 8


def test_a_call_needs_a_message(world: World) -> None:
    """A client that closes its side without one is told; one that was ended already is left alone."""
    call, gone = world.arrive(), world.arrive()
    call.on_message(None)
    world.close(gone)
    gone.on_message(None)
    assert codes([call, gone]) == ["UNIMPLEMENTED", ""]


def test_silent_calls_are_dropped(world: World) -> None:
    """A call without deadline and message ends after the default deadline; the core ends those that have their own."""
    silent, own = world.arrive(within_s=math.inf), world.arrive(within_s=1)
    speaking = world.ask(within_s=math.inf)
    world.clock.now_s += 4
    world.line.drop_silent()
    assert codes([silent, own, speaking]) == ["", "", ""]
    world.clock.now_s += 1
    world.line.drop_silent()
    world.line.drop_silent()
    assert codes([silent, own, speaking]) == ["DEADLINE_EXCEEDED", "", ""]
    world.say(silent, b"1")
    world.turn()
    assert world.scored == []


def test_clear_forgets_everybody(world: World) -> None:
    """Nobody is answered any more."""
    calls = [world.ask(), world.arrive(within_s=math.inf)]
    world.line.clear()
    world.clock.now_s += 100
    world.turn()
    world.line.drop_silent()
    assert (codes(calls), len(world.line)) == (["", ""], 0)
