"""The same rows as every server takes them, and what a right reply is to the one who counts."""

import json
from collections.abc import Callable

from google.protobuf.message import DecodeError

from loadtest.results import Status
from protos.audience.v1 import scoring_pb2
from tests.benchmarks import contract
from tests.benchmarks.graph import Bundle
from training.features import Features

SCORE = "/audience.v1.Scoring/Score"
SCORE_BATCH = "/audience.v1.Scoring/ScoreBatch"

Judge = Callable[[bytes], Status]


def score_request(bundle: Bundle, row: Features) -> scoring_pb2.ScoreRequest:
    """What a caller asks about one visitor, shape (40,), by vector."""
    return scoring_pb2.ScoreRequest(
        selectors=[scoring_pb2.Selector(model=bundle.manifest.model)], features=_features(bundle, row)
    )


def batch_request(bundle: Bundle, rows: Features) -> scoring_pb2.ScoreBatchRequest:
    """What a caller asks about many visitors, shape (n, 40), by vector."""
    return scoring_pb2.ScoreBatchRequest(
        selectors=[scoring_pb2.Selector(model=bundle.manifest.model)],
        rows=[scoring_pb2.Row(features=_features(bundle, row)) for row in rows],
    )


def _features(bundle: Bundle, row: Features) -> scoring_pb2.Features:
    return scoring_pb2.Features(vector=row.tolist(), schema_fingerprint=bundle.manifest.schema.fingerprint)


def score_requests(bundle: Bundle) -> tuple[bytes, ...]:
    """A Score for each row, serialized."""
    return tuple(score_request(bundle, row).SerializeToString() for row in bundle.features)


def batch_requests(bundle: Bundle, row_count: int) -> tuple[bytes, ...]:
    """A ScoreBatch for each so many rows, serialized."""
    starts = range(0, len(bundle.features), row_count)
    return tuple(
        batch_request(bundle, bundle.features[start : start + row_count]).SerializeToString() for start in starts
    )


def limit_requests(bundle: Bundle) -> tuple[bytes, ...]:
    """A Row of limit.proto for each row, serialized."""
    row = contract.messages().Row
    return tuple(row(features=values.tobytes()).SerializeToString() for values in bundle.features)


def json_lines(bundle: Bundle) -> str:
    """A JSON array of 40 numbers on a line for each row."""
    return "".join(f"{json.dumps(row.tolist())}\n" for row in bundle.features)


def batch_judge(row_count: int) -> Judge:
    """Tells a reply with an answer for each of so many rows from all others."""

    def status(reply: bytes) -> Status:
        try:
            results = scoring_pb2.ScoreBatchReply.FromString(reply).results
        except DecodeError:
            return Status.BAD_REPLY
        is_answered = len(results) == 1 and not results[0].HasField("failure") and len(results[0].missing) == row_count
        return Status.OK if is_answered else Status.BAD_REPLY

    return status


def limit_judge(score_count: int) -> Judge:
    """Tells a Scores of limit.proto with so many numbers from all other replies."""
    scores = contract.messages().Scores

    def status(reply: bytes) -> Status:
        try:
            values = scores.FromString(reply).values
        except DecodeError:
            return Status.BAD_REPLY
        return Status.OK if len(values) == score_count else Status.BAD_REPLY

    return status
