"""Runs of the engine against real gRPC servers."""

import contextlib
import itertools
import threading
from fractions import Fraction
from typing import Any

import grpc
import pytest

from loadtest import engine
from loadtest.errors import BadArgument, NoAnswer
from loadtest.load import Load
from loadtest.payloads import Payloads
from loadtest.results import Status
from tests.loadtest.echoes import PATH, counted, echo, judge_small, load, same

CHECKED = 2  # requests that the checks of one connection take


def test_every_error_status_is_told_apart() -> None:
    """Each of gRPC's codes, with headers before it or alone, is counted as what it is."""
    codes = [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
    numbers = itertools.count()

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        number = next(numbers)
        if number >= CHECKED:
            if number % 2:
                context.send_initial_metadata((("x", "y"),))
            context.abort(codes[number % len(codes)], "no: ünï%\n")
        return request

    with echo(answer) as target:
        recording = engine.run(load(target, rate_hz=Fraction(320)))
    assert counted(recording) == dict.fromkeys(list(Status)[1:17], 4)


@pytest.mark.parametrize("size", [0, 1, 16_379, 16_380, 65_530, 65_531, 3_000_000])
def test_messages_of_every_size_arrive_whole(size: int) -> None:
    """Requests and replies longer than a frame, or than the window that a connection starts with, come over whole."""
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    judged = []

    def judge(reply: bytes) -> Status:
        judged.append(reply == content)
        return Status.OK

    with echo(max_receive_message_length=-1, max_send_message_length=-1) as target:
        recording = engine.run(load(target, content, judge=judge, rate_hz=Fraction(40)))
    assert counted(recording) == {Status.OK: 8}
    assert judged == [True] * (8 + CHECKED)


class Crowd:
    """An answer that notes how many calls are inside at once, and keeps the first ones until `wanted` are."""

    def __init__(self, wanted: int, free: int) -> None:
        self.wanted = wanted
        self.free = free  # calls that are not kept, those of the checks
        self.inside = self.most = self.served_count = 0
        self.changed = threading.Condition()

    def answer(self, request: bytes, _context: grpc.ServicerContext) -> bytes:
        """The request."""
        with self.changed:
            self.inside += 1
            self.served_count += 1
            self.most = max(self.most, self.inside)
            self.changed.notify_all()
            if self.served_count > self.free:
                self.changed.wait_for(lambda: self.most >= self.wanted, timeout=60)
        with self.changed:
            self.inside -= 1
        return request


def test_calls_beyond_the_servers_limit_wait_for_their_turn() -> None:
    """A server that allows 2 streams at once never has more, and every call is answered."""
    crowd = Crowd(2, CHECKED)
    with echo(crowd.answer, max_concurrent_streams=2) as target:
        recording = engine.run(load(target, concurrency=16))
    assert counted(recording).keys() == {Status.OK}
    assert crowd.most == 2


def test_connections_that_are_asked_to_leave_lose_nothing() -> None:
    """A server that sends its clients away again and again answers every request all the same."""
    with echo(max_connection_age_ms=40, max_connection_age_grace_ms=10_000) as target:
        recording = engine.run(load(target, rate_hz=Fraction(500), connections=2, duration_s=Fraction(1, 2)))
    assert counted(recording) == {Status.OK: 250}
    assert recording.reconnect_count > 2
    assert recording.troubles == {}


def test_closed_loop_keeps_so_many_in_flight() -> None:
    """2 connections with 3 in flight each are 6 calls at once, not more and not less; the warm-up is not recorded."""
    crowd = Crowd(6, 2 * CHECKED)
    with echo(crowd.answer) as target:
        recording = engine.run(load(target, concurrency=3, connections=2, warmup_s=Fraction(1, 10)))
    assert crowd.most == 6
    assert counted(recording).keys() == {Status.OK}
    assert (recording.due_ns == recording.sent_ns).all()
    assert (recording.done_ns > recording.sent_ns).all()
    assert recording.window_ns == 200_000_000
    assert 0 <= recording.sent_ns[0] <= recording.sent_ns[-1] < recording.window_ns
    assert 6 <= len(recording.status) < crowd.served_count - 2 * CHECKED


def test_closed_loop_goes_on_after_deadlines() -> None:
    """Calls that are given up make room for the next ones."""

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        if next(numbers) >= CHECKED:
            over.wait(60)
        return request

    numbers, over = itertools.count(), threading.Event()
    with echo(answer, threads=64) as target:
        recording = engine.run(load(target, concurrency=2, deadline_s=0.02))
        over.set()
    assert counted(recording).keys() == {Status.DEADLINE_EXCEEDED}
    assert len(recording.status) > 2


def test_interruption_ends_a_closed_loop() -> None:
    """What was sent until then is recorded, and the window is as long as the run was."""
    with echo() as target:
        looks = iter([False, False, True])
        recording = engine.run(load(target, concurrency=2, duration_s=Fraction(3600)), is_stopped=lambda: next(looks))
    assert recording.is_interrupted
    assert len(recording.status) > 0
    assert recording.sent_ns[-1] < recording.window_ns < 3600e9


def test_the_judge_judges() -> None:
    """A reply that the server calls OK and the judge does not is a BAD_REPLY."""
    numbers = itertools.count()

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        return request * (1 + 20 * (next(numbers) >= CHECKED + 10))

    with echo(answer) as target:
        recording = engine.run(load(target, judge=judge_small))
    assert counted(recording) == {Status.OK: 10, Status.BAD_REPLY: 30}


def test_another_path_must_be_there() -> None:
    """A method that the server does not have is found before the run."""
    with echo() as target, pytest.raises(NoAnswer, match=r"connection 1 of 1 .* UNIMPLEMENTED"):
        engine.run(load(target, path="/test.Echo/Nothing"))


def test_a_judge_that_is_not_content_is_heard_before_the_run() -> None:
    """A reply that is wrong from the start makes no run."""
    with echo() as target, pytest.raises(NoAnswer, match="not what it should be"):
        engine.run(load(target, bytes(11), judge=judge_small))


def test_a_server_that_comes_back() -> None:
    """After a server is gone and there again on the same port, calls are answered again."""
    numbers, is_gone = itertools.count(), threading.Event()

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        if next(numbers) == CHECKED + 10:
            is_gone.set()
        return request

    with contextlib.ExitStack() as first, contextlib.ExitStack() as second:
        target = first.enter_context(echo(answer))

        def restart() -> None:
            is_gone.wait(60)
            first.close()
            second.enter_context(echo(port=int(target.partition(":")[2])))

        thread = threading.Thread(target=restart)
        thread.start()
        is_back = False

        def is_stopped() -> bool:
            return is_back and not thread.is_alive()

        def judge(reply: bytes) -> Status:
            nonlocal is_back
            is_back = is_back or not thread.is_alive()
            return Status.OK

        recording = engine.run(load(target, duration_s=Fraction(60), judge=judge), is_stopped=is_stopped)
        thread.join()
    assert recording.status[0] == recording.status[-1] == Status.OK
    assert recording.reconnect_count >= 1
    assert counted(recording).keys() <= {Status.OK, Status.UNAVAILABLE, Status.CANCELLED}


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"rate_hz": None}, "one of the two"),
        ({"concurrency": 1, "rate_hz": Fraction(1)}, "one of the two"),
        ({"rate_hz": Fraction(0)}, "more than 0"),
        ({"concurrency": 0}, "more than 0"),
        ({"duration_s": Fraction(0)}, "more than 0"),
        ({"deadline_s": 0.0}, "more than 0"),
        ({"warmup_s": Fraction(-1)}, "at least 0"),
        ({"processes": 2}, "needs at least one"),
        ({"processes": 0}, "needs at least one"),
        ({"payloads": Payloads("none", ())}, "no payloads"),
    ],
)
def test_impossible_loads(more: dict[str, Any], word: str) -> None:
    """A load that cannot be sent is refused when it is made, with words."""
    values: dict[str, Any] = {"target": "127.0.0.1:1", "payloads": Payloads("one", (b"",)), "duration_s": Fraction(1)}
    if "concurrency" not in more:
        values["rate_hz"] = Fraction(1)
    with pytest.raises(BadArgument, match=word):
        Load(**{**values, **more})


def test_an_echo_echoes() -> None:
    """The server that these tests use does what they think."""
    with echo(same) as target, grpc.insecure_channel(target) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(PATH)
        assert call(b"x") == b"x"
