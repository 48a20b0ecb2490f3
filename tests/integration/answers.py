"""Requests that tests send, and the answers that scikit-learn gives to them."""

import grpc
import numpy as np

from protos.audience.v1 import scoring_pb2
from tests.bundles import Made
from training.features import Features
from training.heads import FloatArray, width

TIMEOUT_S = 20.0  # generous: these machines are shared, and what is slow here is not wrong


def status_of(error: BaseException) -> tuple[grpc.StatusCode, str]:
    """Code and details of a call that failed."""
    if not isinstance(error, grpc.Call):
        raise TypeError(f"no gRPC call failed, but {error!r}")
    return error.code(), error.details() or ""


def by_vector(made: Made, row: Features) -> scoring_pb2.Features:
    """One visitor's features as a vector of the version's own schema."""
    return scoring_pb2.Features(vector=row, schema_fingerprint=made.manifest.schema.fingerprint)


def by_name(made: Made, row: Features) -> scoring_pb2.Features:
    """One visitor's features by name."""
    features = scoring_pb2.Features()
    for spec, value in zip(made.specs, row.tolist(), strict=True):
        if spec.vocabulary:
            features.categories[spec.name] = spec.vocabulary[int(value)]
        else:
            features.numbers[spec.name] = value
    return features


def expected(made: Made, row: Features) -> dict[str, FloatArray]:
    """What scikit-learn's estimators answer for one visitor, by head; the columns are those of the export."""
    scores = {head.name: head.scores(row[None])[0] for head in made.heads}
    assert all(len(scores[head.name]) == width(head) for head in made.heads)
    return scores


def assert_same(made: Made, row: Features, result: scoring_pb2.ModelScores) -> None:
    """The reply says what scikit-learn says."""
    wanted = expected(made, row)
    value, style = result.segmentations["value"], result.segmentations["style"]
    keys = {head.name: [segment.key for segment in head.segments] for head in made.manifest.heads}
    assert value.key == keys["value"][int(wanted["value"][0])]
    np.testing.assert_allclose([value.distance, value.margin], wanted["value"][1:], rtol=1e-5, atol=1e-5)
    assert style.key == keys["style"][int(wanted["style"][0])]
    memberships = [style.memberships.get(key, 0.0) for key in keys["style"]]
    np.testing.assert_allclose(memberships, wanted["style"][2:], atol=1.1e-3)  # the contract leaves out below 0.001
    np.testing.assert_allclose(result.propensities["buys_7d"].probability, wanted["buys_7d"][0], atol=1e-5)
    np.testing.assert_allclose(result.values["spend_30d"].expected, wanted["spend_30d"][0], rtol=1e-5)
