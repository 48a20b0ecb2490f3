"""Calls of which nothing has to be scored, since their visitors are held out, on both transports."""

from functools import partial

import pytest

from protos.audience.v1 import scoring_pb2
from server.metrics import Metrics
from server.transport.pace import Pace
from tests.server.conftest import Measured
from tests.server.routed import EVEN, ask_all, methods, registry_of, vector, visitor_of
from tests.server.routed import ask as score_request
from tests.server.transport.conftest import PATIENCE_S, Ask, Asked
from tests.server.transport.traces import eventually

SCORE, BATCH = "/audience.v1.Scoring/Score", "/audience.v1.Scoring/ScoreBatch"
HOLDOUT = scoring_pb2.DEGRADATION_HOLDOUT
HELD = [visitor_of(EVEN, share, is_held_out=True) for share in ("", "canary", "next")]
FREE = [visitor_of(EVEN, share) for share in ("", "canary", "next")]


@pytest.fixture
def counting(measured: Measured) -> Metrics:
    """Counters that can be read."""
    return measured.metrics


@pytest.fixture
def asked(ask: Ask, counting: Metrics) -> Asked:
    """A server of three versions, evenly, with a holdout."""
    return ask(methods(registry_of(counting, EVEN)).methods())


def score(asked: Asked, visitor: str) -> scoring_pb2.ModelScores:
    """What one visitor gets."""
    request = score_request(visitor, vector(1, 5)).SerializeToString()
    reply = scoring_pb2.ScoreReply.FromString(asked.call(SCORE)(request, timeout=PATIENCE_S))
    return reply.results[0]


def score_batch(asked: Asked, visitors: list[str]) -> scoring_pb2.ScoreBatchReply:
    """What many get."""
    request = ask_all(visitors, [vector(1, 5)] * len(visitors)).SerializeToString()
    return scoring_pb2.ScoreBatchReply.FromString(asked.call(BATCH)(request, timeout=PATIENCE_S))


def test_held_out(asked: Asked, measured: Measured) -> None:
    """One of them, and a batch of nobody else, are answered and counted like any other call."""
    assert [(score(asked, one).version, score(asked, one).degraded) for one in HELD] == [
        (1, HOLDOUT),
        (2, HOLDOUT),
        (3, HOLDOUT),
    ]
    reply = score_batch(asked, HELD)
    assert [(one.version, one.degraded, list(one.rows)) for one in reply.results] == [
        (1, HOLDOUT, [0]),
        (2, HOLDOUT, [1]),
        (3, HOLDOUT, [2]),
    ]
    counted = partial(measured.sample, "audience_requests_total", code="OK")
    eventually(lambda: (counted(method=SCORE), counted(method=BATCH)) == (6, 1), "the answers are counted")
    assert measured.sample("audience_rows_held_out_total", model="shop", version="3") == 3


def test_beside_others(asked: Asked) -> None:
    """Those who arrive at the same time are scored, each by their own version, and the others are not."""
    requests = {one: score_request(one, vector(1, 5)).SerializeToString() for one in [*HELD, *FREE, ""]}
    calls = {one: asked.call(SCORE).future(request, timeout=PATIENCE_S) for one, request in requests.items()}
    results = {one: scoring_pb2.ScoreReply.FromString(call.result()).results[0] for one, call in calls.items()}
    assert [(results[one].version, results[one].degraded) for one in HELD] == [(n, HOLDOUT) for n in (1, 2, 3)]
    assert [(results[one].version, results[one].values["spend_30d"].expected) for one in FREE] == [
        (n, 5) for n in (1, 2, 3)
    ]
    assert (results[""].version, results[""].label) == (1, "stable")
    versions = [(one.version, list(one.rows)) for one in score_batch(asked, [*FREE, *HELD]).results]
    assert versions == [(1, [0]), (2, [1]), (3, [2]), (1, [3]), (2, [4]), (3, [5])]


def test_there_is_always_time(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs no scoring is not late, however long scoring takes, and does not say how long that is."""
    paces: list[object] = []
    monkeypatch.setattr(Pace, "expected_s", lambda *_: 3600.0)
    monkeypatch.setattr(Pace, "took", lambda pace, _count, _seconds: paces.append(pace))
    monkeypatch.setattr(Pace, "passed_over", paces.append)
    assert score(asked, HELD[1]).degraded == HOLDOUT
    assert score_batch(asked, HELD[:1]).results[0].degraded == HOLDOUT
    assert paces == []
