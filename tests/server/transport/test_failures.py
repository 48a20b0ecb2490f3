"""How both transports end calls that cannot be answered: the table in scoring.proto."""

import logging

import grpc
import pytest

from server import errors
from server.transport.status import INTERNAL_TEXT
from tests.server.transport.conftest import LIMITS, PATIENCE_S, Ask
from tests.server.transport.frames import Connection, call, opening
from tests.server.transport.stub import SERVICE, TURN, Lane, Prepared, method

CODES = {
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.UnknownModel: grpc.StatusCode.NOT_FOUND,
    errors.UnknownHead: grpc.StatusCode.NOT_FOUND,
    errors.NoModelReady: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineTooShort: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


@pytest.mark.parametrize(("error", "code"), CODES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_expected_errors(ask: Ask, lane: Lane, error: type[Exception], code: grpc.StatusCode) -> None:
    """An error of ours ends the call with its code and its own words, and the next call is answered."""
    asked = ask([method(lane, failures={b"bad": error("the word is bad: take good")})])
    refused = asked.refusal(b"bad")
    assert (refused.code(), refused.details()) == (code, "the word is bad: take good")
    assert asked.turn(b"ab") == b"ba"


@pytest.mark.parametrize("where", ["prepare", "score", "finish"])
def test_unforeseen_error(ask: Ask, lane: Lane, caplog: pytest.LogCaptureFixture, where: str) -> None:
    """Anything else is INTERNAL with a fixed text; the log has the traceback and the request's id."""

    def finish(_prepared: Prepared) -> bytes:
        raise ZeroDivisionError("secret")

    if where == "prepare":
        asked = ask([method(lane, failures={b"id-7": ZeroDivisionError("secret")})])
    elif where == "finish":
        asked = ask([method(lane, finish=finish)])
    else:
        lane.error = ZeroDivisionError("secret")
        asked = ask()
    with caplog.at_level(logging.ERROR):
        refused = asked.refusal(b"id-7")
    assert (refused.code(), refused.details()) == (grpc.StatusCode.INTERNAL, INTERNAL_TEXT)
    (record,) = [record for record in caplog.records if record.message == "unforeseen fault"]
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    assert (vars(record)["method"], vars(record)["request_id"]) == (TURN, "id-7")


@pytest.mark.parametrize("letter", ["a", "é", "好", "😀", '"', "%", "\n"])
def test_long_text(ask: Ask, lane: Lane, letter: str) -> None:
    """A text that is too long for a header arrives cut, with its code, whatever it is made of."""
    refused = ask([method(lane, failures={b"bad": errors.InvalidRequest(letter * 99_999)})]).refusal(b"bad")
    assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
    told = refused.details()
    assert told
    assert set(told) == {letter}


def test_text_that_is_no_text(ask: Ask, lane: Lane) -> None:
    """A text that quotes what cannot be encoded costs the letter, not the code."""
    asked = ask([method(lane, failures={b"bad": errors.InvalidRequest("\ud800 is no letter")})])
    refused = asked.refusal(b"bad")
    assert (refused.code(), refused.details()) == (grpc.StatusCode.INVALID_ARGUMENT, "? is no letter")
    assert asked.turn(b"ab") == b"ba"


@pytest.mark.parametrize("path", ["/stub.Scoring/None", "/none.Scoring/Turn", "/", "/x", f"/{SERVICE}/Turn/"])
def test_unknown_method(ask: Ask, path: str) -> None:
    """A method or a service that is not there is UNIMPLEMENTED."""
    assert ask().refusal(b"ab", path).code() is grpc.StatusCode.UNIMPLEMENTED


def test_too_long_message(ask: Ask, lane: Lane) -> None:
    """A message beyond the limit is refused with RESOURCE_EXHAUSTED, one just within it is answered."""
    asked = ask()
    refused = asked.refusal(b"a" * (LIMITS.largest_message_bytes + 1))
    assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in (refused.details() or "")
    assert not lane.runs
    assert len(asked.turn(b"a" * LIMITS.largest_message_bytes)) == LIMITS.largest_message_bytes


def test_too_long_message_once_unpacked(ask: Ask, lane: Lane) -> None:
    """What counts is the length of a compressed message once it is unpacked."""
    refused = ask().refusal(b"a" * (LIMITS.largest_message_bytes * 90), compression=grpc.Compression.Gzip)
    assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not lane.runs


def test_no_message(ask: Ask, lane: Lane) -> None:
    """A client that ends its side without a message gets UNIMPLEMENTED."""
    turn = ask().channel.stream_unary(TURN)
    with pytest.raises(grpc.RpcError) as caught:
        turn(iter(()), timeout=PATIENCE_S)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert not lane.runs


def test_two_messages(ask: Ask) -> None:
    """A second message is of no effect: the first is answered."""
    turn = ask().channel.stream_unary(TURN)
    assert turn(iter((b"ab", b"cd")), timeout=PATIENCE_S) == b"ba"


def test_too_long_metadata(ask: Ask, lane: Lane) -> None:
    """Metadata far beyond the limit is refused, and the connection goes on."""
    asked = ask()
    refused = asked.refusal(b"ab", metadata=(("x", "a" * 100_000),))
    assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not lane.runs
    assert asked.turn(b"ab") == b"ba"


def test_half_a_message(ask: Ask, lane: Lane) -> None:
    """A client that goes in the middle of a message leaves nothing behind."""
    asked = ask()
    with Connection(asked.port) as connection:
        connection.send(opening(TURN, 1), call(TURN, b"abcdef", 3)[:-3])
    assert asked.turn(b"ab") == b"ba"
    assert lane.scored == [b"ab"]
