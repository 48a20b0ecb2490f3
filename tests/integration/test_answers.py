"""Score and ScoreBatch, asked over gRPC, answer what scikit-learn answers."""

import numpy as np
import pytest

from protos.audience.v1 import scoring_pb2, scoring_pb2_grpc
from tests.bundles import MODEL, Made
from tests.integration.answers import TIMEOUT_S, assert_same, by_name, by_vector, expected

Stub = scoring_pb2_grpc.ScoringStub


@pytest.mark.parametrize("read", [by_vector, by_name])
@pytest.mark.parametrize("position", [0, 17, 333])
def test_score_equals_scikit_learn(client: Stub, first: Made, read: object, position: int) -> None:
    """A visitor's scores are those of the fitted estimators, whichever way the features come."""
    assert callable(read)
    row = first.population[position]
    reply = client.Score(scoring_pb2.ScoreRequest(request_id="r", features=read(first, row)), timeout=TIMEOUT_S)
    assert reply.request_id == "r"
    (result,) = reply.results
    assert (result.model, result.version) == (MODEL, 1)
    quality = result.feature_quality
    assert (quality.missing, quality.out_of_range, quality.remapped) == (0, 0, False)
    assert_same(first, row, result)


def test_batch_equals_scikit_learn(client: Stub, first: Made) -> None:
    """The columns of a batch hold the same scores, in the rows' order."""
    rows = first.population[:40]
    request = scoring_pb2.ScoreBatchRequest(rows=[scoring_pb2.Row(features=by_vector(first, row)) for row in rows])
    (result,) = client.ScoreBatch(request, timeout=TIMEOUT_S).results
    wanted = [expected(first, row) for row in rows]
    value, style = result.segmentations["value"], result.segmentations["style"]
    assert list(value.segments) == [int(scores["value"][0]) for scores in wanted]
    np.testing.assert_allclose(value.distances, [scores["value"][1] for scores in wanted], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        np.reshape(style.memberships, (len(rows), len(style.keys))), [s["style"][2:] for s in wanted], atol=1e-5
    )
    np.testing.assert_allclose(
        result.propensities["buys_7d"].probabilities, [s["buys_7d"][0] for s in wanted], atol=1e-5
    )
    np.testing.assert_allclose(result.values["spend_30d"].expected, [s["spend_30d"][0] for s in wanted], rtol=1e-5)
    assert list(result.missing) == list(result.out_of_range) == [0] * len(rows)


def test_nothing_known_is_the_typical_visitor(client: Stub, first: Made) -> None:
    """A request without features is answered for the default of every feature, and says that all are missing."""
    (result,) = client.Score(scoring_pb2.ScoreRequest(), timeout=TIMEOUT_S).results
    assert result.feature_quality.missing == len(first.specs)
    defaults = np.array([feature.default for feature in first.manifest.schema.features], dtype=np.float32)
    assert_same(first, defaults, result)


def test_out_of_range_takes_the_default(client: Stub, first: Made) -> None:
    """A value that the feature cannot have is counted and replaced by the default."""
    row = first.population[5].copy()
    default = first.manifest.schema.features[0].default
    row[0] = -1.0
    (result,) = client.Score(scoring_pb2.ScoreRequest(features=by_vector(first, row)), timeout=TIMEOUT_S).results
    assert (result.feature_quality.missing, result.feature_quality.out_of_range) == (0, 1)
    row[0] = default
    assert_same(first, row, result)


def test_only_the_heads_that_were_asked_for(client: Stub) -> None:
    """A selector's heads are answered, and no others."""
    selector = scoring_pb2.Selector(model=MODEL, heads=["buys_7d"])
    (result,) = client.Score(scoring_pb2.ScoreRequest(selectors=[selector]), timeout=TIMEOUT_S).results
    assert list(result.propensities) == ["buys_7d"]
    assert not result.segmentations
    assert not result.values


def test_one_unknown_model_among_several_does_not_fail_the_call(client: Stub) -> None:
    """What can be answered is answered; the rest says why not."""
    selectors = [scoring_pb2.Selector(model="churn"), scoring_pb2.Selector(model=MODEL)]
    failed, answered = client.Score(scoring_pb2.ScoreRequest(selectors=selectors), timeout=TIMEOUT_S).results
    assert (failed.model, failed.version, failed.failure.code) == ("churn", 0, 5)
    assert "no model 'churn'" in failed.failure.message
    assert not answered.HasField("failure")
    assert answered.version == 1
