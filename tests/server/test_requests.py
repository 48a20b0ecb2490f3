"""Whatever form a request comes in, it is what the generated code says that it is."""

from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1 import scoring_pb2
from server.errors import InvalidRequest
from server.requests import Batch, id_of, parse_batch, parse_features, parse_score, parse_selector, public_features
from server.rows import RowReader
from tests.server import encodings
from tests.server.conftest import law
from tests.server.encodings import delimited, real, reals, whole
from tests.server.reading import KNOWN, OLDER, OWN, SERVED, Outcome, careful, read_together, vector

SCHEMAS = (SERVED, OLDER)
READER = RowReader(SERVED, KNOWN)
Selectors = Sequence[scoring_pb2.Selector]
Visitors = Sequence[tuple[int, Outcome]]
Asked = tuple[str, int, Selectors, Visitors] | None


def fast(request: Any) -> Asked:
    """What is asked for, as it is read on the way to a score; None when it is malformed."""
    if isinstance(request, Batch):
        ids, features, request = request.ids, request.features, request.request
    else:
        ids, features = [id_of(request.visitor)], [request.features]
    selectors = [parse_selector(one) for one in request.selectors]
    outcomes = read_together(READER, features)
    if any(isinstance(one, str) and "are no audience.v1.Features" in one for one in outcomes):
        return None
    visitors = [(len(one.decode()), outcome) for one, outcome in zip(ids, outcomes, strict=True)]
    return request.request_id, request.when_late, selectors, visitors


def by_contract(request: scoring_pb2.ScoreRequest | scoring_pb2.ScoreBatchRequest) -> Asked:
    """The same, from the contract's own types."""
    rows = [request] if isinstance(request, scoring_pb2.ScoreRequest) else request.rows
    visitors = [(len(row.visitor.id), careful(SERVED, KNOWN, row.features)) for row in rows]
    return request.request_id, request.when_late, list(request.selectors), visitors


def agree(message: bytes, *, is_batch: bool) -> None:
    """Checks that the message is read as the contract says."""
    kind = scoring_pb2.ScoreBatchRequest if is_batch else scoring_pb2.ScoreRequest
    try:
        expected = by_contract(kind.FromString(message))
    except DecodeError:
        expected = None
    try:
        actual = fast((parse_batch if is_batch else parse_score)(message))
    except InvalidRequest:
        actual = None
    assert actual == expected


@law
@given(encodings.score_requests(SCHEMAS))
def test_every_form_of_a_request_reads_as_the_contract_says(message: bytes) -> None:
    """Same identifiers, selectors, rows, counts and words of refusal, in whatever form protobuf allows."""
    agree(message, is_batch=False)


@law
@given(encodings.batches(SCHEMAS))
def test_every_form_of_a_batch_reads_as_the_contract_says(message: bytes) -> None:
    """The same for many visitors, of whom some are wrong."""
    agree(message, is_batch=True)


@law
@given(encodings.even_batches(SCHEMAS), st.data())
def test_rows_laid_out_alike_read_as_the_contract_says(message: bytes, data: st.DataObject) -> None:
    """The same where they are read as one table, and where one byte of one of them is not as in the others."""
    agree(message, is_batch=True)
    position = data.draw(st.integers(0, len(message) - 1))
    agree(message[:position] + data.draw(st.binary(min_size=1, max_size=1)) + message[position + 1 :], is_batch=True)


@law
@given(encodings.features(SCHEMAS))
def test_every_form_of_features_reads_as_the_contract_says(features: bytes) -> None:
    """The same with nothing but features in the request, so that most of them are looked at closely."""
    agree(delimited(4, features), is_batch=False)


@law
@given(encodings.score_requests(SCHEMAS), st.data())
def test_damaged_requests_read_as_the_contract_says(message: bytes, data: st.DataObject) -> None:
    """A request that lost its end, or some byte of which changed, is refused, or is what the contract says."""
    position = data.draw(st.integers(0, len(message)))
    agree(message[:position], is_batch=False)
    agree(message[:position] + data.draw(st.binary(max_size=2)) + message[position + 1 :], is_batch=False)


@law
@given(st.binary(max_size=40))
def test_any_bytes_are_a_request_or_refused(message: bytes) -> None:
    """No bytes raise anything else than what callers are told."""
    agree(message, is_batch=False)
    agree(message, is_batch=True)


