from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from protos.audience.v1 import scoring_pb2
from protos.audience.v1.scoring_pb2 import Features, Selector
from server.errors import AudienceError, InvalidRequest, NoModelReady, UnknownHead, UnknownModel
from server.metrics import Metrics
from server.registry import Registry
from server.scoring import Scoring
from tests.server.conftest import Measured
from tests.server.literal import model, number

CODES: dict[type[AudienceError], int] = {UnknownModel: 5, UnknownHead: 5, NoModelReady: 14}
MOST_ROWS = 4


@pytest.fixture
def registry(metrics: Metrics) -> Registry:
    """Version 3 of "shop", which has recency_days and visits, alone."""
    registry = Registry(metrics)
    registry.publish({"shop": model("shop", 3)}, {}, frozenset({"soon"}))
    return registry


@pytest.fixture
def scoring(registry: Registry) -> Scoring:
    """The methods."""
    return Scoring(registry, most_rows=MOST_ROWS, error_code=lambda error: CODES[type(error)])


@pytest.fixture
def with_app(registry: Registry) -> None:
    """Adds version 1 of "app", which has visits alone."""
    shop, app = model("shop", 3), model("app", 1, number("visits", "visits"))
    schemas = {one.description.schema.fingerprint: one.description.schema for one in (shop, app)}
    registry.publish({"shop": shop, "app": app}, schemas, frozenset({"soon"}))


def score(
    scoring: Scoring, request: scoring_pb2.ScoreRequest, *scores: Sequence[Sequence[float]]
) -> scoring_pb2.ScoreReply:
    """The reply when the graphs give these scores."""
    return scoring.finish_score(scoring.prepare_score(request), [np.array(run, np.float32) for run in scores])


def score_batch(
    scoring: Scoring, request: scoring_pb2.ScoreBatchRequest, *scores: Sequence[Sequence[float]]
) -> scoring_pb2.ScoreBatchReply:
    """The reply when the graphs give these scores."""
    return scoring.finish_batch(scoring.prepare_batch(request), [np.array(run, np.float32) for run in scores])


def own(*values: float, missing: Sequence[int] = ()) -> Features:
    """A vector of shop's own schema."""
    fingerprint = model("shop", 3).description.schema.fingerprint
    return Features(vector=values, schema_fingerprint=fingerprint, missing=missing)


def rows(*given: Features) -> list[scoring_pb2.Row]:
    """Rows of a batch."""
    return [scoring_pb2.Row(features=features) for features in given]


def ask(*names: str, **others: Any) -> scoring_pb2.ScoreRequest:
    """A request that asks these models."""
    return scoring_pb2.ScoreRequest(selectors=[Selector(model=name) for name in names], **others)


def test_one_visitor(scoring: Scoring) -> None:
    """A request without selectors asks the only model for every head, and gets its name back."""
    request = scoring_pb2.ScoreRequest(
        request_id="r1", visitor=scoring_pb2.Visitor(id="v1"), features=Features(numbers={"recency_days": 91})
    )
    prepared = scoring.prepare_score(request)
    assert [run.rows.tolist() for run in prepared.runs] == [[[0, 0]]]
    reply = score(scoring, request, [[1, 0.5, 0.25, 12.5]])
    assert (reply.request_id, len(reply.results)) == ("r1", 1)
    result = reply.results[0]
    assert (result.model, result.version, result.HasField("failure")) == ("shop", 3, False)
    assert result.segmentations["value"] == scoring_pb2.Segment(key="b", name="B", distance=0.5)
    assert result.propensities["buys_7d"].probability == 0.25
    assert result.values["spend_30d"].expected == 12.5
    assert result.feature_quality == scoring_pb2.FeatureQuality(missing=1, out_of_range=1)


def test_many_visitors(scoring: Scoring) -> None:
    """A batch answers in columns, one entry for each row, in their order."""
    request = scoring_pb2.ScoreBatchRequest(
        request_id="b1", rows=rows(own(1, 2), Features(numbers={"recency_days": -1}), Features())
    )
    assert [run.rows.tolist() for run in scoring.prepare_batch(request).runs] == [[[1, 2], [0, 0], [0, 0]]]
    reply = score_batch(scoring, request, [[2, 0.5, 0, 1], [0, 0.5, 1, 2], [1, 0.5, 0.5, 3]])
    result = reply.results[0]
    assert (reply.request_id, result.model, result.version) == ("b1", "shop", 3)
    assert list(result.segmentations["value"].segments) == [2, 0, 1]
    assert list(result.propensities["buys_7d"].percentiles) == [0, 100, 50]
    assert list(result.values["spend_30d"].expected) == [1, 2, 3]
    assert (list(result.missing), list(result.out_of_range)) == ([0, 1, 2], [0, 1, 0])
    assert list(result.remapped) == [False, False, False]


