"""One call on a connection: see Exchange."""

from collections import deque
from typing import TYPE_CHECKING, Final

import grpc

from server.transport.exchange import Ending, Event, Metadata, Tag
from server.transport.sockets import frames
from server.transport.sockets.headers import header_frames, initial_block, trailing_block
from server.transport.sockets.inbox import BadMessage, Inbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.transport.sockets.connection import Connection

_PREFIX_BYTES: Final = 5  # of a message
_INITIAL: Final = initial_block()
_OK_BLOCK: Final = trailing_block(0, "")
_head = frames.head


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
        "_has_begun",
        "_inbox",
        "_is_client_done",
        "_message_tag",
        "_messages",
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
        self._inbox = Inbox(encoding, connection.limits.largest_message_bytes)
        self._messages: deque[bytes] | None = None  # that nobody has asked for yet
        self._message_tag: Tag | None = None
        self._close_tag: Tag | None = None
        self._is_client_done = False
        self._has_begun = False
        self._status: bytes | None = None  # the last frames, while messages wait for the window
        self._unread = 0  # bytes that the client may not send again yet

    # What comes from the client.

    def take(self, content: bytes, size: int, *, is_last: bool) -> None:
        """A piece of the client's messages, in a frame of so many bytes with its padding."""
        try:
            for message in self._inbox.take(content, is_last=is_last):
                self._has_come(message)
        except BadMessage as error:
            self._refuse(error)
            return
        if is_last:
            self._is_client_done = True
            if self._message_tag is not None:
                tag, self._message_tag = self._message_tag, None
                self._connection.later(tag, None)
        self._unread += size
        if self._unread > self._connection.stream_window:
            self.cancel(frames.FLOW_CONTROL_ERROR)
        else:
            self._give_back()

    def _give_back(self) -> None:
        """Lets the client send as much again, once that is worth a frame; not while it sends what nobody asks for."""
        if self._unread * 2 > self._connection.stream_window and not (self._messages or self._is_client_done):
            self._connection.write(frames.window_update(self.number, self._unread))
            self._unread = 0

    def _refuse(self, error: BadMessage) -> None:
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
            self._give_back()
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

    def cancel(self, code: int = frames.CANCEL) -> None:
        """See Exchange; with another reason of HTTP/2's, if there is one."""
        if not self.is_over:
            self._connection.write(frames.reset(self.number, code))
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