FOUR = [1.0, 2.0, 0.0, 1.0]
FINGERPRINT = delimited(2, OWN.encode())
# Written by protobuf five bytes longer than it stands here, and one.
SHORT_NUMBER = whole(5, 2**32 - 1)
SINGLE_MISSING = whole(3, 0)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(delimited(4, reals(1, FOUR) + FINGERPRINT), id="packed"),
        pytest.param(delimited(4, b"".join(real(1, one) for one in FOUR) + FINGERPRINT), id="unpacked"),
        pytest.param(delimited(4, reals(1, FOUR[:2]) + reals(1, FOUR[2:]) + FINGERPRINT), id="in two chunks"),
        pytest.param(delimited(4, reals(1, FOUR[:3]) + real(1, 1) + FINGERPRINT), id="packed, then unpacked"),
        pytest.param(delimited(4, real(1, 1) + reals(1, FOUR[1:]) + FINGERPRINT), id="unpacked, then packed"),
        pytest.param(delimited(4, FINGERPRINT + reals(1, FOUR)), id="in another order"),
        pytest.param(delimited(4, FINGERPRINT) + delimited(4, reals(1, FOUR)), id="features in two parts"),
        pytest.param(delimited(4, reals(1, FOUR) + FINGERPRINT, padding=3), id="longer length"),
        pytest.param(
            delimited(4, reals(1, [0.0]) + reals(1, FOUR) + FINGERPRINT + SINGLE_MISSING) + SHORT_NUMBER,
            id="too much, though as long as what would be right",
        ),
        pytest.param(
            delimited(4, reals(1, FOUR[:1]) + reals(1, FOUR[1:]) + FINGERPRINT + SINGLE_MISSING) + SHORT_NUMBER,
            id="right, though as long as what would be too little",
        ),
    ],
)
def test_forms_of_a_vector(message: bytes) -> None:
    """A vector in pieces is the vector in one, also when what is lost is as long as what is gained elsewhere."""
    agree(message, is_batch=False)
    agree(delimited(3, message.replace(b"\x22", b"\x12", 1)), is_batch=True)


def test_packed_vector_is_not_looked_at() -> None:
    """Its numbers stay the bytes that they came as."""
    request = scoring_pb2.ScoreRequest(features=vector(*FOUR))
    features = parse_score(request.SerializeToString()).features
    assert features == request.features.SerializeToString()
    assert parse_features(features).vector == reals(1, FOUR)[2:]


def test_selectors_stay_bytes() -> None:
    """They are the key of what was resolved before, and are parsed one by one."""
    selector = scoring_pb2.Selector(model="shop", version=3, heads=["value"])
    (kept,) = parse_score(scoring_pb2.ScoreRequest(selectors=[selector]).SerializeToString()).selectors
    assert kept == selector.SerializeToString()
    assert parse_selector(kept) == selector


@law
@given(encodings.features(SCHEMAS))
def test_features_there_and_back(encoded: bytes) -> None:
    """Features of the contract's type are the same after they were private, in whatever form they came."""
    try:
        features = scoring_pb2.Features.FromString(encoded)
    except DecodeError:
        return
    features.DiscardUnknownFields()
    back = public_features(parse_features(encoded).SerializeToString())
    back.DiscardUnknownFields()
    assert back.SerializeToString(deterministic=True) == features.SerializeToString(deterministic=True)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (b"\xff", "ScoreRequest"),
        (b"hello", "ScoreRequest"),
        (b"\x0a\x05ab", "ScoreRequest"),
        (b"\x0a\x01\xff", "ScoreRequest"),
    ],
)
def test_message_that_is_no_request(message: bytes, kind: str) -> None:
    """Bytes that are no request, or hold text that is not UTF-8, are the caller's fault."""
    with pytest.raises(InvalidRequest, match=rf"^the {len(message)} bytes of the message are no audience.v1.{kind}$"):
        parse_score(message)
    with pytest.raises(InvalidRequest, match=r"are no audience.v1.ScoreBatchRequest$"):
        parse_batch(b"\xff")
    with pytest.raises(InvalidRequest, match=r"are no audience.v1.Selector$"):
        parse_selector(b"\xff")


@pytest.mark.parametrize("features", [b"\xff", b"hello", FINGERPRINT[:-1], delimited(2, b"\xff")])
def test_features_that_are_none(features: bytes) -> None:
    """They stay bytes until they are read, and what is wrong with them is the caller's fault all the same."""
    assert parse_score(delimited(4, features)).features == features
    assert list(parse_batch(delimited(3, delimited(2, features))).features) == [features]
    for read in (parse_features, public_features, READER.read):
        with pytest.raises(
            InvalidRequest, match=rf"^the {len(features)} bytes of the message are no audience.v1.Featu"
        ):
            read(features)


@pytest.mark.parametrize("visitor", [b"\xff", b"hello", delimited(1, b"\xff"), delimited(1, b"ab")[:-1]])
def test_visitor_that_is_none(visitor: bytes) -> None:
    """It stays bytes until its id is asked for."""
    assert parse_score(delimited(2, visitor)).visitor == visitor
    with pytest.raises(InvalidRequest, match=rf"^the {len(visitor)} bytes of the message are no audience.v1.Visitor$"):
        id_of(visitor)


@pytest.mark.parametrize("text", ["", "a", "ä" * 5, "a" * 127, "a" * 128, "ä" * 64, "€" * 300])
def test_id_of_a_visitor(text: str) -> None:
    """The last one that is given, whatever else a visitor of the future has."""
    visitor = scoring_pb2.Visitor(id=text).SerializeToString()
    assert id_of(visitor) == id_of(visitor + b"\x98\x06\x01") == text.encode()
    assert id_of(delimited(1, b"another") + delimited(1, text.encode())) == text.encode()


def test_message_that_is_a_request() -> None:
    """No bytes are an empty request; fields of the future are no fault."""
    assert not parse_score(b"").ListFields()
    assert not parse_batch(b"").request.ListFields()
    assert not parse_batch(b"").features
    assert parse_score(b"\x0a\x02r1\x98\x06\x01").request_id == "r1"
