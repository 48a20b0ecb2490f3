import shutil
from pathlib import Path

import numpy as np
import pytest

from loadtest import payloads
from loadtest.errors import BadPayloads
from loadtest.results import Status
from protos.audience.v1 import scoring_pb2
from tests.loadtest.conftest import FINGERPRINT


def test_bundle_gives_a_request_for_each_row(bundle: Path) -> None:
    """Each reference row is a vector with the fingerprint, asked of the model without a version."""
    requests = [scoring_pb2.ScoreRequest.FromString(request) for request in payloads.from_bundle(bundle).requests]
    assert [list(request.features.vector) for request in requests] == [[1, 2], [3, 4], [5, 6]]
    assert {request.features.schema_fingerprint for request in requests} == {FINGERPRINT}
    assert [request.selectors[0].model for request in requests] == ["shop"] * 3
    assert not any(request.selectors[0].HasField("version") for request in requests)


@pytest.mark.parametrize("name", ["manifest.json", "reference.npz"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff"])
def test_damaged_bundle_is_refused(bundle: Path, name: str, content: bytes | None) -> None:
    """A file that is missing or damaged is named in the error."""
    (bundle / name).unlink()
    if content is not None:
        (bundle / name).write_bytes(content)
    with pytest.raises(BadPayloads, match=name):
        payloads.from_bundle(bundle)


@pytest.mark.parametrize("shape", [(0, 2), (3, 1), (3,)])
def test_rows_that_do_not_fit_the_schema_are_refused(bundle: Path, shape: tuple[int, ...]) -> None:
    """Reference rows must be a table with the schema's columns, and not empty."""
    np.savez(bundle / "reference.npz", features=np.zeros(shape, np.float32))
    with pytest.raises(BadPayloads, match="shape"):
        payloads.from_bundle(bundle)


def test_missing_bundle_is_refused(bundle: Path) -> None:
    """A folder that is not there is named in the error."""
    shutil.rmtree(bundle)
    with pytest.raises(BadPayloads, match="No such file"):
        payloads.from_bundle(bundle)


def test_lines_give_a_request_each(tmp_path: Path) -> None:
    """A file of JSON lines is as many requests; empty lines do not count."""
    path = tmp_path / "requests.jsonl"
    path.write_text('{"requestId": "a"}\n\n{"request_id": "b", "selectors": [{"model": "shop"}]}\n', encoding="utf-8")
    requests = [scoring_pb2.ScoreRequest.FromString(request) for request in payloads.from_lines(path).requests]
    assert [request.request_id for request in requests] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "error"), [("", "has no request"), ('{}\n{"modle": 1}', r"jsonl:2 "), ("[", r"jsonl:1 ")]
)
def test_wrong_lines_are_refused(tmp_path: Path, text: str, error: str) -> None:
    """The error names the line that is wrong."""
    path = tmp_path / "requests.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadPayloads, match=error):
        payloads.from_lines(path)


GOOD = scoring_pb2.ModelScores(model="shop", version=1)
FAILED = scoring_pb2.ModelScores(model="other", failure=scoring_pb2.Failure(code=5, message="no such model"))


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (scoring_pb2.ScoreReply(results=[GOOD]).SerializeToString(), Status.OK),
        (scoring_pb2.ScoreReply(results=[GOOD, GOOD]).SerializeToString(), Status.OK),
        (scoring_pb2.ScoreReply(results=[GOOD, FAILED]).SerializeToString(), Status.BAD_REPLY),
        (scoring_pb2.ScoreReply(request_id="a").SerializeToString(), Status.BAD_REPLY),
        (b"", Status.BAD_REPLY),
        (b"\xff\xff", Status.BAD_REPLY),
    ],
)
def test_reply_status(reply: bytes, status: Status) -> None:
    """A reply is right when it parses and all its results, at least one, are answers."""
    assert payloads.reply_status(reply) is status
