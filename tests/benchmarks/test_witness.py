import pytest

from loadtest.results import Status
from protos.audience.v1 import scoring_pb2
from tests.benchmarks.witness import NO_VERSION, Answer, Witness

# Two rows of two bundles: odd versions are made of the first, even ones of the second.
ANSWERS: tuple[tuple[Answer, ...], ...] = (
    ({"style": "style-1-1", "buys": 0.1}, {"style": "style-1-2", "buys": 0.2}),
    ({"style": "style-1-2", "buys": 0.3}, {"style": "style-1-1", "buys": 0.4}),
)


def reply(version: int, row: int, *, second: int | None = None, buys: float | None = None) -> bytes:
    """A reply of this version about this row, perhaps with another version beside or another score."""
    answer = ANSWERS[(version - 1) % 2][row]
    message = scoring_pb2.ScoreReply(request_id=str(row))
    result = message.results.add(model="bench", version=version)
    result.segmentations["style"].key = str(answer["style"])
    other = message.results.add(model="bench", version=second or version)
    other.propensities["buys"].probability = float(answer["buys"]) if buys is None else buys
    return message.SerializeToString()


def test_replies_of_one_version_are_good() -> None:
    """Each with the scores of the version that it names; which version answered is kept, in order."""
    witness = Witness(ANSWERS)

    assert [witness(reply(version, row)) for version in (1, 2, 3) for row in (0, 1)] == [Status.OK] * 6
    assert witness.replies().versions.tolist() == [1, 1, 2, 2, 3, 3]
    assert witness.replies().mixed_count == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (reply(1, 0, second=2), "versions 1 and 2 in one reply"),
        (reply(1, 0, buys=0.3), "row 0, version 1: buys is 0.3"),
        (reply(2, 1, buys=0.2), "row 1, version 2: buys is 0.2"),
    ],
)
def test_mixed_replies_are_counted(given: bytes, words: str) -> None:
    """Two versions in one reply, or a score of another version than it names: both are mixed, and said."""
    witness = Witness(ANSWERS)
    witness(given)

    assert witness.replies().mixed_count == 1
    assert words in witness.replies().first_fault


def test_segment_of_another_version_is_mixed() -> None:
    """A segment counts as much as a score."""
    message = scoring_pb2.ScoreReply.FromString(reply(1, 0))
    message.results[0].segmentations["style"].key = "style-1-2"
    witness = Witness(ANSWERS)
    witness(message.SerializeToString())

    assert witness.replies().mixed_count == 1


@pytest.mark.parametrize("given", [b"\xff", scoring_pb2.ScoreReply().SerializeToString()])
def test_what_is_no_answer_is_a_bad_reply(given: bytes) -> None:
    """Bytes that do not parse and a reply without results are no answers of any version."""
    witness = Witness(ANSWERS)

    assert witness(given) is Status.BAD_REPLY
    assert witness.replies().versions.tolist() == [NO_VERSION]