@pytest.mark.usefixtures("with_app")
def test_several_models(scoring: Scoring) -> None:
    """Each selector has a run and a result, in order; its own features stand for the request's, not beside them."""
    request = scoring_pb2.ScoreRequest(
        selectors=[
            Selector(model="app", features=Features(numbers={"visits": 9})),
            Selector(model="shop", version=3, heads=["value"]),
            Selector(model="app", features=Features()),
        ],
        features=Features(numbers={"visits": 7, "recency_days": 5}),
    )
    assert [run.rows.tolist() for run in scoring.prepare_score(request).runs] == [[[9]], [[5, 7]], [[0]]]
    reply = score(scoring, request, [[0, 0, 0, 1]], [[1, 0, 0, 2]], [[2, 0, 0, 3]])
    assert [(one.model, one.version) for one in reply.results] == [("app", 1), ("shop", 3), ("app", 1)]
    assert [one.segmentations["value"].key for one in reply.results] == ["a", "b", "c"]
    assert [one.feature_quality.missing for one in reply.results] == [0, 0, 1]


@pytest.mark.usefixtures("with_app")
@pytest.mark.parametrize("order", [["web", "shop", "soon"], ["shop", "soon", "web"]])
def test_models_that_cannot_answer_among_several(scoring: Scoring, order: list[str]) -> None:
    """They say so in their own results; the others are answered."""
    reply = score(scoring, ask(*order), [[1, 0, 0, 0]])
    assert [one.model for one in reply.results] == order
    by_name = {one.model: one for one in reply.results}
    assert (by_name["shop"].version, by_name["shop"].segmentations["value"].key) == (3, "b")
    assert (by_name["web"].version, by_name["web"].failure.code) == (0, 5)
    assert by_name["web"].failure.message == "no model 'web' here; there is app, shop"
    assert (by_name["soon"].failure.code, by_name["soon"].HasField("feature_quality")) == (14, False)


def test_models_that_cannot_answer_a_batch(scoring: Scoring) -> None:
    """The same for a batch; a version that is not loaded cannot answer either."""
    selectors = [Selector(model="shop", version=2), Selector(model="soon"), Selector(model="shop")]
    request = scoring_pb2.ScoreBatchRequest(selectors=selectors, rows=rows(Features(), Features()))
    reply = score_batch(scoring, request, [[1, 0, 0, 0], [2, 0, 0, 0]])
    assert [one.failure.code for one in reply.results] == [5, 14, 0]
    assert list(reply.results[2].segmentations["value"].segments) == [1, 2]
    assert not reply.results[0].missing


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
        scoring.prepare_score(ask(*names))
    batch = scoring_pb2.ScoreBatchRequest(selectors=[Selector(model=name) for name in names], rows=rows(Features()))
    with pytest.raises(error):
        scoring.prepare_batch(batch)


@pytest.mark.parametrize(
    ("heads", "answered"),
    [
        ([], {"value", "buys_7d", "spend_30d"}),
        (["value"], {"value"}),
        (["spend_30d", "buys_7d"], {"buys_7d", "spend_30d"}),
        (["value", "value"], {"value"}),
    ],
)
def test_heads(scoring: Scoring, heads: list[str], answered: set[str]) -> None:
    """Only the heads that were asked for are answered, each once; all of them when none was named."""
    request = scoring_pb2.ScoreRequest(selectors=[Selector(heads=heads)])
    result = score(scoring, request, [[1, 0, 0, 0]]).results[0]
    assert {*result.segmentations, *result.propensities, *result.values} == answered


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
        scoring.prepare_score(request_)
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
        scoring.prepare_batch(request_)
    assert reason in str(caught.value)


