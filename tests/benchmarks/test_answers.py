import numpy as np
import pytest

from protos.audience.v1 import bundle_pb2, scoring_pb2
from tests.benchmarks.answers import batch_faults, one_faults
from training.features import Features

SEGMENT, MARGIN, MEMBERSHIP, PROBABILITY = (
    bundle_pb2.COLUMN_ROLE_SEGMENT,
    bundle_pb2.COLUMN_ROLE_MARGIN,
    bundle_pb2.COLUMN_ROLE_MEMBERSHIP,
    bundle_pb2.COLUMN_ROLE_PROBABILITY,
)
SCORES: Features = np.array([[1, 0.6, 0.2, 0.8, 0.35]], np.float32)


@pytest.fixture(name="manifest")
def made_manifest() -> bundle_pb2.Manifest:
    """A mixture of two segments and a propensity: five columns."""
    columns = [
        bundle_pb2.ScoreColumns(role=SEGMENT, first=0, count=1),
        bundle_pb2.ScoreColumns(role=MARGIN, first=1, count=1),
        bundle_pb2.ScoreColumns(role=MEMBERSHIP, first=2, count=2),
    ]
    segments = [bundle_pb2.SegmentFacts(key="a"), bundle_pb2.SegmentFacts(key="b")]
    probability = bundle_pb2.ScoreColumns(role=PROBABILITY, first=4, count=1)
    return bundle_pb2.Manifest(
        heads=[
            bundle_pb2.Head(name="style", columns=columns, segments=segments),
            bundle_pb2.Head(name="buys", columns=[probability]),
        ]
    )


def reply(key: str, memberships: dict[str, float], probability: float) -> scoring_pb2.ModelScores:
    """One visitor's answer."""
    return scoring_pb2.ModelScores(
        segmentations={"style": scoring_pb2.Segment(key=key, memberships=memberships)},
        propensities={"buys": scoring_pb2.Propensity(probability=probability)},
    )


def test_right_answer_has_no_fault(manifest: bundle_pb2.Manifest) -> None:
    """The estimators' scores, in the contract's shape, pass."""
    assert list(one_faults(manifest, reply("b", {"a": 0.2, "b": 0.8}, 0.35), SCORES[0])) == []


@pytest.mark.parametrize(
    "wrong",
    [
        reply("a", {"a": 0.2, "b": 0.8}, 0.35),
        reply("b", {"a": 0.3, "b": 0.7}, 0.35),
        reply("b", {"b": 0.8}, 0.35),
        reply("b", {"a": 0.2, "b": 0.8}, 0.3501),
        scoring_pb2.ModelScores(segmentations=reply("b", {"a": 0.2, "b": 0.8}, 0).segmentations),
        scoring_pb2.ModelScores(),
    ],
    ids=["segment", "memberships", "a membership missing", "probability", "a head missing", "nothing"],
)
def test_wrong_answer_is_found(manifest: bundle_pb2.Manifest, wrong: scoring_pb2.ModelScores) -> None:
    """Another segment, membership or probability, and an answer that is not there."""
    assert list(one_faults(manifest, wrong, SCORES[0]))


def test_columns_of_a_batch_are_compared(manifest: bundle_pb2.Manifest) -> None:
    """A batch is right when every row is, and one row that is missing makes it wrong."""
    columns = scoring_pb2.ModelColumns(
        segmentations={"style": scoring_pb2.SegmentColumns(segments=[1, 1], memberships=[0.2, 0.8, 0.2, 0.8])},
        propensities={"buys": scoring_pb2.PropensityColumns(probabilities=[0.35, 0.35])},
    )

    assert list(batch_faults(manifest, columns, np.repeat(SCORES, 2, axis=0))) == []
    assert list(batch_faults(manifest, columns, np.repeat(SCORES, 3, axis=0)))
    assert list(batch_faults(manifest, columns, np.repeat(SCORES, 2, axis=0) * np.float32(0.9)))
