"""One call on a connection: see Exchange."""

import zlib
from collections import deque
from typing import TYPE_CHECKING, Final

import grpc

from server.transport.exchange import Ending, Event, Metadata, Tag
from server.transport.sockets import frames
from server.transport.sockets.headers import header_frames, initial_block, trailing_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.transport.sockets.connection import Connection

_PREFIX_BYTES: Final = 5  # of a message: whether it is compressed, and its length
_INITIAL: Final = initial_block()
_OK_BLOCK: Final = trailing_block(0, "")
_WBITS: Final = {b"gzip": 31, b"deflate": 15}
_EXHAUSTED, _UNIMPLEMENTED = grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNIMPLEMENTED
_head = frames.head


class BadMessage(Exception):
    """A message that cannot be taken.

    Attributes:
        code: the status for it.
    """

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code


class Stream:
    """A call, from its headers to its end.

    Args:
        connection: whose it is.
        number: of the stream.
        deadline_s: seconds since 1970.
        encoding: of its messages.

    Attributes:
        window: bytes of messages that the client takes now.
        unsent: frames that wait for the window: contents of DATA, and what comes after all of them.
        is_over: nothing can be sent or received any more.
    """

    __slots__ = (
        "_close_tag",
        "_connection",
        "_encoding",
        "_has_begun",
        "_is_client_done",
        "_message_tag",
        "_messages",
        "_missing",
        "_parts",
        "_status",
        "_unread",
        "deadline_s",
        "is_over",
        "number",
        "unsent",
        "window",
    )

    def __init__(self, connection: "Connection", number: int, deadline_s: float, encoding: bytes) -> None:
        self._connection = connection
        self.number = number
        self.deadline_s = deadline_s
        self.window = connection.first_window
        self.unsent: deque[tuple[bytes, Tag | None]] | None = None
        self.is_over = False
        self._encoding = encoding
        self._parts: list[bytes] | None = None  # of a message that is not complete
        self._missing = 0  # bytes of it
        self._messages: deque[bytes] | None = None  # that nobody has asked for yet
        self._message_tag: Tag | None = None
        self._close_tag: Tag | None = None
        self._is_client_done = False
        self._has_begun = False
        self._status: bytes | None = None  # the last frames, while messages wait for the window
        self._unread = 0

    # What comes from the client.

    def take(self, content: bytes, *, is_last: bool) -> None:
        """A piece of the client's messages."""
        whole = self._gathered(content, is_last=is_last)
        if whole is not None:
            try:
                rest = self._read(whole, is_last=is_last)
            except BadMessage as error:
                self._refuse(error)
                return
            self._parts = [rest] if rest else None
        if is_last:
            self._is_client_done = True
            if self._message_tag is not None:
                tag, self._message_tag = self._message_tag, None
                self._connection.later(tag, None)
        elif not self.is_over:
            self._give_back(len(content))

    def _gathered(self, content: bytes, *, is_last: bool) -> bytes | None:
        """This with what came before it; None when a message is not complete yet."""
        if self._parts is None:
            return content
        self._parts.append(content)
        self._missing -= len(content)
        if self._missing > 0 and not is_last:
            return None
        whole = b"".join(self._parts)
        self._parts = None
        return whole

    def _read(self, content: bytes, *, is_last: bool) -> bytes:
        """Takes the messages in this; what is left, of which `_missing` bytes have not come."""
        most = self._connection.limits.largest_message_bytes
        while len(content) >= _PREFIX_BYTES:
            length = int.from_bytes(content[1:_PREFIX_BYTES], "big")
            if length > most:
                raise BadMessage(_EXHAUSTED, f"received message larger than max ({length} vs. {most})")
            stop = _PREFIX_BYTES + length
            if len(content) < stop:
                self._missing = stop - len(content)
                break
            message = content[_PREFIX_BYTES:stop]
            self._has_come(self._unpacked(message) if content[0] else message)
            content = content[stop:]
        else:
            self._missing = 1  # at least: how long a message is stands in its first bytes
        if content and is_last:
            raise BadMessage(grpc.StatusCode.INTERNAL, "the last message is not complete")
        return content

    def _give_back(self, count: int) -> None:
        """Lets the client send as much again, once that is worth a frame."""
        self._unread += count
        if self._unread * 2 > self._connection.stream_window and not self.is_over:
            self._connection.write(frames.window_update(self.number, self._unread))
            self._unread = 0

    def _unpacked(self, content: bytes) -> bytes:
        bits = _WBITS.get(self._encoding)
        if bits is None:
            name = self._encoding.decode("ascii", "replace")
            raise BadMessage(
                _UNIMPLEMENTED, f"the message is compressed by {name or 'nothing'}; needed is gzip or deflate"
            )
        most = self._connection.limits.largest_message_bytes
        unpacker = zlib.decompressobj(bits)
        try:
            message = unpacker.decompress(content, most + 1)
        except zlib.error as error:
            raise BadMessage(grpc.StatusCode.INTERNAL, "the message cannot be unpacked") from error
        if len(message) > most:
            raise BadMessage(_EXHAUSTED, f"received message larger than max once it is unpacked ({most})")
        if not unpacker.eof:
            raise BadMessage(grpc.StatusCode.INTERNAL, "the message cannot be unpacked")
        return message

    def _refuse(self, error: BadMessage) -> None:
        self._parts = None
        tag, self._message_tag = self._message_tag, None
        self.send(None, initial=() if not self._has_begun else None, status=(error.code, str(error)))
        self._is_client_done = True
        if tag is not None:
            self._connection.later(tag, None)

    def _has_come(self, message: bytes) -> None:
        tag = self._message_tag
        if tag is not None:
            self._message_tag = None
            self._connection.later(tag, message)
            return
        if self._messages is None:
            self._messages = deque()
        self._messages.append(message)

    # What the loop wants; see Exchange.

    def receive(self, *, message: Tag, close: Tag) -> None:
        """See Exchange."""
        self.receive_close(close)
        self.receive_message(message)

    def receive_message(self, tag: Tag) -> None:
        """See Exchange."""
        if self._messages:
            self._connection.later(tag, self._messages.popleft())
        elif self._is_client_done or self.is_over:
            self._connection.later(tag, None)
        else:
            self._message_tag = tag

    @staticmethod
    def message(event: Event) -> bytes | None:
        """See Exchange: the event is the message."""
        data: bytes | None = event
        return data

    def receive_close(self, tag: Tag) -> None:
        """See Exchange."""
        if self.is_over:
            self._connection.later(tag, None)
        else:
            self._close_tag = tag

    def send_reply(self, reply: bytes, tag: Tag) -> None:
        """See Exchange."""
        connection, number, length = self._connection, self.number, len(reply) + _PREFIX_BYTES
        if self.is_over or length > frames.LONGEST_FRAME or length > self.window or length > connection.window:
            self.send(tag, initial=(), reply=reply, status=(grpc.StatusCode.OK, ""))
            return
        connection.window -= length
        connection.write(
            b"".join((
                _head(0, len(_INITIAL), frames.HEADERS, frames.END_HEADERS, number), _INITIAL,
                _head(0, length, frames.DATA, 0, number), b"\0", frames.WORD.pack(length - _PREFIX_BYTES), reply,
                _head(0, len(_OK_BLOCK), frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, number), _OK_BLOCK,
            ))
        )  # fmt: skip
        self._finish(None)

    def send(
        self,
        tag: Tag | None,
        *,
        initial: Metadata | None = None,
        reply: bytes | None = None,
        status: tuple[grpc.StatusCode, str] | None = None,
        trailing: Metadata = (),
    ) -> None:
        """See Exchange."""
        if self.is_over or self._status is not None:
            if tag is not None:
                self._connection.later(tag, None)
            return
        block = b""
        if initial is not None:
            self._has_begun = True
            block = initial_block(initial)
            if reply is not None or status is None:
                self._connection.write(header_frames(self.number, block, 0))
                block = b""
        if reply is not None:
            self._queue(b"\0" + frames.WORD.pack(len(reply)) + reply, None if status else tag)
        elif status is None and tag is not None:
            self._connection.later(tag, None)
        if status is not None:
            code, text = status
            block += trailing_block(code.value[0], text, trailing)
            self._status = header_frames(self.number, block, frames.END_STREAM)
            if tag is not None:
                self._connection.later(tag, None)
        self.flush()

    def end(self, ending: Ending, tag: Tag) -> None:
        """See Exchange."""
        self._close_tag = tag
        self.send(None, initial=(), status=(ending.code, ending.text), trailing=ending.trailing)

    def cancel(self) -> None:
        """See Exchange."""
        if not self.is_over:
            self._connection.write(frames.reset(self.number, frames.CANCEL))
            self.break_off()

    def peer(self) -> str:
        """See Exchange."""
        return self._connection.peer

    @staticmethod
    def auth_context() -> "dict[str, Sequence[bytes]]":
        """See Exchange: without TLS nothing is known."""
        return {}

    @staticmethod
    def peer_identities() -> "Sequence[bytes] | None":
        """See Exchange."""
        return None

    @staticmethod
    def peer_identity_key() -> str | None:
        """See Exchange."""
        return None

    # What goes to the client.

    def _queue(self, content: bytes, tag: Tag | None) -> None:
        if self.unsent is None:
            self.unsent = deque()
        self.unsent.append((content, tag))

    def flush(self) -> None:
        """Sends what the windows allow; the status when all is sent."""
        connection = self._connection
        while self.unsent:
            content, tag = self.unsent.popleft()
            room = min(self.window, connection.window, frames.LONGEST_FRAME)
            if len(content) > room:
                if room <= 0:
                    self.unsent.appendleft((content, tag))
                    connection.blocked[self.number] = self
                    return
                self.unsent.appendleft((content[room:], tag))
                content, tag = content[:room], None
            self.window -= len(content)
            connection.window -= len(content)
            connection.write(frames.frame(frames.DATA, 0, self.number, content))
            if tag is not None:
                connection.later(tag, None)
        if self._status is not None and not self.is_over:
            self._finish(self._status)

    def _finish(self, last: bytes | None) -> None:
        """The answer is whole."""
        connection = self._connection
        if last is not None:
            connection.write(last)
        if not self._is_client_done:
            connection.write(frames.reset(self.number, frames.NO_ERROR))
        self.break_off()

    def break_off(self) -> None:
        """Nothing more comes of the call: tells whoever waits for it, and is forgotten."""
        if self.is_over:
            return
        self.is_over = True
        self.unsent = None
        self._messages = None
        self._parts = None
        connection = self._connection
        connection.forget(self.number)
        message_tag, self._message_tag = self._message_tag, None
        close_tag, self._close_tag = self._close_tag, None
        if close_tag is not None:
            connection.later(close_tag, None)
        if message_tag is not None:
            connection.later(message_tag, None)

    def expire(self) -> None:
        """The deadline has passed."""
        if self._status is not None:  # the client does not take the answer
            self.cancel()
            return
        status = (grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline has passed")
        self.unsent = None
        self.send(None, initial=None if self._has_begun else (), status=status)
