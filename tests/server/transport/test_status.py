import inspect

import grpc
import pytest

from server import errors
from server.errors import AudienceError, InvalidRequest
from server.transport.status import INTERNAL_TEXT, code_of, text_of

CODES = {
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.Unsupported: grpc.StatusCode.UNIMPLEMENTED,
    errors.UnknownModel: grpc.StatusCode.NOT_FOUND,
    errors.UnknownHead: grpc.StatusCode.NOT_FOUND,
    errors.NoModelReady: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineTooShort: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.BadPolicy: grpc.StatusCode.INTERNAL,
    errors.BadBundle: grpc.StatusCode.INTERNAL,
    errors.BadKey: grpc.StatusCode.INTERNAL,
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
