"""One connection of a client: its bytes in, calls out, and the bytes to send back."""

import math
import random
import socket
import time
from typing import TYPE_CHECKING, Final

from server.transport.exchange import NEVER_S, Arrival
from server.transport.limits import HANDSHAKE_MS, LARGEST_METADATA_BYTES, SIGN_OF_LIFE_MS, SILENCE_MS, Limits
from server.transport.sockets import frames
from server.transport.sockets.headers import (
    BadHeaders,
    HeaderReader,
    TooManyHeaders,
    header_frames,
    http_error_block,
)
from server.transport.sockets.opening import Opening, read_opening
from server.transport.sockets.outlet import Outlet
from server.transport.sockets.stream import Stream

if TYPE_CHECKING:
    from server.transport.sockets.core import Core

_MOST_HEADER_BYTES: Final = 32 * LARGEST_METADATA_BYTES  # of one block, packed or not, beyond which it is an attack
_MOST_KNOWN_BLOCKS: Final = 16  # of each of thousands of connections
_LONGEST_KNOWN_BLOCK: Final = 1024
_LEAVING, _ANYBODY = b"leaving!", b"anybody?"  # contents of pings
_SILENCE_S: Final = SILENCE_MS / 1e3
_SIGN_OF_LIFE_S: Final = SIGN_OF_LIFE_MS / 1e3
_JITTER: Final = 0.1  # of the age of connections, so that they do not all reconnect at once
_LEAVING_S: Final = 1.0  # for a client to say that it knows it has to go
_read_head = frames.HEAD.unpack_from


