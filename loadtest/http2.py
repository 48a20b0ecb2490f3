"""One HTTP/2 connection for unary gRPC calls, without its socket: bytes in, ends of calls out, and the bytes to send.

Written for one purpose, so it does only what that needs: prior knowledge, no TLS, constant headers, every call one
message there and one back. What it costs is in docs/LOG.md, 2026-11-22.
"""

from typing import Final

from loadtest import frames, messages
from loadtest.frames import Code, Kind, Malformed, frame
from loadtest.headers import HTTP_OK, NO_STATUS, ReplyHead, ReplyHeads, reset_status
from loadtest.outbox import REPLY_FRAME_LIMIT_BYTES, Outbox, Request
from loadtest.results import Status

TOP_UP_BYTES: Final = 1 << 29  # received before the peer gets its window back

# What every reply meets, without the look-up of a module's name or an enum's member: those took a sixth of the time.
DATA: Final = int(Kind.DATA)
HEADERS: Final = int(Kind.HEADERS)
SETTINGS: Final = int(Kind.SETTINGS)
OK: Final = Status.OK
END_STREAM: Final = frames.END_STREAM
END_HEADERS: Final = frames.END_HEADERS
PADDED: Final = frames.PADDED
PADDED_OR_PRIORITISED: Final = frames.PADDED | frames.PRIORITISED
HEAD_BYTES: Final = frames.HEAD_BYTES
read_head = frames.HEAD.unpack_from

End = tuple[int, int, bytes]  # the call's number, its Status, and the message when that is OK


