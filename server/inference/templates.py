"""ModelInfer requests like one that was read before, which nobody has to read again (server/templates.py says why).

A client sends the same request over and over, with another id and other numbers. What is the same byte for byte is
compared with what it was when it was read with care; the rest stands where it stood then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from server.alike import Alike
from server.inference.plan import Plan

_LONGEST_SAME_BYTES: Final = 4096
_LENGTH_DELIMITED, _MORE, _SEVEN = 2, 0x80, 0x7F

# inference.proto, ModelInferRequest.
_ID, _RAW = 3, 7


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """What raw requests of one length have in common that ask the same.

    Attributes:
        head: what they begin with, up to the id, or to the numbers of those that have none.
        id: where the id is, which is ASCII in all of them.
        middle: what follows the id, up to the numbers.
        id_field: where the field `id` is, tag and length too.
        numbers: where the numbers are.
        tail: what follows them.
        plan: what they ask for.
    """

    head: bytes
    id: slice
    middle: bytes
    id_field: slice
    numbers: slice
    tail: bytes
    plan: Plan

    def fits(self, message: bytes) -> bool:
        """Whether a message of the same length is such a request."""
        return (
            message.startswith(self.head)
            and message.startswith(self.middle, self.id.stop)
            and message.endswith(self.tail)
            and message[self.id].isascii()
        )

    @classmethod
    def of(cls, message: bytes, plan: Plan) -> Self | None:
        """What others have in common with a request that was found to be in order; None if it is not so plain."""
        fields = _fields(message) or ()
        ids = [(whole, content) for number, whole, content in fields if number == _ID]
        numbers = [content for number, _, content in fields if number == _RAW]
        if len(ids) > 1 or len(numbers) != 1:
            return None
        (place,) = numbers
        whole, name = ids[0] if ids else (slice(0, 0), slice(place.start, place.start))
        is_plain = name.stop <= place.start and message[name].isascii()
        if not is_plain or len(message) - (place.stop - place.start) > _LONGEST_SAME_BYTES:
            return None
        middle = message[name.stop : place.start]
        return cls(message[: name.start], name, middle, whole, place, message[place.stop :], plan)


class Templates(Alike[Template]):
    """Those that were learned, of one snapshot."""

    def learn(self, message: bytes, plan: Plan) -> None:
        """Keeps what others may have in common with a request that was found to be in order."""
        template = Template.of(message, plan) if self.has_room(message) else None
        if template is not None:
            self.keep(message, template)


def _fields(message: bytes) -> Sequence[tuple[int, slice, slice]] | None:
    """The fields of a message that was parsed before: number, where all of it is, and where its content is.

    None when one of them holds no bytes: ModelInferRequest has no such field.
    """
    fields = []
    position = 0
    while position < len(message):
        begin = position
        tag, position = _varint(message, position)
        if tag & 7 != _LENGTH_DELIMITED:
            return None
        length, position = _varint(message, position)
        fields.append((tag >> 3, slice(begin, position + length), slice(position, position + length)))
        position += length
    return fields


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
