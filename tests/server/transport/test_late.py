"""Calls that cannot be scored in time, on both transports: they are answered at once, by whatever the caller wants."""

import logging
from collections.abc import Callable

import grpc
import pytest

from server.errors import DeadlineTooShort, InvalidRequest
from server.metrics import Metrics
from server.transport.pace import Pace
from server.transport.status import INTERNAL_TEXT
from tests.server.conftest import Measured
from tests.server.transport.conftest import Ask
from tests.server.transport.stub import TURN, Lane, Prepared, method
from tests.server.transport.traces import eventually


@pytest.fixture
def counting(measured: Measured) -> Metrics:
    """Counters that can be read."""
    return measured.metrics


@pytest.fixture
def passed_over(monkeypatch: pytest.MonkeyPatch) -> list[Pace]:
    """Makes everything look as if it took an hour; the paces of the calls that were not scored for that."""
    paces: list[Pace] = []

    def note(pace: Pace) -> None:
        paces.append(pace)

    monkeypatch.setattr(Pace, "expected_s", lambda *_: 3600.0)
    monkeypatch.setattr(Pace, "passed_over", note)
    return paces


def failing(error: Exception) -> Callable[[Prepared], bytes]:
    """A method's answer to a late call that is none."""

    def late(_prepared: Prepared) -> bytes:
        raise error

    return late


def test_late_answer(ask: Ask, lane: Lane, passed_over: list[Pace], measured: Measured) -> None:
    """Nothing is scored; the caller gets what the method says then, which is counted as an answer like any other."""
    assert ask().turn(b"ab") == b"late"
    assert (lane.runs, len(passed_over)) == ([], 1)
    counted = "audience_request_seconds_count"
    eventually(lambda: measured.sample(counted, method=TURN) == 1, "the answer is counted, once it was sent")
    assert measured.sample("audience_requests_total", method=TURN, code="OK") == 1


def test_late_failure(ask: Ask, lane: Lane, passed_over: list[Pace], measured: Measured) -> None:
    """Where the caller wants no such answer, the call fails, which makes the next less hopeless all the same."""
    refused = ask([method(lane, late=failing(DeadlineTooShort("the answer would be late")))]).refusal(b"ab")
    assert (refused.code(), refused.details()) == (grpc.StatusCode.DEADLINE_EXCEEDED, "the answer would be late")
    assert (lane.runs, len(passed_over)) == ([], 1)
    assert measured.sample("audience_requests_total", method=TURN, code="DEADLINE_EXCEEDED") == 1
    assert measured.sample("audience_requests_total", method=TURN, code="OK") == 0


def test_wrong_before_late(ask: Ask, lane: Lane, passed_over: list[Pace]) -> None:
    """What is wrong with a request is said, whether there is time or not."""
    refused = ask([method(lane, failures={b"bad": InvalidRequest("take good")})]).refusal(b"bad")
    assert (refused.code(), refused.details()) == (grpc.StatusCode.INVALID_ARGUMENT, "take good")
    assert passed_over == []


@pytest.mark.usefixtures("passed_over")
def test_fault_in_a_late_answer(ask: Ask, lane: Lane, caplog: pytest.LogCaptureFixture) -> None:
    """It is INTERNAL with a fixed text, as any other."""
    refused = ask([method(lane, late=failing(ZeroDivisionError("secret")))]).refusal(b"ab")
    assert (refused.code(), refused.details()) == (grpc.StatusCode.INTERNAL, INTERNAL_TEXT)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == ["unforeseen fault"]


def test_only_what_was_scored_is_learnt_from(ask: Ask, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that was scored teaches how long that takes, a longer message as more of it; a late one does not."""
    noted: list[tuple[int, float]] = []
    monkeypatch.setattr(Pace, "took", lambda _pace, count, seconds: noted.append((count, seconds)))
    asked = ask()
    assert asked.turn(b"ab" * 50) == b"ba" * 50
    assert asked.turn(b"ab" * 5000) == b"ba" * 5000
    monkeypatch.setattr(Pace, "expected_s", lambda *_: 3600.0)
    assert asked.turn(b"ab") == b"late"
    (short, short_s), (long, long_s) = noted
    assert 90 * short < long < 110 * short
    assert min(short_s, long_s) > 0


def test_each_method_expects_its_own(ask: Ask, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    """A method that is too slow to answer in time does not keep another from trying."""
    other = "/stub.Scoring/Other"
    asked = ask([method(lane), method(lane, other)])
    slow: list[Pace] = []
    monkeypatch.setattr(Pace, "took", lambda pace, _count, _seconds: slow.append(pace))
    monkeypatch.setattr(Pace, "expected_s", lambda pace, *_: 3600.0 if pace in slow else 0.0)
    assert [asked.turn(b"ab"), asked.turn(b"ab")] == [b"ba", b"late"]
    assert asked.call(other)(b"ab") == b"ba"