def test_largest_requests_are_taken(scoring: Scoring) -> None:
    """Everything at its limit is right."""
    longest = scoring_pb2.Visitor(id="x" * 256)
    request = scoring_pb2.ScoreRequest(request_id="x" * 128, visitor=longest, selectors=[Selector()] * 16)
    assert len(scoring.prepare_score(request).runs) == 16
    batch = scoring_pb2.ScoreBatchRequest(rows=[scoring_pb2.Row(visitor=longest)] * MOST_ROWS)
    assert [len(run.rows) for run in scoring.prepare_batch(batch).runs] == [MOST_ROWS]


@pytest.mark.usefixtures("with_app")
def test_no_name_among_several_models_fails_the_call(scoring: Scoring) -> None:
    """Which model is meant is the caller's to say, beside a selector that could be answered too."""
    with pytest.raises(InvalidRequest, match="there are several: app, shop"):
        scoring.prepare_score(ask("shop", ""))


def test_a_request_keeps_its_version(scoring: Scoring, registry: Registry) -> None:
    """A swap between the two halves of a request changes nothing for it."""
    request = scoring_pb2.ScoreRequest()
    prepared = scoring.prepare_score(request)
    registry.publish({"shop": model("shop", 4)}, {}, frozenset())
    reply = scoring.finish_score(prepared, [np.zeros((1, 4), np.float32)])
    assert reply.results[0].version == 3
    assert score(scoring, request, [[0, 0, 0, 0]]).results[0].version == 4


@pytest.mark.usefixtures("with_app")
def test_unknown_head_of_one_model_among_several(scoring: Scoring) -> None:
    """A head that a version no longer has costs its own selector alone; asked alone, it is NOT_FOUND with the heads."""
    selectors = [Selector(model="shop", heads=["value", "buys"]), Selector(model="app")]
    request = scoring_pb2.ScoreRequest(selectors=selectors)
    failed, answered = score(scoring, request, [[0, 0, 0, 1]]).results
    assert (failed.failure.code, answered.version) == (5, 1)
    assert failed.failure.message == "model 'shop' has no head 'buys'; its heads are value, buys_7d, spend_30d"
    with pytest.raises(UnknownHead, match=r"no head 'x{64}'; its"):
        scoring.prepare_score(scoring_pb2.ScoreRequest(selectors=[Selector(model="shop", heads=["x" * 9999])]))


@pytest.mark.usefixtures("with_app")
def test_counters(scoring: Scoring, measured: Measured, registry: Registry) -> None:
    """Rows, remapped rows and defaults are counted by model and version, and by feature; only once answered."""
    app = registry.current.find("app", None).model.description.schema.fingerprint
    remapped = Features(vector=[1], schema_fingerprint=app)
    shop = {"model": "shop", "version": "3"}

    def counts() -> tuple[float, ...]:
        totals = [
            measured.sample(f"audience_{name}_total", **shop)
            for name in ("rows", "rows_remapped", "features_missing", "features_out_of_range")
        ]
        by_feature = [
            measured.sample("audience_feature_defaulted_total", model="shop", feature=feature)
            for feature in ("recency_days", "visits")
        ]
        return (*totals, *by_feature)

    nothing = [[0, 0, 0, 0]]
    scoring.prepare_score(ask("shop"))
    assert counts() == (0, 0, 0, 0, 0, 0)
    score(scoring, ask("shop", features=own(1, 2)), nothing)
    assert counts() == (1, 0, 0, 0, 0, 0)
    score(scoring, ask("shop", features=own(91, 2)), nothing)
    assert counts() == (2, 0, 0, 1, 1, 0)
    score(scoring, ask("shop", features=remapped), nothing)
    assert counts() == (3, 1, 1, 1, 2, 0)
    score(scoring, ask("shop", "web"), nothing)
    assert counts() == (4, 1, 3, 1, 3, 1)
    batch = rows(remapped, Features(), own(-1, 2, missing=[1]))
    score_batch(scoring, scoring_pb2.ScoreBatchRequest(selectors=[Selector(model="shop")], rows=batch), nothing * 3)
    assert counts() == (7, 2, 7, 2, 6, 3)
    assert measured.sample("audience_rows_total", model="app", version="1") == 0


def test_methods_are_those_of_the_contract(scoring: Scoring) -> None:
    """Every method of the service is there, with its own request and reply."""
    service = scoring_pb2.DESCRIPTOR.services_by_name["Scoring"]
    methods = {method.path: method.request.DESCRIPTOR for method in scoring.methods()}
    assert methods == {f"/{service.full_name}/{method.name}": method.input_type for method in service.methods}
