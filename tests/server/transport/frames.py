"""HTTP/2 by hand, for what no client would send.

Source: RFC 9113; the headers by RFC 7541, each written out as it is.
"""

import socket
import struct
from types import TracebackType
from typing import Self

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
_INITIAL_WINDOW_SIZE = 4
CANCEL = struct.pack(">I", 8)
_HEAD = struct.Struct(">HBBBI")
_HEAD_BYTES = 9
_PATIENCE_S = 30

Frame = tuple[int, int, int, bytes]  # kind, flags, stream, content


def frame(kind: int, flags: int = 0, stream: int = 0, content: bytes = b"") -> bytes:
    """One frame."""
    return _HEAD.pack(len(content) >> 8, len(content) & 0xFF, kind, flags, stream) + content


def _text(text: bytes) -> bytes:
    most = 127
    if len(text) < most:
        return bytes([len(text)]) + text
    length, encoded = len(text) - most, bytes([most])
    while length >= 128:
        encoded += bytes([length & 127 | 128])
        length >>= 7
    return encoded + bytes([length]) + text


def header(name: bytes, value: bytes) -> bytes:
    """One header, neither indexed nor compressed."""
    return b"\0" + _text(name) + _text(value)


def call_headers(path: str, *more: tuple[bytes, bytes]) -> bytes:
    """The headers that begin a call."""
    pairs = (
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path.encode()),
        (b":authority", b"test"),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
        *more,
    )
    return b"".join(header(name, value) for name, value in pairs)


def opening(path: str, stream: int, *more: tuple[bytes, bytes]) -> bytes:
    """The frame that begins a call."""
    return frame(HEADERS, END_HEADERS, stream, call_headers(path, *more))


def message(content: bytes, stream: int, flags: int = END_STREAM) -> bytes:
    """The frame of a call's message, its last."""
    return frame(DATA, flags, stream, b"\0" + struct.pack(">I", len(content)) + content)


def call(path: str, content: bytes, stream: int) -> bytes:
    """A whole call."""
    return opening(path, stream) + message(content, stream)


class Connection:
    """A connection that says what it is told to say.

    Args:
        port: of the server, on this machine.
        is_polite: whether it begins as HTTP/2 wants.
        window: how many bytes of a stream it takes; HTTP/2's own when not said.
    """

    def __init__(self, port: int, *, is_polite: bool = True, window: int = 65_535) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if is_polite:
            self.send(PREFACE, frame(SETTINGS, content=struct.pack(">HI", _INITIAL_WINDOW_SIZE, window)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()

    def send(self, *content: bytes) -> bool:
        """Sends these; whether the server still took them. What is sent is in the server's socket on return."""
        try:
            self._socket.sendall(b"".join(content))
        except OSError:
            return False
        return True

    def receive(self) -> Frame | None:
        """The next frame; None when the server closed the connection."""
        head = self._exactly(_HEAD_BYTES)
        if head is None:
            return None
        high, low, kind, flags, stream = _HEAD.unpack(head)
        content = self._exactly(high << 8 | low)
        return None if content is None else (kind, flags, stream, content)

    def _exactly(self, count: int) -> bytes | None:
        content = b""
        while len(content) < count:
            try:
                more = self._socket.recv(count - len(content))
            except ConnectionError:
                return None
            if not more:
                return None
            content += more
        return content

    def wait_for_end(self, *streams: int) -> dict[int, bytes]:
        """The messages' frames of these calls, once all of them have ended; without those when the server closed."""
        left, messages = set(streams), dict[int, bytes]()
        while left and (received := self.receive()):
            kind, flags, stream, content = received
            if kind == DATA:
                messages[stream] = messages.get(stream, b"") + content
            if (kind in (DATA, HEADERS) and flags & END_STREAM) or kind == RST_STREAM:
                left.discard(stream)
        return messages

    def wait_for_close(self) -> None:
        """Reads until the server closes the connection."""
        while self.receive():
            pass

    def reset(self) -> None:
        """Drops the connection at once, unread data and all."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
