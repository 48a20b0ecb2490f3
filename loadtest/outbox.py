"""What a client sends on one HTTP/2 connection: calls, as its peer's limits let them go, and answers to frames."""

from dataclasses import dataclass
from typing import Final

from loadtest import frames, messages
from loadtest.frames import Kind, Malformed, Setting, frame

REPLY_FRAME_LIMIT_BYTES: Final = 1 << 20
HELLO: Final = (
    frames.PREFACE
    + frames.settings(
        {
            Setting.HEADER_TABLE_SIZE: 0,  # makes each header block mean the same at all times
            Setting.ENABLE_PUSH: 0,
            Setting.INITIAL_WINDOW_SIZE: frames.LARGEST_NUMBER,
            Setting.MAX_FRAME_SIZE: REPLY_FRAME_LIMIT_BYTES,
        }
    )
    + frame(Kind.WINDOW_UPDATE, payload=frames.NUMBER.pack(frames.LARGEST_NUMBER - frames.FIRST_WINDOW_BYTES))
)


@dataclass(frozen=True, slots=True)
class Request:
    """A call in the pieces between which only the number of its stream has to be put.

    Attributes:
        headers_head: of the frame of the headers, what stands before the stream's number.
        block_and_data_head: the header block, and the same of the frame of the message.
        message: with gRPC's five bytes before it.
    """

    headers_head: bytes
    block_and_data_head: bytes
    message: bytes

    @classmethod
    def of(cls, block: bytes, payload: bytes) -> "Request":
        """The call with this header block and this message."""
        message = messages.framed(payload)
        head = frames.HEAD.pack(0, len(block), Kind.HEADERS, frames.END_HEADERS, 0)
        length = min(len(message), frames.LARGEST_FRAME_LIMIT_BYTES)  # longer ones are cut anyway
        data_head = frames.HEAD.pack(length >> 16, length & 0xFFFF, Kind.DATA, frames.END_STREAM, 0)
        return cls(head[:5], block + data_head[:5], message)


@dataclass(slots=True)
class Rest:
    """What of a message is still to be sent, and how much of it its stream has a window for."""

    message: memoryview
    window_bytes: int


class Outbox:
    """Bytes to send, and the peer's limits.

    Attributes:
        pending: what is to be sent, in order; whoever sends it clears it.
        most_streams: calls that may be in flight at once.
        window_bytes: of messages that the connection has a window for.
    """

    def __init__(self) -> None:
        self.pending: list[bytes] = [HELLO]
        self.most_streams = frames.LARGEST_NUMBER
        self.window_bytes = self._stream_window_bytes = frames.FIRST_WINDOW_BYTES
        self._frame_limit_bytes = frames.SMALLEST_FRAME_LIMIT_BYTES
        self._rests: dict[int, Rest] = {}

    def write(self, stream: int, request: Request) -> None:
        """Send the call on a new stream, what there is no window for later."""
        size = len(request.message)
        name = stream.to_bytes(4, "big")
        if size <= self.window_bytes and size <= self._stream_window_bytes and size <= self._frame_limit_bytes:
            self.window_bytes -= size
            self.pending += (request.headers_head, name, request.block_and_data_head, name, request.message)
            return
        self.pending += (request.headers_head, name, request.block_and_data_head[:-5])
        self._rests[stream] = Rest(memoryview(request.message), self._stream_window_bytes)
        self._send_rests()

    def forget(self, stream: int) -> None:
        """Send nothing more of this stream's message."""
        if self._rests:
            self._rests.pop(stream, None)

    def obey(self, payload: bytes) -> None:
        """Take the peer's settings over, and acknowledge them.

        Raises:
            Malformed: one of them is impossible.
        """
        for key, value in frames.read_settings(payload):
            if key == Setting.MAX_CONCURRENT_STREAMS:
                self.most_streams = value
            elif key == Setting.INITIAL_WINDOW_SIZE:
                self._resize_streams(value)
            elif key == Setting.MAX_FRAME_SIZE:
                self._limit_frames(value)
        self.pending.append(frame(Kind.SETTINGS, frames.ACK))
        self._send_rests()

    def widen(self, stream: int, payload: bytes) -> None:
        """Take over what the peer adds to the window of a stream, or of the connection (0), by a WINDOW_UPDATE.

        Raises:
            Malformed: it adds nothing, or more than a window can hold.
        """
        more_bytes = frames.number(Kind.WINDOW_UPDATE, payload) & frames.LARGEST_NUMBER
        if more_bytes == 0:
            raise Malformed("a WINDOW_UPDATE frame that adds nothing")
        if stream == 0:
            self.window_bytes = _checked_window(self.window_bytes + more_bytes)
        elif stream in self._rests:
            rest = self._rests[stream]
            rest.window_bytes = _checked_window(rest.window_bytes + more_bytes)
        if self._rests:
            self._send_rests()

    def _resize_streams(self, window_bytes: int) -> None:
        _checked_window(window_bytes)
        for rest in self._rests.values():
            rest.window_bytes += window_bytes - self._stream_window_bytes
        self._stream_window_bytes = window_bytes

    def _limit_frames(self, limit_bytes: int) -> None:
        if not frames.SMALLEST_FRAME_LIMIT_BYTES <= limit_bytes <= frames.LARGEST_FRAME_LIMIT_BYTES:
            raise Malformed(f"a MAX_FRAME_SIZE of {limit_bytes}, outside of what HTTP/2 allows")
        self._frame_limit_bytes = limit_bytes

    def _send_rests(self) -> None:
        """Send of every message that is not complete what the windows allow, the oldest first."""
        for stream, rest in list(self._rests.items()):
            while (size := min(len(rest.message), rest.window_bytes, self.window_bytes, self._frame_limit_bytes)) > 0:
                piece, rest.message = bytes(rest.message[:size]), rest.message[size:]
                rest.window_bytes -= size
                self.window_bytes -= size
                flags = 0 if rest.message else frames.END_STREAM
                self.pending.append(frame(Kind.DATA, flags, stream, piece))
            if not rest.message:
                del self._rests[stream]


def _checked_window(window_bytes: int) -> int:
    if window_bytes > frames.LARGEST_NUMBER:
        raise Malformed(f"a window of {window_bytes} bytes; the largest is {frames.LARGEST_NUMBER}")
    return window_bytes
