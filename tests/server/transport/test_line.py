"""What only the inline transport does: it scores together what arrived together, and refuses what would be late."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from server.errors import DeadlineTooShort, InvalidRequest
from server.transport.pace import Pace
from server.transport.status import INTERNAL_TEXT
from tests.server.transport.conftest import PATIENCE_S, Ask, Asked
from tests.server.transport.frames import Connection, call
from tests.server.transport.stub import SERVICE, TURN, Lane, Prepared, method

OTHER = f"/{SERVICE}/Other"


@pytest.fixture
def transport() -> str:
    """This one alone."""
    return "inline"


def _together(asked: Asked, lane: Lane, *calls: tuple[str, bytes]) -> dict[bytes, Any]:
    """How the calls ended, which arrived while a first one was being scored."""
    lane.gate.clear()
    first = asked.call().future(b"first", timeout=PATIENCE_S)
    lane.entered.acquire()
    futures = {text: asked.call(path).future(text, timeout=PATIENCE_S) for path, text in calls}
    lane.gate.set()
    for future in (first, *futures.values()):
        future.exception()
    return futures


def _until_together(asked: Asked, lane: Lane, *calls: tuple[str, bytes]) -> Iterator[dict[bytes, Any]]:
    """The same again and again, until all of them that are scored by this lane came into one run.

    What is in flight is the kernel's to say, so the first attempt may find them in two.
    """
    wanted = {text for _, text in calls}
    while True:
        lane.runs.clear()
        yield _together(asked, lane, *calls)
        if any(len(wanted & set(run)) > 1 for run in lane.runs):
            return


def test_one_run(ask: Ask, lane: Lane) -> None:
    """Rows that arrive together are scored in one run, and each caller gets its own, as if alone."""
    asked = ask()
    texts = [b"a%d" % n for n in range(20)]
    for futures in _until_together(asked, lane, *[(TURN, text) for text in texts]):
        assert {text: future.result() for text, future in futures.items()} == {text: text[::-1] for text in texts}
    assert all(asked.turn(text) == text[::-1] for text in texts)


def test_calls_of_several_rows(ask: Ask, lane: Lane) -> None:
    """Calls of several rows share a run too, and each gets all its own in their order."""
    asked = ask([method(lane)])
    texts = [b" ".join(b"%d%d" % (n, m) for m in range(n)) for n in range(2, 12)]
    with Connection(asked.port) as connection:
        connection.send(*[call(TURN, text, 2 * n + 1) for n, text in enumerate(texts)])
        replies = connection.wait_for_end(*[2 * n + 1 for n in range(len(texts))])
    expected = [b" ".join(word[::-1] for word in text.split(b" ")) for text in texts]
    assert [replies[2 * n + 1][5:] for n in range(len(texts))] == expected


def test_different_methods_and_lanes(ask: Ask, lane: Lane) -> None:
    """Calls of different methods are scored together, by whatever scores each."""
    other = Lane()
    asked = ask(
        [
            method(lane),
            method(other, OTHER, finish=lambda prepared: prepared.runs[0].scored[prepared.runs[0].first].upper()),
        ]
    )
    calls = [(TURN if n % 2 else OTHER, b"a%d" % n) for n in range(20)]
    for futures in _until_together(asked, lane, *calls):
        assert {text: future.result() for text, future in futures.items()} == {
            text: text[::-1] if path == TURN else text[::-1].upper() for path, text in calls
        }


def test_most_rows(ask: Ask, lane: Lane) -> None:
    """No run is larger than allowed, except for a call that has more rows by itself."""
    asked = ask(most_rows=4)
    texts = [b"a%d" % n for n in range(20)]
    for futures in _until_together(asked, lane, *[(TURN, text) for text in texts]):
        assert all(future.result() == text[::-1] for text, future in futures.items())
    assert max(len(run) for run in lane.runs) <= 4
    assert asked.turn(b"1 2 3 4 5 6") == b"1 2 3 4 5 6"
    assert len(lane.runs[-1]) == 6


def test_bad_row_among_others(ask: Ask, lane: Lane) -> None:
    """A request that is refused fails alone; so does one whose reply cannot be made."""

    def finish(prepared: Prepared) -> bytes:
        (run,) = prepared.runs
        if run.rows[0] == b"unsayable":
            raise InvalidRequest("this row is wrong")
        reply: bytes = run.scored[run.first]
        return reply

    asked = ask([method(lane, failures={b"wrong": InvalidRequest("the request is wrong")}, finish=finish)])
    texts = [b"a", b"wrong", b"b1", b"unsayable", b"c2"]
    for futures in _until_together(asked, lane, *[(TURN, text) for text in texts]):
        assert futures[b"wrong"].exception().details() == "the request is wrong"
        assert futures[b"unsayable"].exception().details() == "this row is wrong"
        assert [futures[text].result() for text in (b"a", b"b1", b"c2")] == [b"a", b"1b", b"2c"]


@pytest.mark.parametrize("order", [(TURN, OTHER), (OTHER, TURN)])
def test_model_that_fails(ask: Ask, lane: Lane, order: tuple[str, str]) -> None:
    """A model whose run raises fails its own callers; others of the same batch are answered, with their own."""
    broken = Lane()
    broken.error = ZeroDivisionError("the graph is broken")
    asked = ask([method(lane), method(broken, OTHER)])
    calls = [(order[n % 2], b"a%d" % n) for n in range(10)]
    for futures in _until_together(asked, lane, *calls):
        for path, text in calls:
            if path == TURN:
                assert futures[text].result() == text[::-1]
            else:
                refused = futures[text].exception()
                assert (refused.code(), refused.details()) == (grpc.StatusCode.INTERNAL, INTERNAL_TEXT)


def test_reply_that_is_no_bytes(ask: Ask, lane: Lane) -> None:
    """A method that gives something else than bytes fails its own caller."""
    asked = ask([method(lane), method(lane, OTHER, finish=lambda _: "text")])  # type: ignore[arg-type, return-value]
    assert asked.refusal(b"ab", OTHER).code() is grpc.StatusCode.INTERNAL
    assert asked.turn(b"ab") == b"ba"


def test_late_answer(ask: Ask, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that cannot be scored in time is answered at once with what the method says then."""
    monkeypatch.setattr(Pace, "expected_s", lambda *_: 3600.0)
    assert ask().turn(b"ab") == b"late"
    assert not lane.runs


