"""Requests, parsed so that a vector costs nothing: its numbers stay the bytes that they came as.

`Features.vector` is `repeated float` in the contract, which every language writes without thought. Packed, it is
byte-identical on the wire to a `bytes` field of the same number, which NumPy reads without a copy, while protobuf makes
a Python object of every number. So requests are parsed as private messages, made here from the contract's own
descriptor with some types changed to bytes. Features as a whole stay bytes too, since most follow a pattern that is
known beforehand; selectors, being the key of what was resolved for them before; and the entries of the two maps, of
which all but the number is known.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from protos.audience.v1 import scoring_pb2
from server.errors import InvalidRequest
from server.even import even

_Field = descriptor_pb2.FieldDescriptorProto
_PUBLIC = scoring_pb2.DESCRIPTOR.package
_PRIVATE = "audience.private"

# Messages whose type is made when the process starts: no type checker can know their fields.
Request: TypeAlias = Any
Features: TypeAlias = Any

_AS_BYTES = frozenset({"vector", "features", "visitor"})
_EACH_AS_BYTES = frozenset({"selectors", "numbers", "categories"})
_LONGEST_PLAIN = 128  # a length below it takes one byte
_ID_TAG = 1 << 3 | 2


def _private_types(*names: str, each_as_bytes: Collection[str] = _EACH_AS_BYTES) -> Iterator[type[Message]]:
    file = descriptor_pb2.FileDescriptorProto()
    scoring_pb2.DESCRIPTOR.CopyToProto(file)
    file.name, file.package = "audience/private.proto", _PRIVATE
    del file.service[:]
    for message in file.message_type:
        for nested in message.nested_type:
            _make_private(nested, each_as_bytes)
        _make_private(message, each_as_bytes)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    for name in names:
        yield message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PRIVATE}.{name}"))


def _make_private(message: descriptor_pb2.DescriptorProto, each_as_bytes: Collection[str]) -> None:
    for field in message.field:
        if field.name in _AS_BYTES or field.name in each_as_bytes:
            field.type = _Field.TYPE_BYTES
            field.label = _Field.LABEL_REPEATED if field.name in each_as_bytes else _Field.LABEL_OPTIONAL
            field.ClearField("type_name")
        elif field.type_name:
            field.type_name = field.type_name.replace(f".{_PUBLIC}.", f".{_PRIVATE}.")


_PrivateScore, _PrivateBatch, _PrivateFeatures = _private_types("ScoreRequest", "ScoreBatchRequest", "Features")
(_EvenBatch,) = _private_types("ScoreBatchRequest", each_as_bytes={*_EACH_AS_BYTES, "rows"})


@dataclass(frozen=True, slots=True)
class Batch:
    """A ScoreBatchRequest.

    Attributes:
        request: all of it but the rows.
        ids: the visitors', in UTF-8.
        features: theirs, as they came.
    """

    request: Request
    ids: Sequence[bytes]
    features: Sequence[bytes]


def parse_score(message: bytes) -> Request:
    """The ScoreRequest in these bytes, with `visitor`, `features` and each of `selectors` as bytes.

    Raises:
        InvalidRequest: they are not one.
    """
    return _parse(message, _PrivateScore, scoring_pb2.ScoreRequest)


def parse_batch(message: bytes) -> Batch:
    """The ScoreBatchRequest in these bytes, `selectors` as parse_score does; raises as it does."""
    request = _parse(message, _EvenBatch, scoring_pb2.ScoreBatchRequest)
    rows = request.rows[:]  # once: protobuf makes new objects whenever it is asked
    together = even(rows) if rows else None
    if together is not None:
        return Batch(request, together.ids, together.features)
    request = _parse(message, _PrivateBatch, scoring_pb2.ScoreBatchRequest)
    return Batch(request, [id_of(row.visitor) for row in request.rows], [row.features for row in request.rows])


def parse_selector(selector: bytes) -> scoring_pb2.Selector:
    """One of `selectors`.

    Raises:
        InvalidRequest: the bytes are not a Selector.
    """
    parsed: scoring_pb2.Selector = _decode(selector, scoring_pb2.Selector)
    return parsed


def parse_features(features: bytes) -> Features:
    """`features`, with the vector and each entry of the two maps as bytes.

    Raises:
        InvalidRequest: the bytes are not Features.
    """
    return _parse(features, _PrivateFeatures, scoring_pb2.Features)


def public_features(features: bytes) -> scoring_pb2.Features:
    """`features` as the contract's own type; raises as parse_features does, and for malformed entries of its maps."""
    parsed: scoring_pb2.Features = _decode(features, scoring_pb2.Features)
    return parsed


def id_of(visitor: bytes) -> bytes:
    """The id of `visitor`, in UTF-8.

    Raises:
        InvalidRequest: the bytes are not a Visitor.
    """
    if not visitor:
        return b""
    length = len(visitor) - 2
    if visitor[0] == _ID_TAG and 0 <= length < _LONGEST_PLAIN and visitor[1] == length and visitor.isascii():
        return visitor[2:]
    encoded: bytes = _decode(visitor, scoring_pb2.Visitor).id.encode()
    return encoded


def _parse(message: bytes, private: Any, public: type[Message]) -> Request:  # noqa: ANN401  # as above
    """Parses fast what is encoded as protobuf itself encodes it, and anything else by way of the contract's own type.

    A vector that came unpacked is unknown to the private type, and of one that came in pieces it keeps the last, so
    neither is written as it came. (The length alone proves nothing: protobuf writes some of what it reads at greater
    length, which would make up for what was lost elsewhere.)
    """
    try:
        request = private.FromString(message)
    except DecodeError:
        _decode(message, public)  # says it in the contract's words
        raise
    request.DiscardUnknownFields()
    if request.SerializeToString() == message:
        return request
    return private.FromString(_decode(message, public).SerializeToString())


def _decode(message: bytes, kind: Any) -> Any:  # noqa: ANN401  # as above
    try:
        return kind.FromString(message)
    except DecodeError as error:
        name = kind.DESCRIPTOR.full_name.replace(_PRIVATE, _PUBLIC)
        raise InvalidRequest(f"the {len(message)} bytes of the message are no {name}") from error
