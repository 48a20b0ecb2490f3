"""The frames of HTTP/2 as bytes, and the numbers that stand in them. Source: RFC 9113, sections 4, 6 and 7."""

import enum
import struct
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD: Final = struct.Struct(">BHBBL")  # length (its high byte apart), type, flags, stream
HEAD_BYTES: Final = 9
LARGEST_NUMBER: Final = 2**31 - 1  # of a stream, and of a window
FIRST_WINDOW_BYTES: Final = 65_535  # until the settings say something else
SMALLEST_FRAME_LIMIT_BYTES: Final = 16_384
LARGEST_FRAME_LIMIT_BYTES: Final = 2**24 - 1

END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
PRIORITISED: Final = 0x20

PRIORITY_BYTES: Final = 5
SETTING: Final = struct.Struct(">HL")
NUMBER: Final = struct.Struct(">L")
GOAWAY_HEAD: Final = struct.Struct(">LL")  # last stream, code
PING_BYTES: Final = 8


class Malformed(Exception):
    """The peer sent what HTTP/2 does not allow; the text says what. The connection cannot go on."""


class Kind(enum.IntEnum):
    """The type of a frame."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Setting(enum.IntEnum):
    """The settings that matter to a client of unary calls."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5


class Code(enum.IntEnum):
    """Why a stream or a connection is ended."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    SETTINGS_TIMEOUT = 4
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    CONNECT_ERROR = 10
    ENHANCE_YOUR_CALM = 11
    INADEQUATE_SECURITY = 12
    HTTP_1_1_REQUIRED = 13


def frame(kind: Kind, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """A whole frame.

    >>> frame(Kind.SETTINGS, ACK).hex()
    '000000040100000000'
    """
    return HEAD.pack(len(payload) >> 16, len(payload) & 0xFFFF, kind, flags, stream) + payload


def settings(values: dict[Setting, int]) -> bytes:
    """A SETTINGS frame."""
    return frame(Kind.SETTINGS, payload=b"".join(SETTING.pack(key, value) for key, value in values.items()))


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    """The settings in a SETTINGS frame, in their order, also those that are unknown here.

    Raises:
        Malformed: the payload is cut short.
    """
    if len(payload) % SETTING.size:
        raise Malformed(f"a SETTINGS frame of {len(payload)} bytes: each setting takes {SETTING.size}")
    return list(SETTING.iter_unpack(payload))


def number(kind: Kind, payload: bytes) -> int:
    """The number that is all of a WINDOW_UPDATE or an RST_STREAM.

    Raises:
        Malformed: the payload has another length.
    """
    if len(payload) != NUMBER.size:
        raise Malformed(f"a {kind.name} frame of {len(payload)} bytes instead of {NUMBER.size}")
    return int(NUMBER.unpack(payload)[0])


def bare(flags: int, payload: bytes) -> bytes:
    """What a HEADERS or DATA frame carries, without padding and priority; `flags` without PRIORITISED for DATA.

    Raises:
        Malformed: the padding, or the priority, is longer than the frame.
    """
    start = PRIORITY_BYTES if flags & PRIORITISED else 0
    end = len(payload)
    if flags & PADDED:
        start += 1
        end -= payload[0] if payload else 1
    if start > end:
        raise Malformed("a frame whose padding or priority is longer than the frame")
    return payload[start:end]


def code_name(code: int) -> str:
    """The name of the code that ended a stream or a connection, for people; a number that has none stays one."""
    return Code(code).name if code in set(Code) else f"code {code}"
