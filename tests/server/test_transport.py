import inspect

import grpc
import pytest

from protos.audience.v1 import scoring_pb2
from server import errors
from server.errors import AudienceError, InvalidRequest
from server.metrics import Metrics
from server.registry import Registry
from server.scoring import Scoring
from server.transport.status import INTERNAL_TEXT, code_of, text_of

CODES = {
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.UnknownModel: grpc.StatusCode.NOT_FOUND,
    errors.UnknownHead: grpc.StatusCode.NOT_FOUND,
    errors.NoModelReady: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineTooShort: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.BadBundle: grpc.StatusCode.INTERNAL,
    errors.RepositoryUnreadable: grpc.StatusCode.INTERNAL,
    errors.AudienceError: grpc.StatusCode.INTERNAL,
}


def test_every_error_has_a_place_in_the_table() -> None:
    """No error of the service is forgotten here."""
    classes = [one for _, one in inspect.getmembers(errors, inspect.isclass)]
    assert set(classes) == set(CODES)


@pytest.mark.parametrize(("error", "code"), CODES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_expected_errors(error: type[AudienceError], code: grpc.StatusCode) -> None:
    """The caller's errors have a status and their own words; the operator's are INTERNAL, without theirs."""
    assert code_of(error("in our words")) is code
    told = text_of(error("in our words"))
    assert told == (INTERNAL_TEXT if code is grpc.StatusCode.INTERNAL else "in our words")


def test_long_texts_are_cut() -> None:
    """A text goes into a header, which gRPC bounds; what is longer than it allows would change the status."""
    assert len(text_of(InvalidRequest("é" * 99_999))) == 1000


@pytest.mark.parametrize("error", [ValueError, KeyError, MemoryError, OSError, RuntimeError, grpc.RpcError])
def test_unforeseen_errors(error: type[Exception]) -> None:
    """What nobody foresaw is INTERNAL, with a text that tells nothing of the inside."""
    assert code_of(error("/etc/secret")) is grpc.StatusCode.INTERNAL
    assert text_of(error("/etc/secret")) == INTERNAL_TEXT


@pytest.mark.parametrize("message", [b"\xff", b"hello", b"\x0a\x05ab", b"\x0a\x01\xff"])
def test_message_that_is_no_request(message: bytes, metrics: Metrics) -> None:
    """Bytes that are no request, or hold text that is not UTF-8, are the caller's fault."""
    score, _ = Scoring(Registry(metrics), most_rows=1, error_code=lambda _: 0).methods()
    with pytest.raises(InvalidRequest, match=rf"the {len(message)} bytes of the message are no audience.v1.ScoreReq"):
        score.parse(message)


def test_message_that_is_a_request(metrics: Metrics) -> None:
    """No bytes are an empty request; fields of the future are no fault."""
    score, _ = Scoring(Registry(metrics), most_rows=1, error_code=lambda _: 0).methods()
    assert score.parse(b"") == scoring_pb2.ScoreRequest()
    assert score.parse(b"\x0a\x02r1\x98\x06\x01").request_id == "r1"