def test_late_failure(ask: Ask, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the caller wants no such answer, the call fails."""

    def refuse(_prepared: Prepared) -> bytes:
        raise DeadlineTooShort("the answer would be late")

    monkeypatch.setattr(Pace, "expected_s", lambda *_: 3600.0)
    refused = ask([method(lane, late=refuse)]).refusal(b"ab")
    assert (refused.code(), refused.details()) == (grpc.StatusCode.DEADLINE_EXCEEDED, "the answer would be late")
    assert not lane.runs


def test_more_than_can_be_answered(ask: Ask, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    """More waiting calls than can be answered in time are refused, with when to try again; the others are answered."""
    monkeypatch.setattr(Pace, "expected_s", lambda *_: PATIENCE_S / 20)
    asked = ask(most_rows=1, most_wait_s=PATIENCE_S)
    refused: list[Any] = []
    while not refused:
        futures = _together(asked, lane, *[(TURN, b"a%d" % n) for n in range(50)])
        refused = [error for future in futures.values() if (error := future.exception()) is not None]
        assert all(future.exception() or future.result() == text[::-1] for text, future in futures.items())
        assert len(refused) < 50
    for error in refused:
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "too many calls wait already" in error.details()
        pushback_ms = dict(error.trailing_metadata())["grpc-retry-pushback-ms"]
        assert int(pushback_ms) > PATIENCE_S * 1e3 / 4
