"""The kinds of calls that the inline transport answers besides scoring: all of them in its loop, none of them waits."""

import collections
import logging
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import grpc

from server.transport.context import Abort, Context
from server.transport.exchange import Arrival, Event, Exchange, Metadata
from server.transport.status import FAULT_TEXT

_log = logging.getLogger(__name__)

NEEDS_A_MESSAGE = "the method needs exactly one request message"
_MOST_UNSENT = 64  # messages that a stream's reader may be behind; then the call is cancelled


class Loop(Protocol):
    """What a call needs of the loop that it lives in."""

    def call_soon(self, step: Callable[[], None]) -> None:
        """Has the loop take this step; from any thread."""
        ...

    def has_ended(self, call: "Call") -> None:
        """Notes that nothing more will come of the call."""
        ...


class Call:
    """One call, from its arrival to its end. Its steps are taken by the loop."""

    def __init__(self, loop: Loop, arrival: Arrival, handler: Any) -> None:  # noqa: ANN401  # grpc.RpcMethodHandler
        self._loop = loop
        self._call = arrival.call
        self._handler = handler
        self._path = arrival.path
        self._is_answered = False
        self.is_closed = False
        self.context = Context(self, arrival)
        self._call.receive_close(self._closed)
        self._call.receive_message(self._received)

    def _received(self, event: Event) -> None:
        data = self._call.message(event)
        if self.is_closed or self._is_answered:
            return
        if data is None:
            self._no_more()
            return
        try:
            request = _converted(data, self._handler.request_deserializer)
        except Exception:  # the edge: a foreign deserializer fails as it likes
            self.end(grpc.StatusCode.INTERNAL, "the message cannot be parsed")
            return
        try:
            self._answer(request)
        except Abort:
            self.end()
        except Exception:  # the edge: whatever went wrong, the caller gets a status
            _log.exception("unforeseen fault", extra={"method": self._path.decode("utf-8", "replace")})
            self.end(grpc.StatusCode.UNKNOWN, FAULT_TEXT)

    def _no_more(self) -> None:
        """The client sends nothing more, or sent a message that was too long, which the core has answered."""
        self.end(grpc.StatusCode.UNIMPLEMENTED, NEEDS_A_MESSAGE)

    def _answer(self, request: Any) -> None:  # noqa: ANN401  # whatever the handler takes
        raise NotImplementedError

    def end(self, code: grpc.StatusCode | None = None, text: str | None = None, reply: bytes | None = None) -> None:
        """Sends the status, once: the given one, else that of the context, else OK."""
        if self._is_answered or self.is_closed:
            return
        self._is_answered = True
        context = self.context
        status = code or context.code() or grpc.StatusCode.OK, (context.details() or "") if text is None else text
        self._call.send(
            ignore,
            initial=context.take_initial_metadata(),
            reply=reply,
            status=status,
            trailing=context.trailing_metadata(),
        )

    def _closed(self, _event: Event) -> None:
        self.is_closed = True
        self._loop.has_ended(self)
        self.context.run_callbacks()

    def cancel(self) -> None:
        """Ends the call at once."""
        self._call.cancel()

    def send_initial_metadata(self, metadata: Metadata) -> None:
        """Sends the headers."""
        self._call.send(ignore, initial=metadata)

    @property
    def exchange(self) -> Exchange:
        """With the client."""
        return self._call


class UnaryCall(Call):
    """One request, one reply."""

    def _answer(self, request: Any) -> None:  # noqa: ANN401  # whatever the handler takes
        reply = _converted(self._handler.unary_unary(request, self.context), self._handler.response_serializer)
        if self.context.code() in (None, grpc.StatusCode.OK):
            self.end(reply=reply)
        else:
            self.end()


class StreamCall(Call):
    """A call that is answered with any number of messages, one after the other as the client takes them."""

    def __init__(self, loop: Loop, arrival: Arrival, handler: Any) -> None:  # noqa: ANN401  # as Call
        self._unsent: collections.deque[bytes | None] = collections.deque()
        self._is_sending = False
        super().__init__(loop, arrival, handler)

    def push(self, reply: Any) -> None:  # noqa: ANN401  # whatever the handler answers with
        """Sends a message when its turn comes; None ends the call. From any thread."""
        self._unsent.append(None if reply is None else _converted(reply, self._handler.response_serializer))
        self._loop.call_soon(self._send_next)

    def _send_next(self) -> None:
        if self._is_answered or self.is_closed:
            self._unsent.clear()
        elif len(self._unsent) > _MOST_UNSENT:
            self._is_answered = True  # a status would have to wait for the client too
            self.cancel()
        elif self._unsent and not self._is_sending:
            self._send(self._unsent.popleft())

    def _send(self, reply: bytes | None) -> None:
        if reply is None:
            self.end()
            return
        self._is_sending = True
        self._call.send(self._sent, initial=self.context.take_initial_metadata(), reply=reply)

    def _sent(self, _event: Event) -> None:
        self._is_sending = False
        self._send_next()


class WatchCall(StreamCall):
    """A handler that is given a function to send with, and keeps it (grpcio's experimental_non_blocking)."""

    def _answer(self, request: Any) -> None:  # noqa: ANN401  # whatever the handler takes
        self._handler.unary_stream(request, self.context, self.push)


class DialogueCall(StreamCall):
    """A handler of a stream that answers each message by itself, so that it can be called with one at a time.

    The next message is taken once the client has taken the replies to the last.
    """

    def _answer(self, request: Any) -> None:  # noqa: ANN401  # whatever the handler takes
        def only() -> Iterator[Any]:
            yield request

        for reply in self._handler.stream_stream(only(), self.context):
            self.push(reply)
        if not self._is_sending:
            self._receive_next()

    def _sent(self, event: Event) -> None:
        super()._sent(event)
        if not self._is_sending:
            self._receive_next()

    def _receive_next(self) -> None:
        if not self._is_answered and not self.is_closed:
            self._call.receive_message(self._received)

    def _no_more(self) -> None:
        self.push(None)


def _converted(content: Any, convert: Callable[[Any], Any] | None) -> Any:  # noqa: ANN401  # a message, or its bytes
    """The content as the handler's converter makes it; as it is when the handler has none."""
    return content if convert is None else convert(content)


def ignore(_event: Event) -> None:
    """A tag for what needs no attention once it is done."""


def kind_of(path: str, handler: Any) -> type[Call]:  # noqa: ANN401  # grpc.RpcMethodHandler
    """The kind of call that suits a handler.

    Raises:
        ValueError: it would have to wait, for its client or for itself, and nothing else would be answered meanwhile.
    """
    if handler.unary_unary:
        return UnaryCall
    if handler.unary_stream and getattr(handler.unary_stream, "experimental_non_blocking", False):
        return WatchCall
    if handler.stream_stream and getattr(handler.stream_stream, "message_by_message", False):
        return DialogueCall
    raise ValueError(
        f"{path} cannot be served here: a stream waits for its client, and this transport answers everything from one "
        "thread; serve it from another process, or with --transport threads"
    )
