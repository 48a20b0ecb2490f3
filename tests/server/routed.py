"""Three versions of one model, of which the third has other features, and who is to get which."""

from collections.abc import Sequence

import numpy as np

from protos.audience.v1 import bundle_pb2, scoring_pb2
from protos.audience.v1.scoring_pb2 import Features
from server.heads import FloatMatrix
from server.metrics import Metrics
from server.model import Model
from server.registry import Registry
from server.scoring import Scoring
from server.traffic import Route, Share
from server.transport import seam
from tests.server.asking import CODES
from tests.server.literal import manifest, model, number, propensity, segmentation, value

MOST_ROWS = 64
RECENCY, VISITS = number("recency_days", "days", minimum=0, maximum=90), number("visits", "visits")
SPEND = number("spend", "USD", default=7)
TARGETS = {"": 1, "stable": 1, "canary": 2, "next": 3}
EVEN = Route(TARGETS, "stable", (Share("canary", 3000), Share("next", 3000)), "s", 2000, "h")


def version(number_: int) -> Model:
    """Version 1 and 2 have recency_days and visits, 3 has visits and spend; the amount they expect is the visits."""
    features, visits = ((VISITS, SPEND), 0) if number_ == 3 else ((RECENCY, VISITS), 1)

    def score(rows: FloatMatrix) -> FloatMatrix:
        amounts = rows[:, visits]
        return np.column_stack([np.zeros((len(rows), 2)), np.full(len(rows), 0.5), amounts]).astype(np.float32)

    return model("shop", number_, *features, made=_described(number_), score=score)


def _described(number_: int) -> bundle_pb2.Manifest:
    likely = propensity(2)
    likely.distribution.mean = number_ / 10
    heads = [segmentation(), likely, value(3)]
    if number_ == 2:
        heads[0].name = "style"
    return manifest(*heads, score_count=4, version=number_)


def publish(registry: Registry, route: Route, *numbers: int) -> None:
    """Serves these versions, all three when none are said, to whom the route says."""
    models = [version(number_) for number_ in numbers or (1, 2, 3)]
    schemas = {one.description.schema.fingerprint: one.description.schema for one in map(version, (1, 2, 3))}
    registry.publish(models, schemas, frozenset(), {"shop": route})


def registry_of(metrics: Metrics, route: Route, *numbers: int) -> Registry:
    """A registry of them."""
    registry = Registry(metrics)
    publish(registry, route, *numbers)
    return registry


def methods(registry: Registry) -> Scoring:
    """Methods that know of no request yet."""
    return Scoring(registry, most_rows=MOST_ROWS, error_code=lambda error: CODES[type(error)])


def vector(of: int, visits: float, first: float = 3) -> Features:
    """A vector of this version, for a visitor with so many visits."""
    values = (visits, first) if of == 3 else (first, visits)
    return Features(vector=values, schema_fingerprint=version(of).description.schema.fingerprint)


def ask(visitor: str, features: Features | None = None, **others: object) -> scoring_pb2.ScoreRequest:
    """A request about a visitor."""
    fields = {"request_id": "r", "visitor": scoring_pb2.Visitor(id=visitor), "features": features, **others}
    return scoring_pb2.ScoreRequest(**fields)  # type: ignore[arg-type]  # whatever the test wants


def ask_all(
    visitors: Sequence[str], features: Sequence[Features] | None = None, **others: object
) -> scoring_pb2.ScoreBatchRequest:
    """The same about many."""
    given = features or [Features()] * len(visitors)
    rows = [
        scoring_pb2.Row(visitor=scoring_pb2.Visitor(id=visitor), features=one)
        for visitor, one in zip(visitors, given, strict=True)
    ]
    return scoring_pb2.ScoreBatchRequest(request_id="b", rows=rows, **others)  # type: ignore[arg-type]  # as above


def answer(scoring: Scoring, request: scoring_pb2.ScoreRequest) -> scoring_pb2.ScoreReply:
    """The reply."""
    prepared = scoring.prepare_score(request.SerializeToString())
    seam.score(prepared.runs)
    return scoring_pb2.ScoreReply.FromString(scoring.finish_score(prepared))


def answer_all(scoring: Scoring, request: scoring_pb2.ScoreBatchRequest) -> scoring_pb2.ScoreBatchReply:
    """The reply."""
    prepared = scoring.prepare_batch(request.SerializeToString())
    seam.score(prepared.runs)
    return scoring_pb2.ScoreBatchReply.FromString(scoring.finish_batch(prepared))


def by_row(reply: scoring_pb2.ScoreBatchReply, count: int) -> list[tuple[scoring_pb2.ModelColumns, int]]:
    """For each row of a batch of one selector, the result that it is in and where in it; each is in one."""
    places = [
        (row, (result, place)) for result in reply.results for place, row in enumerate(result.rows or range(count))
    ]
    assert sorted(row for row, _ in places) == list(range(count))
    return [place for _, place in sorted(places, key=lambda one: one[0])]


def visitor_of(route: Route, label: str, *, is_held_out: bool = False, prefix: str = "v") -> str:
    """Somebody who is in this share, and in the holdout or not."""
    everybody = (f"{prefix}{number_}" for number_ in range(1_000_000))
    return next(
        one
        for one in everybody
        if (route.share_of(one.encode()), route.is_held_out(one.encode())) == (label, is_held_out)
    )
