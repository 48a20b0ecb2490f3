"""Frames of HTTP/2, as far as a server of gRPC meets them. Source: RFC 9113."""

import struct
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITISED = 1, 1, 4, 8, 32

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 5, 6, 7, 8, 9, 11

MOST_STREAMS, INITIAL_WINDOW, LARGEST_FRAME, LARGEST_HEADERS = 3, 4, 5, 6  # numbers of settings
HEAD_BYTES: Final = 9
PING_BYTES: Final = 8
LONGEST_FRAME: Final = 16_384  # what every peer takes, and all that is taken here
FIRST_WINDOW: Final = 65_535
LARGEST_WINDOW: Final = 2**31 - 1
LARGEST_STREAM: Final = 2**31 - 1

HEAD: Final = struct.Struct(">BHBBI")  # length (8 and 16 bits), kind, flags, stream
WORD: Final = struct.Struct(">I")
SETTING: Final = struct.Struct(">HI")
_TWO: Final = struct.Struct(">II")
head = HEAD.pack


def frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    """One frame of at most LONGEST_FRAME bytes."""
    length = len(content)
    return head(length >> 16, length & 0xFFFF, kind, flags, stream) + content


def settings(values: dict[int, int]) -> bytes:
    """What a server begins with."""
    return frame(SETTINGS, 0, 0, b"".join(SETTING.pack(*pair) for pair in values.items()))


def window_update(stream: int, count: int) -> bytes:
    """Gives the peer so many bytes more."""
    return frame(WINDOW_UPDATE, 0, stream, WORD.pack(count))


def reset(stream: int, code: int) -> bytes:
    """Ends a stream."""
    return frame(RST_STREAM, 0, stream, WORD.pack(code))


def goaway(last_stream: int, code: int, text: bytes = b"") -> bytes:
    """Asks the peer to go: what it began after this stream was not looked at."""
    return frame(GOAWAY, 0, 0, _TWO.pack(last_stream, code) + text)