class Connection:
    """The client's side of one connection.

    Attributes:
        out: what is to be sent, and the peer's limits.
        in_flight: number of the call by its stream, the oldest first.
        is_ready: the peer's settings have come, so that its limits are known.
        is_leaving: the peer has asked for another connection, or the numbers of streams are used up.
        returned: numbers of calls that the peer has not looked at, refused one by one or left behind when it went away;
            whoever sends them again clears it.
        answered_count: calls that ended by the peer's word.
        trouble: what the peer did wrong or complained of, for people; empty when nothing.
        is_broken: it was such that the connection cannot go on.
    """

    def __init__(self, heads: ReplyHeads) -> None:
        self.out = Outbox()
        self.in_flight: dict[int, int] = {}
        self.is_ready = self.is_leaving = self.is_broken = False
        self.returned: list[int] = []
        self.answered_count = 0
        self.trouble = ""
        self._heads = heads
        self._next_stream = 1
        self._messages: dict[int, bytes | bytearray] = {}  # of replies whose HTTP status is 200, with their five bytes
        self._refusals: dict[int, ReplyHead] = {}  # of replies whose HTTP status is not
        self._unread = b""
        self._block: tuple[int, int, bytes] | None = None  # stream, flags and bytes of headers that are not complete
        self._is_full = False  # the peer refused a call: another has to end before the next begins
        self._refused: set[int] = set()  # numbers of calls that were refused before
        self._ends: list[End] = []
        self._received_bytes = 0

    @property
    def has_room(self) -> bool:
        """Whether another call can be sent now."""
        return (
            self.is_ready
            and not self.is_leaving
            and not self._is_full
            and self.out.window_bytes > 0
            and len(self.in_flight) < self.out.most_streams
        )

    def begin(self, number: int, request: Request) -> None:
        """Write the call; only when there is room."""
        stream = self._next_stream
        self._next_stream = stream + 2
        self.in_flight[stream] = number
        self.out.write(stream, request)
        if stream + 2 > frames.LARGEST_NUMBER:
            self.is_leaving = True

    def cancel(self, stream: int) -> None:
        """Give the call of this stream up: nothing that comes for it counts any more."""
        self._forget(stream)
        self.out.pending.append(frame(Kind.RST_STREAM, 0, stream, frames.NUMBER.pack(Code.CANCEL)))

    def receive(self, data: bytes) -> list[End]:
        """The calls that end by these bytes, which may begin and stop anywhere; none more once it is broken."""
        try:
            self._read(self._unread + data if self._unread else data)
        except Malformed as error:
            self.trouble, self.is_broken = str(error), True
            farewell = frames.GOAWAY_HEAD.pack(0, Code.PROTOCOL_ERROR)
            self.out.pending.append(frame(Kind.GOAWAY, payload=farewell))
        ends, self._ends = self._ends, []
        self.answered_count += len(ends)
        return ends

    def _read(self, data: bytes) -> None:
        at, size = 0, len(data)
        while size - at >= HEAD_BYTES:
            high, low, kind, flags, stream = read_head(data, at)
            stop = at + HEAD_BYTES + (high << 16 | low)
            if stop > size:
                self._check_length(high << 16 | low)
                break
            self._take(kind, flags, stream & frames.LARGEST_NUMBER, data[at + HEAD_BYTES : stop])
            at = stop
        self._unread = data[at:]

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        """One frame; the two kinds that replies are made of come first."""
        if self._block is not None:
            self._continue(kind, flags, stream, payload)
        elif not self.is_ready and kind != SETTINGS:
            raise Malformed("it does not speak HTTP/2: its first frame is no SETTINGS")
        elif kind == DATA:
            self._data(flags, stream, payload)
        elif kind == HEADERS:
            block = frames.bare(flags, payload) if flags & PADDED_OR_PRIORITISED else payload
            if flags & END_HEADERS:
                self._headers(flags, stream, block)
            else:
                self._block = stream, flags, block
        else:
            self._control(kind, flags, stream, payload)

    def _continue(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        first_stream, first_flags, block = self._block or (0, 0, b"")
        if kind != Kind.CONTINUATION or stream != first_stream:
            raise Malformed(f"a frame of type {kind} between the parts of a header block")
        self._check_length(len(block) + len(payload))
        self._block = stream, first_flags, block + payload
        if flags & END_HEADERS:
            self._block = None
            self._headers(first_flags, stream, block + payload)

    def _headers(self, flags: int, stream: int, block: bytes) -> None:
        head = self._heads.read(block)
        if stream not in self.in_flight:
            self._check_stream(stream)
        elif flags & END_STREAM:
            self._finish(stream, head)
        elif head.http == HTTP_OK:
            self._messages[stream] = b""
        elif not head.is_interim:
            self._refusals[stream] = head

    def _data(self, flags: int, stream: int, payload: bytes) -> None:
        self._received_bytes += len(payload)
        if self._received_bytes >= TOP_UP_BYTES:
            self._top_up()
        if flags & PADDED:
            payload = frames.bare(frames.PADDED, payload)
        if stream not in self.in_flight:
            self._check_stream(stream)
            return
        if stream in self._messages:
            self._messages[stream] = messages.joined(self._messages[stream], payload)
        if flags & END_STREAM:
            self._finish(stream, NO_STATUS)

    def _finish(self, stream: int, last: ReplyHead) -> None:
        """End the call of this stream by the last headers that came for it."""
        status = self._refusals.get(stream, last).status
        message = messages.content(self._messages.get(stream, b"")) if status is OK else b""
        if message is None:
            self._end(stream, Status.BAD_REPLY)
        else:
            self._end(stream, status, message)

    def _end(self, stream: int, status: int, message: bytes = b"") -> None:
        self._ends.append((self.in_flight[stream], status, message))
        self._forget(stream)

    def _forget(self, stream: int) -> None:
        self._is_full = False
        del self.in_flight[stream]
        self._messages.pop(stream, None)
        if self._refusals:
            self._refusals.pop(stream, None)
        self.out.forget(stream)

    def _control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        """A frame that is no part of a reply. One of a type that is not known is to be passed over."""
        if kind == Kind.SETTINGS:
            self._settings(flags, payload)
        elif kind == Kind.WINDOW_UPDATE:
            self.out.widen(stream, payload)
        elif kind == Kind.PING:
            self._ping(flags, payload)
        elif kind == Kind.RST_STREAM:
            self._reset(stream, frames.number(Kind.RST_STREAM, payload))
        elif kind == Kind.GOAWAY:
            self._leave(payload)
        elif kind in (Kind.PUSH_PROMISE, Kind.CONTINUATION):
            raise Malformed(f"a {Kind(kind).name} frame, which has no place here")

    def _settings(self, flags: int, payload: bytes) -> None:
        if not flags & frames.ACK:
            self.out.obey(payload)
            self.is_ready = True

    def _ping(self, flags: int, payload: bytes) -> None:
        if len(payload) != frames.PING_BYTES:
            raise Malformed(f"a PING frame of {len(payload)} bytes instead of {frames.PING_BYTES}")
        if not flags & frames.ACK:
            self.out.pending.append(frame(Kind.PING, frames.ACK, 0, payload))

    def _reset(self, stream: int, code: int) -> None:
        if stream not in self.in_flight:
            self._check_stream(stream)
        elif code != Code.REFUSED_STREAM or not self._give_back(stream):
            self._end(stream, reset_status(code))

    def _give_back(self, stream: int) -> bool:
        """Whether a refused call can be sent again: the first time, and as long as another's end may make room for it.

        Servers refuse calls within the limit that they have set, when they have answered one and not forgotten it yet.
        gRPC's own clients send a refused call again too.
        """
        number = self.in_flight[stream]
        is_alone = len(self.in_flight) == 1
        if is_alone and number in self._refused:
            return False
        self._refused.add(number)
        self.returned.append(number)
        self._forget(stream)
        self._is_full = not is_alone
        return True

    def _leave(self, payload: bytes) -> None:
        """Give back the calls that the peer will not look at; the others it goes on with."""
        if len(payload) < frames.GOAWAY_HEAD.size:
            raise Malformed(f"a GOAWAY frame of {len(payload)} bytes; the shortest has {frames.GOAWAY_HEAD.size}")
        last, code = frames.GOAWAY_HEAD.unpack_from(payload)
        self.is_leaving = True
        for stream in [stream for stream in self.in_flight if stream > last & frames.LARGEST_NUMBER]:
            self.returned.append(self.in_flight[stream])
            self._forget(stream)
        if code != Code.NO_ERROR:
            text = payload[frames.GOAWAY_HEAD.size :].decode("ascii", "replace")
            self.trouble = f"it went away with {frames.code_name(code)}" + (f" ({text})" if text else "")

    def _top_up(self) -> None:
        self.out.pending.append(frame(Kind.WINDOW_UPDATE, payload=frames.NUMBER.pack(self._received_bytes)))
        self._received_bytes = 0

    def _check_stream(self, stream: int) -> None:
        """A stream that is not in flight must at least have been."""
        if stream % 2 == 0 or stream >= self._next_stream:
            raise Malformed(f"a frame for stream {stream}, which was never opened")

    def _check_length(self, length_bytes: int) -> None:
        if length_bytes > REPLY_FRAME_LIMIT_BYTES:
            what = "a frame" if self.is_ready else "it does not speak HTTP/2: its first frame is one"
            raise Malformed(f"{what} of {length_bytes} bytes; at most {REPLY_FRAME_LIMIT_BYTES} were allowed")
