"""Protobuf's wire format, as far as replies need it: parts that never change are encoded once, when a model is loaded.

Source: protobuf.dev, Encoding. Replies made of these parts are tested against the generated code.
"""

import numpy as np
import numpy.typing as npt

_MORE = 0x80
_LENGTH_DELIMITED = 2
_FIXED32 = 5


def varint(number: int) -> bytes:
    """A whole number from 0, seven bits a byte, the lowest first.

    >>> varint(300).hex()
    'ac02'
    """
    if number < len(_SHORT):
        return _SHORT[number]
    return _varint(number)


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= _MORE:
        encoded.append(number & (_MORE - 1) | _MORE)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


_TAGS = tuple(_varint(number << 3 | _LENGTH_DELIMITED) for number in range(32))  # more than any message here has
_SHORT = tuple(_varint(number) for number in range(4096))  # lengths of parts of a reply, looked up for each one


def whole(field: int, number: int) -> bytes:
    """A field that holds a whole number from 0; nothing for 0, which is what absence means."""
    return varint(field << 3) + varint(number) if number else b""


def field(number: int, content: bytes) -> bytes:
    """A field that holds bytes, a message or packed numbers, also when they are empty."""
    return _TAGS[number] + varint(len(content)) + content


def text(number: int, content: str) -> bytes:
    """A field that holds a string; nothing for an empty one."""
    return field(number, content.encode()) if content else b""


def float_tag(number: int) -> bytes:
    """What stands before the four bytes of a float in this field."""
    return varint(number << 3 | _FIXED32)


def floats(number: int, column: npt.NDArray[np.float32]) -> bytes:
    """A field that holds packed floats; nothing when there are none."""
    return field(number, column.astype("<f4", copy=False).tobytes()) if column.size else b""


def wholes(number: int, column: npt.NDArray[np.int64]) -> bytes:
    """A field that holds packed whole numbers from 0; nothing when there are none."""
    if not column.size:
        return b""
    if column.max() < _MORE:
        return field(number, column.astype(np.uint8).tobytes())
    return field(number, b"".join(map(varint, column.tolist())))
