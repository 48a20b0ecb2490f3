import math
from typing import Any

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor

from protos.audience.v1 import scoring_pb2
from protos.audience.v1.scoring_pb2 import Features, Selector
from server.errors import InvalidRequest, UnknownHead
from server.registry import Registry
from server.scoring import Scoring
from server.transport import seam as transport
from tests.server.asking import MOST_ROWS, ask, own, ran, rows, run_rows, score, score_batch
from tests.server.conftest import Measured
from tests.server.literal import model


def test_one_visitor(scoring: Scoring) -> None:
    """A request without selectors asks the only model for every head, and gets its name back."""
    request = scoring_pb2.ScoreRequest(
        request_id="r1", visitor=scoring_pb2.Visitor(id="v1"), features=Features(numbers={"recency_days": 91})
    )
    assert run_rows(scoring.prepare_score(request.SerializeToString())) == [[[0, 0]]]
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
    assert run_rows(scoring.prepare_batch(request.SerializeToString())) == [[[1, 2], [0, 0], [0, 0]]]
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
    assert run_rows(scoring.prepare_score(request.SerializeToString())) == [[[9]], [[5, 7]], [[0]]]
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


def test_largest_requests_are_taken(scoring: Scoring) -> None:
    """Everything at its limit is right."""
    longest = scoring_pb2.Visitor(id="x" * 256)
    request = scoring_pb2.ScoreRequest(request_id="x" * 128, visitor=longest, selectors=[Selector()] * 16)
    assert len(scoring.prepare_score(request.SerializeToString()).runs) == 16
    batch = scoring_pb2.ScoreBatchRequest(rows=[scoring_pb2.Row(visitor=longest)] * MOST_ROWS)
    assert [len(run.rows) for run in scoring.prepare_batch(batch.SerializeToString()).runs] == [MOST_ROWS]


def test_a_request_keeps_its_version(scoring: Scoring, registry: Registry) -> None:
    """A swap between the two halves of a request changes nothing for it."""
    request = scoring_pb2.ScoreRequest()
    prepared = scoring.prepare_score(request.SerializeToString())
    registry.publish([model("shop", 4)], {}, frozenset())
    reply = scoring_pb2.ScoreReply.FromString(scoring.finish_score(ran(prepared, [[[0, 0, 0, 0]]])))
    assert reply.results[0].version == 3
    assert score(scoring, request, [[0, 0, 0, 0]]).results[0].version == 4


def test_what_is_known_of_requests_ends_with_the_versions(scoring: Scoring, registry: Registry) -> None:
    """After a swap the same requests ask the new version; and when only what is awaited changed, the words are new."""
    plain = ask("shop", features=own(1, 2))
    for version in (3, 4):
        registry.publish([model("shop", version)], {}, frozenset({"soon"}))
        for _ in range(2):
            assert score(scoring, plain, [[0, 0, 0, 0]]).results[0].version == version
    both = ask("shop", "web")
    assert score(scoring, both, [[0, 0, 0, 0]]).results[1].failure.code == 5
    registry.expect(frozenset({"web"}))
    assert score(scoring, both, [[0, 0, 0, 0]]).results[1].failure.message == "no version of model 'web' is ready yet"


@pytest.mark.usefixtures("with_app")
def test_unknown_head_of_one_model_among_several(scoring: Scoring) -> None:
    """A head that a version no longer has costs its own selector alone; asked alone, it is NOT_FOUND with the heads."""
    selectors = [Selector(model="shop", heads=["value", "buys"]), Selector(model="app")]
    request = scoring_pb2.ScoreRequest(selectors=selectors)
    failed, answered = score(scoring, request, [[0, 0, 0, 1]]).results
    assert (failed.failure.code, answered.version) == (5, 1)
    assert failed.failure.message == "model 'shop' has no head 'buys'; its heads are value, buys_7d, spend_30d"
    with pytest.raises(UnknownHead, match=r"no head 'x{64}'; its"):
        scoring.prepare_score(
            scoring_pb2.ScoreRequest(selectors=[Selector(model="shop", heads=["x" * 9999])]).SerializeToString()
        )


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
    scoring.prepare_score(ask("shop").SerializeToString())
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
    """Every method of the service is there, takes its own request and gives its own reply."""
    service = scoring_pb2.DESCRIPTOR.services_by_name["Scoring"]
    methods = {method.path: method for method in scoring.methods()}
    assert set(methods) == {f"/{service.full_name}/{method.name}" for method in service.methods}
    for described in service.methods:
        method = methods[f"/{service.full_name}/{described.name}"]
        message = request_of(described.input_type)
        prepared = method.prepare(message)
        transport.score(prepared.runs)
        reply: Any = message_factory.GetMessageClass(described.output_type).FromString(method.finish(prepared))
        assert (reply.request_id, [one.model for one in reply.results]) == ("r1", ["shop"])
        assert method.request_id(message) == "r1"
        assert method.request_id(b"\xff") == ""


def request_of(kind: Descriptor) -> bytes:
    """A request of this kind with a name, whose visitor is as long as can be, for one row."""
    request: Any = message_factory.GetMessageClass(kind)(request_id="r1", when_late=scoring_pb2.WHEN_LATE_FAIL)
    row = request.rows.add() if "rows" in kind.fields_by_name else request
    row.visitor.id = "v" * 256
    return bytes(request.SerializeToString())


@pytest.mark.usefixtures("with_app")
def test_a_wrong_row_is_found_before_anything_is_counted(scoring: Scoring, measured: Measured) -> None:
    """Features that only the second model reads, and that are wrong, fail the call, which then counts for nobody."""
    request = ask("app", "shop", features=Features(numbers={"recency_days": math.nan}))
    with pytest.raises(InvalidRequest, match="feature 'recency_days' is nan"):
        score(scoring, request, [[0, 0, 0, 1]], [[0, 0, 0, 1]])
    assert measured.sample("audience_rows_total", model="app", version="1") == 0


def test_a_wrong_row_among_others_calls(scoring: Scoring) -> None:
    """Rows of several calls are scored together; what is wrong fails the call that it came with, by its own number."""
    wrong = scoring_pb2.ScoreBatchRequest(rows=rows(own(1, 2), own(1, math.nan)))
    right = scoring_pb2.ScoreBatchRequest(rows=rows(own(3, 4), own(91, 2)))
    calls = [scoring.prepare_batch(one.SerializeToString()) for one in (right, wrong, right)]
    transport.score([run for call in calls for run in call.runs])
    with pytest.raises(InvalidRequest, match=r"^rows\[1\]: features.vector\[1\] \(visits\) is nan"):
        scoring.finish_batch(calls[1])
    for call in (calls[0], calls[2]):
        (result,) = scoring_pb2.ScoreBatchReply.FromString(scoring.finish_batch(call)).results
        assert (list(result.missing), list(result.out_of_range)) == ([0, 0], [0, 1])
