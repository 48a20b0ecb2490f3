import math

import pytest

from protos.audience.v1 import scoring_pb2
from protos.audience.v1.scoring_pb2 import Features, Selector
from server.errors import AudienceError, InvalidRequest, NoModelReady, UnknownModel
from server.scoring import Scoring
from tests.server.asking import ask, own, rows, score, score_batch


@pytest.mark.parametrize(
    ("names", "error"),
    [
        (["web"], UnknownModel),
        (["soon"], NoModelReady),
        (["web", "soon"], UnknownModel),
        (["soon", "web"], NoModelReady),
    ],
)
def test_when_all_fail_the_call_fails(scoring: Scoring, names: list[str], error: type[AudienceError]) -> None:
    """When no selector can be answered, the call fails as the first one would have alone."""
    with pytest.raises(error):
        scoring.prepare_score(ask(*names).SerializeToString())
    batch = scoring_pb2.ScoreBatchRequest(selectors=[Selector(model=name) for name in names], rows=rows(Features()))
    with pytest.raises(error):
        scoring.prepare_batch(batch.SerializeToString())


LONG_ID = "x" * 129
LONG_VISITOR = scoring_pb2.Visitor(id="x" * 257)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        pytest.param(
            scoring_pb2.ScoreRequest(request_id=LONG_ID), "request_id has 129 characters; at most 128", id="id"
        ),
        pytest.param(scoring_pb2.ScoreRequest(visitor=LONG_VISITOR), "visitor.id has 257 characters", id="visitor"),
        pytest.param(ask(*["shop"] * 17), "17 selectors; at most 16", id="selectors"),
        pytest.param(scoring_pb2.ScoreRequest(features=own(1)), "features.vector has 1 numbers", id="features"),
        pytest.param(
            ask("web", "shop", features=Features(numbers={"visit": 1})), "did you mean 'visits'", id="beside a failure"
        ),
        pytest.param(
            scoring_pb2.ScoreRequest(selectors=[Selector(features=own(1, 2, 3))]),
            "features.vector has 3 numbers",
            id="the selector's own features",
        ),
    ],
)
def test_wrong_requests_are_refused(scoring: Scoring, request_: scoring_pb2.ScoreRequest, reason: str) -> None:
    """A wrong request fails as a whole, and the text says what was wrong and what would be right."""
    with pytest.raises(InvalidRequest) as caught:
        scoring.prepare_score(request_.SerializeToString())
    assert reason in str(caught.value)


ONE_ROW = rows(Features())


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        pytest.param(scoring_pb2.ScoreBatchRequest(), "has 0 rows; needed are 1 to 4", id="no rows"),
        pytest.param(scoring_pb2.ScoreBatchRequest(rows=ONE_ROW * 5), "has 5 rows; needed are 1 to 4", id="rows"),
        pytest.param(scoring_pb2.ScoreBatchRequest(rows=ONE_ROW, request_id=LONG_ID), "129 characters", id="id"),
        pytest.param(
            scoring_pb2.ScoreBatchRequest(rows=[*ONE_ROW, scoring_pb2.Row(visitor=LONG_VISITOR)]),
            "visitor.id has 257",
            id="visitor",
        ),
        pytest.param(
            scoring_pb2.ScoreBatchRequest(rows=ONE_ROW, selectors=[Selector()] * 17), "17 selectors", id="selectors"
        ),
        pytest.param(
            scoring_pb2.ScoreBatchRequest(rows=ONE_ROW, selectors=[Selector(features=Features())]),
            "a selector of a batch has features",
            id="features of a selector, though empty",
        ),
        pytest.param(
            scoring_pb2.ScoreBatchRequest(rows=rows(Features(), own(1))),
            "rows[1]: features.vector has 1 numbers",
            id="wrong row",
        ),
    ],
)
def test_wrong_batches_are_refused(scoring: Scoring, request_: scoring_pb2.ScoreBatchRequest, reason: str) -> None:
    """One wrong row, or anything else that is wrong, refuses the batch."""
    with pytest.raises(InvalidRequest) as caught:
        scoring.prepare_batch(request_.SerializeToString())
    assert reason in str(caught.value)


@pytest.mark.usefixtures("with_app")
def test_no_name_among_several_models_fails_the_call(scoring: Scoring) -> None:
    """Which model is meant is the caller's to say, beside a selector that could be answered too."""
    with pytest.raises(InvalidRequest, match="there are several: app, shop"):
        scoring.prepare_score(ask("shop", "").SerializeToString())


NOT_FINITE = own(1, math.inf)


@pytest.mark.parametrize(
    ("features", "reason"),
    [
        pytest.param(NOT_FINITE, "features.vector[1] (visits) is inf", id="vector"),
        pytest.param(Features(numbers={"visits": math.nan}), "feature 'visits' is nan", id="by name"),
    ],
)
def test_numbers_that_are_none_are_refused(scoring: Scoring, features: Features, reason: str) -> None:
    """They are found when all rows are looked at together, and named; in a batch with the row."""
    zero = [0, 0, 0, 0]
    with pytest.raises(InvalidRequest) as caught:
        score(scoring, scoring_pb2.ScoreRequest(features=features), [zero])
    assert str(caught.value).startswith(reason)
    with pytest.raises(InvalidRequest) as caught:
        score_batch(scoring, scoring_pb2.ScoreBatchRequest(rows=rows(features)), [zero])
    assert str(caught.value).startswith(reason)
    with pytest.raises(InvalidRequest) as caught:
        score_batch(scoring, scoring_pb2.ScoreBatchRequest(rows=rows(Features(), features, features)), [zero] * 3)
    assert str(caught.value).startswith(f"rows[1]: {reason}")


@pytest.mark.parametrize("message", [b"\xff", b"hello", b"\x0a\x01\xff", b"\x22\x04\x22\x02\x0a\x05", b"\x1a\x01\xff"])
def test_messages_that_are_no_request(scoring: Scoring, message: bytes) -> None:
    """Malformed bytes are the caller's fault, in the message, in an entry of a map and in a selector."""
    with pytest.raises(InvalidRequest, match=r"bytes of the message are no audience\.v1\."):
        scoring.prepare_score(message)
