"""What callers get when there is no time to score."""

import math
from functools import partial

import pytest

from protos.audience.v1 import bundle_pb2, scoring_pb2
from protos.audience.v1.scoring_pb2 import Features, Selector
from server.errors import DeadlineTooShort
from server.metrics import Metrics
from server.registry import Registry
from server.scoring import Scoring
from tests.server.asking import CODES, MOST_ROWS, ask, own, rows
from tests.server.conftest import Measured
from tests.server.literal import MARGIN, MEMBERSHIP, SEGMENT, manifest, model, propensity, segmentation, value

LATE = scoring_pb2.DEGRADATION_LATE
PRIOR = scoring_pb2.WHEN_LATE_ANSWER_PRIOR
FAILING = [scoring_pb2.WHEN_LATE_UNSPECIFIED, scoring_pb2.WHEN_LATE_FAIL, 9]
SHARES = [0.25, 0.625, 0.125]


def made() -> bundle_pb2.Manifest:
    """Segments with shares, a base rate of 30 %, and an amount without any distribution."""
    style = segmentation((SEGMENT, 0, 1), (MARGIN, 1, 1), (MEMBERSHIP, 2, 3), name="style")
    for segment, share in zip(style.segments, SHARES, strict=True):
        segment.share = share
    likely, amount = propensity(5), value(6)
    likely.distribution.mean = 0.25
    amount.ClearField("distribution")
    return manifest(style, likely, amount, score_count=7, version=3)


@pytest.fixture
def registry(metrics: Metrics) -> Registry:
    """Version 3 of "shop", alone."""
    registry = Registry(metrics)
    registry.publish([model(made=made())], {}, frozenset({"soon"}))
    return registry


@pytest.fixture
def scoring(registry: Registry) -> Scoring:
    """The methods."""
    return Scoring(registry, most_rows=MOST_ROWS, error_code=lambda error: CODES[type(error)])


def test_one_visitor(scoring: Scoring) -> None:
    """The largest segment with the shares, the base rate where it stands, and why; no features were looked at."""
    request = scoring_pb2.ScoreRequest(request_id="r1", when_late=PRIOR)
    reply = scoring_pb2.ScoreReply.FromString(scoring.late_score(scoring.prepare_score(request.SerializeToString())))
    expected = scoring_pb2.ModelScores(model="shop", version=3, degraded=LATE)
    members = dict(zip("abc", SHARES, strict=True))
    expected.segmentations["style"].CopyFrom(scoring_pb2.Segment(key="b", name="B", memberships=members))
    expected.propensities["buys_7d"].CopyFrom(scoring_pb2.Propensity(probability=0.25, percentile=25))
    assert reply == scoring_pb2.ScoreReply(request_id="r1", results=[expected])


def test_many_visitors(scoring: Scoring) -> None:
    """The same for each row, in columns; NaN where it is not known, and nothing is said of features."""
    request = scoring_pb2.ScoreBatchRequest(request_id="b1", when_late=PRIOR, rows=rows(Features(), Features()))
    encoded = scoring.late_batch(scoring.prepare_batch(request.SerializeToString()))
    reply = scoring_pb2.ScoreBatchReply.FromString(encoded)
    (result,) = reply.results
    assert (reply.request_id, result.model, result.version, result.degraded) == ("b1", "shop", 3, LATE)
    style = result.segmentations["style"]
    assert (list(style.keys), list(style.segments), list(style.memberships)) == (["a", "b", "c"], [1, 1], SHARES * 2)
    assert len(style.margins) == 2
    assert all(map(math.isnan, style.margins))
    assert list(result.propensities["buys_7d"].probabilities) == [0.25, 0.25]
    assert list(result.propensities["buys_7d"].percentiles) == [25, 25]
    assert len(result.values["spend_30d"].expected) == 2
    assert all(map(math.isnan, result.values["spend_30d"].expected))
    assert (list(result.missing), list(result.out_of_range), list(result.remapped)) == ([], [], [])


def test_heads_and_models_as_they_were_asked(scoring: Scoring) -> None:
    """Selectors keep their order and their heads; one that cannot be answered says so, late or not."""
    selectors = [Selector(model="web"), Selector(heads=["buys_7d"]), Selector(heads=["style"])]
    request = scoring_pb2.ScoreRequest(selectors=selectors, when_late=PRIOR)
    encoded = scoring.late_score(scoring.prepare_score(request.SerializeToString()))
    failed, likely, style = scoring_pb2.ScoreReply.FromString(encoded).results
    assert (failed.failure.code, failed.degraded) == (5, scoring_pb2.DEGRADATION_UNSPECIFIED)
    assert (list(likely.propensities), list(likely.segmentations), likely.degraded) == (["buys_7d"], [], LATE)
    assert (list(style.propensities), list(style.segmentations), style.degraded) == ([], ["style"], LATE)


@pytest.mark.parametrize("when_late", FAILING)
def test_otherwise_the_call_fails(
    scoring: Scoring, measured: Measured, when_late: scoring_pb2.WhenLate.ValueType
) -> None:
    """Who did not ask for anything else, or for something of the future, is told that the time was too short."""
    one = scoring.prepare_score(ask("shop", when_late=when_late).SerializeToString())
    batch = scoring_pb2.ScoreBatchRequest(rows=rows(own(1, 2)), when_late=when_late)
    many = scoring.prepare_batch(batch.SerializeToString())
    for late in (partial(scoring.late_score, one), partial(scoring.late_batch, many)):
        with pytest.raises(DeadlineTooShort, match="the deadline would have passed before the answer was ready"):
            late()
    assert measured.sample("audience_rows_degraded_total", model="shop", version="3") == 0


def test_nobody_was_scored(scoring: Scoring, measured: Measured) -> None:
    """What is known of anybody is no score, and is not counted as one, but as what it is, by visitors."""
    scoring.late_score(scoring.prepare_score(ask("shop", when_late=PRIOR).SerializeToString()))
    assert measured.sample("audience_rows_degraded_total", model="shop", version="3") == 1
    batch = scoring_pb2.ScoreBatchRequest(rows=rows(own(1, 2), own(1, 2)), when_late=PRIOR)
    scoring.late_batch(scoring.prepare_batch(batch.SerializeToString()))
    assert measured.sample("audience_rows_degraded_total", model="shop", version="3") == 3
    assert measured.sample("audience_rows_total", model="shop", version="3") == 0
    assert measured.sample("audience_features_missing_total", model="shop", version="3") == 0
