import logging
from typing import Any

import grpc
import pytest

from server.errors import InvalidRequest
from server.transport.edge import Failed, fail
from server.transport.seam import AnyMethod, Method
from server.transport.status import INTERNAL_TEXT
from tests.server.conftest import Measured

PATH = "/audience.v1.Scoring/Score"


def never(_: Any) -> bytes:
    """A step that is not taken here."""
    raise AssertionError


METHOD: AnyMethod = Method(PATH, never, never, never, lambda message: message.decode())


def test_refusals_are_counted_and_not_logged(measured: Measured, caplog: pytest.LogCaptureFixture) -> None:
    """What is the caller's fault is told to the caller in full, counted by its code, and is no line of the log."""
    caplog.set_level(logging.INFO)
    failed = fail(METHOD, measured.metrics.method(PATH), b"r1", InvalidRequest("say what"))
    assert failed == Failed(grpc.StatusCode.INVALID_ARGUMENT, "say what")
    assert measured.sample("audience_requests_total", method=PATH, code="INVALID_ARGUMENT") == 1
    assert measured.sample("audience_request_seconds_count", method=PATH) == 0
    assert not caplog.records


def test_refusals_are_logged_for_who_looks_closely(measured: Measured, caplog: pytest.LogCaptureFixture) -> None:
    """With the request's name, the code and the reason."""
    caplog.set_level(logging.DEBUG)
    fail(METHOD, measured.metrics.method(PATH), b"r1", InvalidRequest("say what"))
    (record,) = caplog.records
    logged = vars(record)
    assert record.getMessage() == "call refused"
    assert [logged[key] for key in ("method", "request_id", "code", "reason")] == [
        PATH,
        "r1",
        "INVALID_ARGUMENT",
        "say what",
    ]


def test_faults_are_logged_and_not_told(measured: Measured, caplog: pytest.LogCaptureFixture) -> None:
    """What nobody foresaw is in the log with its traceback and the request's name; the caller learns no more of it."""
    failed = fail(METHOD, measured.metrics.method(PATH), b"r1", KeyError("inside"))
    assert failed == Failed(grpc.StatusCode.INTERNAL, INTERNAL_TEXT)
    assert measured.sample("audience_requests_total", method=PATH, code="INTERNAL") == 1
    (record,) = caplog.records
    assert record.exc_info is not None
    assert (record.exc_info[0], vars(record)["request_id"]) == (KeyError, "r1")