class Broken(Exception):
    """The connection cannot go on.

    Attributes:
        code: why, as HTTP/2 numbers it.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Connection:
    """See the module.

    Args:
        core: whose it is.
        sock: its socket, which does not block.
        peer: where it comes from, as gRPC writes it.
        limits: what bounds it.

    Attributes:
        outlet: what is to be sent.
        write: sends bytes with the rest of the turn.
        later: has a tag called in this turn.
        streams: its calls by their numbers.
        window: bytes of messages that the client takes now, of all streams.
        first_window: the same of a stream that begins.
        blocked: calls that wait for a window.
        is_leaving: no further call is taken.
        is_closed: it is gone.
        heard_s: when something last came, by time.monotonic.
        is_asked: it was asked for a sign of life since.
        has_begun: the client has said that it speaks HTTP/2.
    """

    def __init__(self, core: "Core", sock: socket.socket, peer: str, limits: Limits) -> None:
        self._core = core
        self.sock = sock
        self.peer = peer
        self.limits = limits
        self.streams: dict[int, Stream] = {}
        self.window = self.first_window = frames.FIRST_WINDOW
        self.stream_window = min(max(limits.largest_message_bytes, frames.FIRST_WINDOW), 1 << 24)
        self.blocked: dict[int, Stream] = {}
        self.is_leaving = self.is_closed = self.is_asked = self.has_begun = False
        self.heard_s = now_s = time.monotonic()
        self._age_s = now_s + limits.connection_age_s * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # no secret
        self._handshake_s = now_s + HANDSHAKE_MS / 1e3
        self._leaving_s = self._grace_s = math.inf
        self.later = core.later
        self.outlet = Outlet(core, self, sock)
        self.write = self.outlet.write
        self._headers = HeaderReader(_MOST_HEADER_BYTES)
        self._known: dict[bytes, Opening] = {}
        self._unread = b""
        self._last_stream = 0
        self._block: tuple[int, int, bytearray] | None = None  # stream, flags and bytes of unfinished headers
        self._received = 0  # bytes of DATA since the client got its window back
        wanted = {
            frames.MOST_STREAMS: limits.most_streams,
            frames.INITIAL_WINDOW: self.stream_window,
            frames.LARGEST_HEADERS: LARGEST_METADATA_BYTES,
        }
        self.write(frames.settings(wanted) + frames.window_update(0, self.stream_window * 4 - frames.FIRST_WINDOW))

    def read(self) -> None:
        """Takes what has come."""
        try:
            data = self.sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self.heard_s = self._core.now_s
        self.is_asked = False
        try:
            self._take(self._unread + data if self._unread else data)
        except Broken as error:
            self.write(frames.goaway(self._last_stream, error.code, str(error).encode()))
            self.outlet.flush()
            self.close()

    def close(self) -> None:
        """Ends the connection with all of its calls."""
        if self.is_closed:
            return
        self.is_closed = True
        for stream in list(self.streams.values()):
            stream.break_off()
        self.outlet.clear()
        self._known.clear()
        self._core.forget(self)
        self.sock.close()

    def leave(self) -> None:
        """Asks the client to go elsewhere; what it has begun is finished."""
        if not self.is_leaving and not self.is_closed:
            self.is_leaving = True
            self.write(
                frames.goaway(frames.LARGEST_STREAM, frames.NO_ERROR) + frames.frame(frames.PING, 0, 0, _LEAVING)
            )

    def look(self, now_s: float, wall_s: float) -> None:
        """Looks what is due.

        Args:
            now_s: by time.monotonic.
            wall_s: by time.time.
        """
        for stream in [one for one in self.streams.values() if one.deadline_s <= wall_s]:
            stream.expire()
        silent_s = now_s - self.heard_s
        if now_s >= self._grace_s or silent_s > _SILENCE_S + _SIGN_OF_LIFE_S:
            self.close()
        elif not self.has_begun:
            if now_s >= self._handshake_s:
                self.close()
        elif now_s >= self._leaving_s:
            self.left()
        elif now_s >= self._age_s and not self.is_leaving:
            self.leave()
            self._leaving_s, self._grace_s = now_s + _LEAVING_S, now_s + self.limits.connection_grace_s
        elif silent_s > _SILENCE_S and not self.is_asked:
            self.is_asked = True
            self.write(frames.frame(frames.PING, 0, 0, _ANYBODY))

    def left(self) -> None:
        """The client knows; whatever it began before it did is known here too."""
        self._leaving_s = math.inf
        if self in self._core.departing:
            return
        self.write(frames.goaway(self._last_stream, frames.NO_ERROR))
        self._core.has_left(self)
        if not self.streams:
            self.outlet.finish()

    def forget(self, number: int) -> None:
        """A call is over."""
        self.streams.pop(number, None)
        if self.blocked:
            self.blocked.pop(number, None)
        self._core.call_count -= 1
        if self.is_leaving and not self.streams and self in self._core.departing:
            self._core.closing.append(self)

    # Frames.

    def _take(self, data: bytes) -> None:
        at, size = 0, len(data)
        if not self.has_begun:
            begun = data[: len(frames.PREFACE)]
            if not frames.PREFACE.startswith(begun):
                raise Broken(frames.PROTOCOL_ERROR, "this port speaks HTTP/2 with prior knowledge")
            if len(begun) < len(frames.PREFACE):
                self._unread = data
                return
            self.has_begun = True
            at = len(frames.PREFACE)
        while size - at >= frames.HEAD_BYTES:
            high, low, kind, flags, stream = _read_head(data, at)
            length = high << 16 | low
            if length > frames.LONGEST_FRAME:
                raise Broken(
                    frames.FRAME_SIZE_ERROR, f"a frame of {length} bytes; at most {frames.LONGEST_FRAME} are taken"
                )
            begin, stop = at + frames.HEAD_BYTES, at + frames.HEAD_BYTES + length
            if stop > size:
                break
            self._frame(kind, flags, stream & frames.LARGEST_STREAM, data[begin:stop])
            if self.is_closed:
                return
            at = stop
        self._unread = data[at:]

    def _frame(self, kind: int, flags: int, stream: int, content: bytes) -> None:
        if self._block is not None:
            self._continue(kind, flags, stream, content)
        elif kind == frames.DATA:
            self._data(flags, stream, content)
        elif kind == frames.HEADERS:
            if flags & (frames.PADDED | frames.PRIORITISED):
                content = _bare(flags, content)
            if flags & frames.END_HEADERS:
                self._opened(flags, stream, content)
            else:
                self._block = stream, flags, bytearray(content)
        else:
            self._control(kind, flags, stream, content)

    def _continue(self, kind: int, flags: int, stream: int, content: bytes) -> None:
        number, first_flags, block = self._block or (0, 0, bytearray())
        if kind != frames.CONTINUATION or stream != number:
            raise Broken(frames.PROTOCOL_ERROR, f"a frame of type {kind} between the parts of a header block")
        block += content
        if len(block) > _MOST_HEADER_BYTES:
            raise Broken(frames.ENHANCE_YOUR_CALM, f"headers of more than {_MOST_HEADER_BYTES} bytes")
        if flags & frames.END_HEADERS:
            self._block = None
            self._opened(first_flags, stream, bytes(block))

    def _data(self, flags: int, number: int, content: bytes) -> None:
        size = len(content)
        self._received += size
        if self._received * 2 > self.stream_window:
            self.write(frames.window_update(0, self._received))
            self._received = 0
        if flags & frames.PADDED:
            content = _bare(frames.PADDED, content)
        stream = self.streams.get(number)
        if stream is not None:
            stream.take(content, size, is_last=bool(flags & frames.END_STREAM))
        elif number > self._last_stream or not number & 1:
            raise Broken(frames.PROTOCOL_ERROR, f"a message on the stream {number}, which is not open")

    def _opened(self, flags: int, number: int, block: bytes) -> None:
        opening = self._known.get(block)
        if opening is None:
            opening = self._read_opening(block)
        known = self.streams.get(number)
        if known is not None:
            if not flags & frames.END_STREAM:
                raise Broken(frames.PROTOCOL_ERROR, "a second header block that does not end the call")
            known.take(b"", 0, is_last=True)
            return
        if not number & 1:
            raise Broken(frames.PROTOCOL_ERROR, f"a call on the stream {number}; a client's have odd numbers")
        if number <= self._last_stream:
            return  # of a call that is over already
        self._last_stream = number
        if len(self.streams) >= self.limits.most_streams or self in self._core.departing or self._core.is_shutting:
            self.write(frames.reset(number, frames.REFUSED_STREAM))
            return
        self._begin(flags, number, opening)

    def _begin(self, flags: int, number: int, opening: Opening) -> None:
        fault = opening.fault
        if isinstance(fault, int):
            self.write(header_frames(number, http_error_block(fault), frames.END_STREAM))
            self.write(frames.reset(number, frames.NO_ERROR))
            return
        timeout_s = opening.timeout_s
        deadline_s = NEVER_S if timeout_s == NEVER_S else time.time() + timeout_s
        stream = self.streams[number] = Stream(self, number, deadline_s, opening.encoding)
        core = self._core
        core.call_count += 1
        if flags & frames.END_STREAM:
            stream.take(b"", 0, is_last=True)
        if fault is not None:
            stream.send(None, initial=(), status=fault)
            return
        taker = core.takers.get(opening.path)
        if taker is not None:
            taker(stream, deadline_s)
        else:
            core.otherwise(Arrival(stream, opening.path, deadline_s, opening.metadata))

    def _read_opening(self, block: bytes) -> Opening:
        try:
            pairs = self._headers.read(block)
        except BadHeaders as error:
            raise Broken(frames.COMPRESSION_ERROR, str(error)) from error
        except TooManyHeaders as error:
            raise Broken(frames.ENHANCE_YOUR_CALM, str(error)) from error
        opening = read_opening(pairs)
        if self._headers.is_changed:
            self._known.clear()
        elif len(block) <= _LONGEST_KNOWN_BLOCK:
            if len(self._known) >= _MOST_KNOWN_BLOCKS:
                self._known.clear()
            self._known[block] = opening
        return opening

    def _control(self, kind: int, flags: int, stream: int, content: bytes) -> None:
        if kind == frames.SETTINGS:
            self._settings(flags, content)
        elif kind == frames.WINDOW_UPDATE:
            self._widen(stream, _word(content))
        elif kind == frames.RST_STREAM:
            self._reset(stream, content)
        elif kind == frames.PING:
            self._ping(flags, stream, content)
        elif kind in {frames.PUSH_PROMISE, frames.CONTINUATION}:
            raise Broken(frames.PROTOCOL_ERROR, f"a frame of type {kind}, which has no place here")

    def _reset(self, number: int, content: bytes) -> None:
        _word(content)
        stream = self.streams.get(number)
        if stream is not None:
            stream.break_off()
            self._core.call_tags()  # at once: who begins and cancels calls by the thousand has only one open at a time
        elif number > self._last_stream or not number:
            raise Broken(frames.PROTOCOL_ERROR, f"an end of the stream {number}, which is not open")

    def _ping(self, flags: int, stream: int, content: bytes) -> None:
        if len(content) != frames.PING_BYTES or stream:
            raise Broken(frames.FRAME_SIZE_ERROR, "a ping that is none")
        if not flags & frames.ACK:
            self._answer(frames.frame(frames.PING, frames.ACK, 0, content))
        elif content == _LEAVING and self.is_leaving:
            self.left()

    def _answer(self, content: bytes) -> None:
        """An answer to a frame that is no part of a call: nobody may have any number of them."""
        if self.outlet.is_too_full:
            raise Broken(frames.ENHANCE_YOUR_CALM, "answers are not read")
        self.write(content)

    def _settings(self, flags: int, content: bytes) -> None:
        if len(content) % frames.SETTING.size:
            raise Broken(frames.FRAME_SIZE_ERROR, "settings that are none")
        if flags & frames.ACK:
            return
        # Of one that stands there many times the last: each would be work for every stream.
        window = dict(frames.SETTING.iter_unpack(content)).get(frames.INITIAL_WINDOW, self.first_window)
        if window > frames.LARGEST_WINDOW:
            raise Broken(frames.FLOW_CONTROL_ERROR, f"a window of {window} bytes")
        more, self.first_window = window - self.first_window, window
        if more:
            for stream in self.streams.values():
                stream.window += more
            self._unblock()
        self._answer(frames.frame(frames.SETTINGS, frames.ACK, 0))

    def _widen(self, number: int, count: int) -> None:
        count &= frames.LARGEST_WINDOW
        if not number:
            self.window += count
            if not count or self.window > frames.LARGEST_WINDOW:
                raise Broken(frames.FLOW_CONTROL_ERROR, "a window that is too large, or not larger")
            self._unblock()
            return
        stream = self.streams.get(number)
        if stream is None:
            return
        stream.window += count
        if not count or stream.window > frames.LARGEST_WINDOW:
            stream.cancel()
        else:
            stream.flush()

    def _unblock(self) -> None:
        if self.blocked:
            waiting, self.blocked = self.blocked, {}
            for stream in waiting.values():
                stream.flush()


def _word(content: bytes) -> int:
    if len(content) != frames.WORD.size:
        raise Broken(frames.FRAME_SIZE_ERROR, "a frame of the wrong length")
    number: int = frames.WORD.unpack(content)[0]
    return number


def _bare(flags: int, content: bytes) -> bytes:
    """The content of a frame without its padding and priority."""
    begin, end = 0, len(content)
    if flags & frames.PADDED:
        if not content:
            raise Broken(frames.FRAME_SIZE_ERROR, "padding that is none")
        begin, end = 1, end - content[0]
    if flags & frames.PRIORITISED:
        begin += 5
    if begin > end:
        raise Broken(frames.PROTOCOL_ERROR, "more padding than there is room for")
    return content[begin:end]
