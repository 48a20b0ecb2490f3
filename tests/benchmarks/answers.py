"""Whether servers answer what the estimators do, asked through public clients that nobody here wrote."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import grpc
import numpy as np

from protos.audience.v1 import bundle_pb2, scoring_pb2, scoring_pb2_grpc
from tests.benchmarks import contract, wire
from tests.benchmarks.errors import WrongAnswer
from tests.benchmarks.graph import Bundle
from training.features import Features

TOLERANCE = 1e-5  # absolute and relative, as training's own
_MEMBERSHIP_TOLERANCE = 1.1e-3  # the contract leaves out memberships below 0.001
_SAMPLE = 16
_BATCH = 64
_TIMEOUT_S = 20.0
_ECHO = 0.1
ECHO_COUNT = 10


def check_audience(bundle: Bundle, target: str) -> None:
    """Asks Score for a sample of rows, and ScoreBatch once.

    Raises:
        WrongAnswer: an error, or another answer than the estimators'.
    """
    with grpc.insecure_channel(target) as channel:
        stub = scoring_pb2_grpc.ScoringStub(channel)
        try:
            for number in _sample(bundle):
                request = wire.score_request(bundle, bundle.features[number])
                (result,) = stub.Score(request, timeout=_TIMEOUT_S, wait_for_ready=True).results
                _raise_first(f"{target}, row {number}", one_faults(bundle.manifest, result, bundle.scores[number]))
            batch = wire.batch_request(bundle, bundle.features[:_BATCH])
            (columns,) = stub.ScoreBatch(batch, timeout=_TIMEOUT_S).results
        except grpc.RpcError as error:
            raise WrongAnswer(f"{target}: {error}") from error
        _raise_first(f"{target}, a batch", batch_faults(bundle.manifest, columns, bundle.scores[:_BATCH]))


def check_limit(bundle: Bundle, target: str, *, is_echo: bool = False) -> None:
    """Asks a server of limit.proto for a sample of rows.

    Raises:
        WrongAnswer: an error, or another answer than the estimators', or than the one of an echo.
    """
    row = contract.messages().Row
    with grpc.insecure_channel(target) as channel:
        stub = contract.services().LimitStub(channel)
        ask = stub.Echo if is_echo else stub.Score
        for number in _sample(bundle):
            request = row(features=bundle.features[number].tobytes())
            try:
                values = ask(request, timeout=_TIMEOUT_S, wait_for_ready=True).values
            except grpc.RpcError as error:
                raise WrongAnswer(f"{target}: {error}") from error
            wanted = np.full(ECHO_COUNT, _ECHO, np.float32) if is_echo else bundle.scores[number]
            _raise_first(f"{target}, row {number}", _faults("scores", values, wanted))


def check_json(bundle: Bundle, url: str) -> None:
    """Posts a sample of rows to a server of JSON.

    Raises:
        WrongAnswer: an error, or another answer than the estimators'.
    """
    for number in _sample(bundle):
        data = json.dumps(bundle.features[number].tolist()).encode()
        try:
            with urllib.request.urlopen(url, data, timeout=_TIMEOUT_S) as reply:  # noqa: S310  # our own http:// address
                values = json.load(reply)
        except (OSError, ValueError) as error:
            raise WrongAnswer(f"{url}: {error}") from error
        _raise_first(f"{url}, row {number}", _faults("scores", values, bundle.scores[number]))


def one_faults(manifest: bundle_pb2.Manifest, result: scoring_pb2.ModelScores, wanted: Features) -> Iterator[str]:
    """What is wrong with one visitor's answer; `wanted` are the estimators' scores, shape (score_count,)."""
    for head in manifest.heads:
        columns = {column.role: wanted[column.first : column.first + column.count] for column in head.columns}
        if head.name in result.propensities:
            probability = [result.propensities[head.name].probability]
            yield from _faults(head.name, probability, columns[bundle_pb2.COLUMN_ROLE_PROBABILITY])
        elif head.name in result.segmentations:
            segment = result.segmentations[head.name]
            keys = [facts.key for facts in head.segments]
            if segment.key != keys[int(columns[bundle_pb2.COLUMN_ROLE_SEGMENT][0])]:
                yield f"{head.name}: the segment is {segment.key!r}"
            memberships = [segment.memberships.get(key, 0.0) for key in keys]
            yield from _faults(
                head.name, memberships, columns[bundle_pb2.COLUMN_ROLE_MEMBERSHIP], _MEMBERSHIP_TOLERANCE
            )
        else:
            yield f"{head.name}: no answer"


def batch_faults(manifest: bundle_pb2.Manifest, result: scoring_pb2.ModelColumns, wanted: Features) -> Iterator[str]:
    """What is wrong with many visitors' answers; `wanted` are the estimators' scores, shape (n, score_count)."""
    for head in manifest.heads:
        columns = {column.role: wanted[:, column.first : column.first + column.count] for column in head.columns}
        if head.name in result.propensities:
            probabilities = result.propensities[head.name].probabilities
            yield from _faults(head.name, probabilities, columns[bundle_pb2.COLUMN_ROLE_PROBABILITY])
        elif head.name in result.segmentations:
            segments = result.segmentations[head.name]
            yield from _faults(head.name, segments.segments, columns[bundle_pb2.COLUMN_ROLE_SEGMENT])
            yield from _faults(head.name, segments.memberships, columns[bundle_pb2.COLUMN_ROLE_MEMBERSHIP])
        else:
            yield f"{head.name}: no answer"


def _faults(name: str, given: object, wanted: Features, absolute: float = TOLERANCE) -> Iterator[str]:
    actual, expected = np.ravel(np.asarray(given, np.float64)), np.ravel(wanted)
    if actual.shape != expected.shape or not np.allclose(actual, expected, rtol=TOLERANCE, atol=absolute):
        yield f"{name}: {actual.tolist()} instead of {expected.tolist()}"


def _raise_first(where: str, faults: Iterator[str]) -> None:
    for fault in faults:
        raise WrongAnswer(f"{where}: {fault[:500]}")


def _sample(bundle: Bundle) -> list[int]:
    return [int(number) for number in np.linspace(0, len(bundle.features) - 1, _SAMPLE)]
