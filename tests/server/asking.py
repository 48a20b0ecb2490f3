"""Requests of the models in literal.py, and their replies when the graphs give certain scores."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from protos.audience.v1 import scoring_pb2
from protos.audience.v1.scoring_pb2 import Features, Selector
from server.batches import PreparedBatch
from server.errors import AudienceError, NoModelReady, UnknownHead, UnknownModel
from server.scoring import Prepared, Scoring
from server.served import Scored, Served
from server.transport.seam import Run
from tests.server.literal import model

PreparedT = TypeVar("PreparedT", Prepared, PreparedBatch)
CODES: dict[type[AudienceError], int] = {UnknownModel: 5, UnknownHead: 5, NoModelReady: 14}
MOST_ROWS = 4


def served_by(run: Run) -> Served:
    """What scores the run."""
    assert isinstance(run.lane, Served)
    return run.lane


def run_rows(prepared: Prepared | PreparedBatch) -> list[list[list[float]]]:
    """The rows of each run as they would be scored."""
    return [served_by(run).reader.complete(run.rows).rows.tolist() for run in prepared.runs]


def ran(prepared: PreparedT, scores: Sequence[Sequence[Sequence[float]]]) -> PreparedT:
    """The request when the graphs gave these scores, for one run after the other."""
    for run, given in zip(prepared.runs, scores, strict=True):
        run.scored = Scored(np.array(given, np.float32), served_by(run).reader.complete(run.rows))
    return prepared


def score(
    scoring: Scoring, request: scoring_pb2.ScoreRequest, *scores: Sequence[Sequence[float]]
) -> scoring_pb2.ScoreReply:
    """The reply when the graphs give these scores."""
    prepared = ran(scoring.prepare_score(request.SerializeToString()), scores)
    return scoring_pb2.ScoreReply.FromString(scoring.finish_score(prepared))


def score_batch(
    scoring: Scoring, request: scoring_pb2.ScoreBatchRequest, *scores: Sequence[Sequence[float]]
) -> scoring_pb2.ScoreBatchReply:
    """The reply when the graphs give these scores."""
    prepared = ran(scoring.prepare_batch(request.SerializeToString()), scores)
    return scoring_pb2.ScoreBatchReply.FromString(scoring.finish_batch(prepared))


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
