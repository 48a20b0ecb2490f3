"""Visitors of the holdout get what is known of anybody, and cost nothing."""

import pytest

from protos.audience.v1 import scoring_pb2
from protos.audience.v1.scoring_pb2 import Features, Selector
from server.errors import InvalidRequest
from server.metrics import Metrics
from server.scoring import Scoring
from server.traffic import Route, Share
from tests.server.conftest import Measured
from tests.server.routed import (
    EVEN,
    TARGETS,
    answer,
    answer_all,
    ask,
    ask_all,
    methods,
    registry_of,
    vector,
    visitor_of,
)

HOLDOUT = scoring_pb2.DEGRADATION_HOLDOUT
HELD = visitor_of(EVEN, "canary", is_held_out=True)
FREE = visitor_of(EVEN, "canary")


@pytest.fixture
def scoring(metrics: Metrics) -> Scoring:
    """Three versions, with a holdout."""
    return methods(registry_of(metrics, EVEN))


def held_out(measured: Measured) -> list[float]:
    """How many were counted, by version."""
    return [measured.sample("audience_rows_held_out_total", model="shop", version=version) for version in "123"]


def test_one_visitor(scoring: Scoring, measured: Measured) -> None:
    """They get the base rate of their version, with its label and why; nothing is scored, nor counted as scored."""
    prepared = scoring.prepare_score(ask(HELD, vector(2, 5)).SerializeToString())
    assert (prepared.runs, held_out(measured)) == ([], [0, 0, 0])
    reply = scoring_pb2.ScoreReply.FromString(scoring.finish_score(prepared))
    (result,) = reply.results
    assert (reply.request_id, result.version, result.label, result.degraded) == ("r", 2, "canary", HOLDOUT)
    assert result.propensities["buys_7d"].probability == pytest.approx(0.2)
    assert not result.HasField("feature_quality")
    assert held_out(measured) == [0, 1, 0]
    assert measured.sample("audience_rows_total", model="shop", version="2") == 0
    assert measured.sample("audience_rows_degraded_total", model="shop", version="2") == 0


def test_all_of_a_batch(scoring: Scoring, measured: Measured) -> None:
    """A batch of visitors who are all held out of one version has no run, and its columns are of all rows."""
    prepared = scoring.prepare_batch(ask_all([HELD] * 3, [vector(1, 5)] * 3).SerializeToString())
    assert list(prepared.runs) == []
    (result,) = scoring_pb2.ScoreBatchReply.FromString(scoring.finish_batch(prepared)).results
    assert (result.version, result.label, result.degraded, list(result.rows)) == (2, "canary", HOLDOUT, [])
    assert list(result.propensities["buys_7d"].probabilities) == pytest.approx([0.2] * 3)
    assert (list(result.missing), list(result.remapped)) == ([], [])
    assert held_out(measured) == [0, 3, 0]


def test_some_of_a_batch(scoring: Scoring) -> None:
    """The others are scored as ever; each result says which rows it is of."""
    reply = answer_all(scoring, ask_all([FREE, HELD, "", HELD], [vector(1, 5)] * 4))
    seen = [(one.version, one.degraded, list(one.rows)) for one in reply.results]
    assert seen == [(2, 0, [0]), (2, HOLDOUT, [1, 3]), (1, 0, [2])]
    assert [list(one.values["spend_30d"].expected) for one in (reply.results[0], reply.results[2])] == [[5], [5]]


def test_requests_like_one_before(scoring: Scoring) -> None:
    """A request that was learned of a visitor who is scored does not score one who is held out, nor the reverse."""
    held = next(one for one in (visitor_of(EVEN, "", is_held_out=True, prefix=letter) for letter in "abcdefgh"))
    free = visitor_of(EVEN, "", prefix="z" * (len(held) - 1))
    for visitor in (free, held, free, held):
        (result,) = answer(scoring, ask(visitor, vector(1, 5))).results
        assert result.degraded == (HOLDOUT if visitor == held else 0)
        assert result.values["spend_30d"].expected == (0 if visitor == held else 5)


def test_whatever_they_ask_for(scoring: Scoring) -> None:
    """A version or a label of their choice gives them no scores either; heads are those that were asked for."""
    selectors = [Selector(version=3), Selector(label="next", heads=["buys_7d"]), Selector(model="web")]
    third, heads, failed = answer(scoring, ask(HELD, selectors=selectors)).results
    assert (third.version, third.label, third.degraded) == (3, "", HOLDOUT)
    assert (heads.label, list(heads.segmentations), heads.degraded) == ("next", [], HOLDOUT)
    assert failed.failure.code == 5


def test_requests_are_checked(scoring: Scoring) -> None:
    """A name that is too long is refused whoever asks; features that nobody reads are not looked at."""
    with pytest.raises(InvalidRequest, match="request_id has 129 characters"):
        scoring.prepare_score(ask(HELD, request_id="x" * 129).SerializeToString())
    assert answer(scoring, ask(HELD, Features(numbers={"age": 1}))).results[0].degraded == HOLDOUT


def test_beside_a_share(metrics: Metrics) -> None:
    """Who is in a share and who is held out have nothing to do with each other, by their own salts."""
    route = Route(TARGETS, "stable", (Share("canary", 5000),), "s", 5000, "h")
    seen = {
        (one.label, one.degraded)
        for one in (answer(methods(registry_of(metrics, route)), ask(f"v{n}")).results[0] for n in range(40))
    }
    assert seen == {("stable", 0), ("stable", HOLDOUT), ("canary", 0), ("canary", HOLDOUT)}
