"""Requests like one that was read before, which nobody has to read again.

A caller sends the same request over and over, with another visitor and other numbers. What is the same byte for byte
is compared with what it was when it was read with care; the rest (ids, and the numbers of the vector) stands where it
stood then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from server.alike import Alike
from server.plan import Part, Plan
from server.rows import Row
from server.served import Served, Target

_LONGEST_BYTES: Final = 4096
_VARINT, _LENGTH_DELIMITED = 0, 2
_MORE, _SEVEN = 0x80, 0x7F

# scoring.proto, ScoreRequest; an id is the only field of a Visitor.
_REQUEST_ID, _VISITOR, _SELECTORS, _FEATURES, _WHEN_LATE = 1, 2, 3, 4, 5
_KINDS = {
    _REQUEST_ID: _LENGTH_DELIMITED,
    _VISITOR: _LENGTH_DELIMITED,
    _SELECTORS: _LENGTH_DELIMITED,
    _FEATURES: _LENGTH_DELIMITED,
    _WHEN_LATE: _VARINT,
}
_VISITOR_KINDS = {1: _LENGTH_DELIMITED}


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """What Score requests have in common that ask one model about one visitor by its own vector.

    Attributes:
        same: what is the same in all of them, and where it begins.
        ids: where the ids are, which are ASCII in all of them.
        request_id: where the field `request_id` is, tag and length too.
        visitor: where the visitor's id is.
        features: where the content of `features` is.
        vector: where the numbers of its vector are.
        plan: what they ask for.
        fingerprint: of the schema whose vector they have.
        when_late: what they want if there is no time.
    """

    same: Sequence[tuple[bytes, int]]
    ids: Sequence[slice]
    request_id: slice
    visitor: slice
    features: slice
    vector: slice
    plan: Plan
    fingerprint: str
    when_late: int

    def fits(self, message: bytes) -> bool:
        """Whether a message of the same length is such a request."""
        for content, begin in self.same:
            if not message.startswith(content, begin):
                return False
        for place in self.ids:  # noqa: SIM110  # a generator takes longer than what it would do
            if not message[place].isascii():
                return False
        return True

    def row(self, message: bytes) -> Row:
        """The row of a message that fits."""
        return Row(message[self.vector], message[self.features], 0, is_remapped=False)

    @classmethod
    def of(cls, message: bytes, plan: Plan, served: Served, when_late: int) -> Self | None:
        """What others have in common with a request that was found to be in order; None if it is not so plain."""
        fields = _fields(message)
        if len(plan.asked) != 1 or plan.own[0] is not None or fields is None or _FEATURES not in fields:
            return None
        ids = _ids(message, fields)
        features = fields[_FEATURES].content
        vector = served.reader.vector_in(message[features])
        if ids is None or vector is None:
            return None
        numbers = slice(features.start + vector.start, features.start + vector.stop)
        request_id = fields[_REQUEST_ID].whole if _REQUEST_ID in fields else slice(0)
        same = tuple(_between(message, sorted((*ids, numbers), key=lambda place: place.start)))
        visitor = ids[-1] if _VISITOR in fields else slice(0)
        return cls(same, ids, request_id, visitor, features, numbers, plan, served.reader.fingerprint, when_late)


class Templates(Alike[Template]):
    """Those that were learned, of one snapshot."""

    def learn(self, message: bytes, plan: Plan, part: Part, when_late: int) -> None:
        """Keeps what others may have in common with a request that was found to be in order, and gets this part."""
        if len(message) > _LONGEST_BYTES or not isinstance(part, Target):
            return
        template = Template.of(message, plan, part.served, when_late) if self.has_room(message) else None
        if template is not None:
            self.keep(message, template)


@dataclass(frozen=True, slots=True)
class _Field:
    """Where a field is, and what is in it."""

    whole: slice
    content: slice


def _fields(message: bytes) -> dict[int, _Field] | None:
    """The fields of a ScoreRequest, of several selectors one; None when there are others, or one of them twice."""
    fields: dict[int, _Field] = {}
    for number, field in _read_fields(message, _KINDS):
        if not number or (number in fields and number != _SELECTORS):
            return None
        fields[number] = field
    return fields


def _read_fields(message: bytes, kinds: Mapping[int, int]) -> Iterator[tuple[int, _Field]]:
    """The fields of a message with their numbers; 0, and nothing after it, for one of another number or kind."""
    position = 0
    while position < len(message):
        begin = position
        tag, position = _varint(message, position)
        number, kind = tag >> 3, tag & 7
        if number not in kinds or kind != kinds[number]:
            yield 0, _Field(slice(begin, len(message)), slice(position, len(message)))
            return
        value, stop = _varint(message, position)
        if kind == _LENGTH_DELIMITED:
            position, stop = stop, stop + value
        yield number, _Field(slice(begin, stop), slice(position, stop))
        position = stop


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """A number, and where it ends."""
    number = shift = 0
    while True:
        byte = message[position]
        position += 1
        number |= (byte & _SEVEN) << shift
        if not byte & _MORE:
            return number, position
        shift += 7


def _ids(message: bytes, fields: dict[int, _Field]) -> Sequence[slice] | None:
    """Where the ids are; None when there is anything else in a Visitor."""
    ids = [fields[_REQUEST_ID].content] if _REQUEST_ID in fields else []
    if _VISITOR in fields:
        visitor = fields[_VISITOR].content
        inner = list(_read_fields(message[visitor], _VISITOR_KINDS))
        if len(inner) != 1 or not inner[0][0]:
            return None
        content = inner[0][1].content
        ids.append(slice(visitor.start + content.start, visitor.start + content.stop))
    return None if any(not message[place].isascii() for place in ids) else ids


def _between(message: bytes, places: Sequence[slice]) -> Iterator[tuple[bytes, int]]:
    """What is between these places, which are in order, and where it begins."""
    begin = 0
    for place in (*places, slice(len(message), len(message))):
        if place.start > begin:
            yield message[begin : place.start], begin
        begin = place.stop
