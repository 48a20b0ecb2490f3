"""Bad input gets a clear error from the table, and the server goes on answering."""

from collections.abc import Callable, Iterator

import grpc
import pytest

from demo.server import Server
from protos.audience.v1 import scoring_pb2, scoring_pb2_grpc
from tests.bundles import MODEL, Made
from tests.integration.answers import TIMEOUT_S, status_of

Stub = scoring_pb2_grpc.ScoringStub
Score = scoring_pb2.ScoreRequest
Batch = scoring_pb2.ScoreBatchRequest
Features = scoring_pb2.Features
Selector = scoring_pb2.Selector
Row = scoring_pb2.Row
Code = grpc.StatusCode

_NAN, _INFINITY = float("nan"), float("inf")
_GOOD = (1.0, 2.0, 3.0, 0.5, 0.0)


@pytest.fixture(autouse=True)
def still_answering(client: Stub) -> Iterator[None]:
    """After every test the server answers as before."""
    yield
    (result,) = client.Score(Score(), timeout=TIMEOUT_S).results
    assert result.version == 1


def _with(**fields: object) -> Callable[[str], Score]:
    """A Score request with these features; `fingerprint` is filled in when a vector is there."""

    def build(fingerprint: str) -> Score:
        known = {"schema_fingerprint": fingerprint} if "vector" in fields else {}
        return Score(features=Features(**{**known, **fields}))  # type: ignore[arg-type]  # fields of the message

    return build


def _send(server: Server, path: str, message: bytes) -> bytes:
    """The reply to these very bytes."""
    with grpc.insecure_channel(server.target) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(path)
        return call(message, timeout=TIMEOUT_S)


def _fails(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return status_of(caught.value)


@pytest.mark.parametrize(
    ("build", "code", "words"),
    [
        (_with(vector=_GOOD[:-1]), Code.INVALID_ARGUMENT, "has 4 numbers; the schema"),
        (_with(vector=(*_GOOD, 1.0)), Code.INVALID_ARGUMENT, "has 6 numbers; the schema"),
        (_with(vector=_GOOD, schema_fingerprint="ab" * 16), Code.INVALID_ARGUMENT, "that of no version"),
        (_with(vector=(1, _NAN, 3, 0.5, 0)), Code.INVALID_ARGUMENT, "features.vector[1] (visits) is nan"),
        (_with(vector=(1, 2, _INFINITY, 0.5, 0)), Code.INVALID_ARGUMENT, "features.vector[2] (spend) is inf"),
        (_with(vector=(1, 2, -_INFINITY, 0.5, 0)), Code.INVALID_ARGUMENT, "is -inf"),
        (_with(vector=(1, 2, 3, 0.5, 0.5)), Code.INVALID_ARGUMENT, "position in the vocabulary"),
        (_with(vector=_GOOD, missing=[5]), Code.INVALID_ARGUMENT, "the vector's last is 4"),
        (_with(numbers={"visits": _NAN}), Code.INVALID_ARGUMENT, "'visits' is nan; send a finite number"),
        (_with(numbers={"spend": _INFINITY}), Code.INVALID_ARGUMENT, "'spend' is inf"),
        (_with(numbers={"spent": 3.0}), Code.INVALID_ARGUMENT, "did you mean 'spend'?"),
        (_with(numbers={"device": 1.0}), Code.INVALID_ARGUMENT, "belongs in features.categories"),
        (_with(categories={"device": "watch"}), Code.INVALID_ARGUMENT, "its words are phone, tablet, desktop"),
        (_with(categories={"spend": "much"}), Code.INVALID_ARGUMENT, "belongs in features.numbers"),
        (lambda _: Score(selectors=[Selector(model="churn")]), Code.NOT_FOUND, f"there is {MODEL}"),
        (lambda _: Score(selectors=[Selector(version=9)]), Code.NOT_FOUND, "serves version 1; version 9 is not loaded"),
        (lambda _: Score(selectors=[Selector(heads=["churns"])]), Code.NOT_FOUND, "has no head 'churns'"),
        (
            lambda _: Score(features=Features(vector=_GOOD)),
            Code.INVALID_ARGUMENT,
            "without features.schema",
        ),
        (lambda _: Score(selectors=[Selector()] * 17), Code.INVALID_ARGUMENT, "at most 16"),
        (lambda _: Score(request_id="x" * 129), Code.INVALID_ARGUMENT, "at most 128"),
        (lambda _: Score(visitor=scoring_pb2.Visitor(id="x" * 257)), Code.INVALID_ARGUMENT, "at most 256"),
    ],
)
def test_wrong_score_requests(
    client: Stub, first: Made, build: Callable[[str], Score], code: grpc.StatusCode, words: str
) -> None:
    """Each kind of wrong request is told apart, and told what would be right."""
    request = build(first.manifest.schema.fingerprint)
    found, details = _fails(lambda: client.Score(request, timeout=TIMEOUT_S))
    assert (found, words in details) == (code, True), details


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Batch(), "the batch has 0 rows; needed are 1 to 50"),
        (Batch(rows=[Row()] * 51), "the batch has 51 rows; needed are 1 to 50"),
        (Batch(rows=[Row(), Row(features=Features(numbers={"spend": _NAN}))]), "rows[1]: feature 'spend' is nan"),
        (Batch(rows=[Row()], selectors=[Selector(features=Features())]), "they belong in the rows"),
    ],
)
def test_wrong_batches(client: Stub, request_: Batch, words: str) -> None:
    """A wrong batch is refused whole, and a wrong row of it is named."""
    code, details = _fails(lambda: client.ScoreBatch(request_, timeout=TIMEOUT_S))
    assert (code, words in details) == (Code.INVALID_ARGUMENT, True), details


@pytest.mark.parametrize("message", [b"\xff\xff\xff", b"no message at all", b"\x0a\x05ab"])
def test_bytes_that_are_no_message(shared_server: Server, message: bytes) -> None:
    """Bytes that do not parse, among them a cut message, are the caller's fault and said to be."""
    code, details = _fails(lambda: _send(shared_server, "/audience.v1.Scoring/Score", message))
    assert (code, "are no audience.v1.ScoreRequest" in details) == (Code.INVALID_ARGUMENT, True), details


def test_message_beyond_the_limit(shared_server: Server) -> None:
    """A message beyond the limit is refused before it is read, with the limit."""
    code, details = _fails(lambda: _send(shared_server, "/audience.v1.Scoring/Score", bytes(5 << 20)))
    assert (code, "4194304" in details) == (Code.RESOURCE_EXHAUSTED, True), details


def test_unknown_method(shared_server: Server) -> None:
    """A method that does not exist is UNIMPLEMENTED."""
    code, _ = _fails(lambda: _send(shared_server, "/audience.v1.Scoring/Scores", b""))
    assert code == Code.UNIMPLEMENTED


def test_deadline_that_has_passed(client: Stub) -> None:
    """A call whose deadline is over ends as that."""
    code, _ = _fails(lambda: client.Score(Score(), timeout=-1.0))
    assert code == Code.DEADLINE_EXCEEDED
