"""grpcio's C core, driven by whoever polls it: the only module that touches grpcio's private API (grpc._cython.cygrpc).

grpc.server and grpc.aio drive the same core, and hand each event over to a thread of a pool or to an event loop; that
costs more than scoring does. Here the thread that polls does the work. What is used of the private API is what follows;
`probe` tries all of it, and was seen to pass on the lowest and the highest grpcio that pyproject.toml allows.
"""

import time
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import grpc
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # private, so without types

Event: TypeAlias = Any
Tag = Callable[[Event], None]
Taker = Callable[[Any, float], None]
Metadata: TypeAlias = tuple[tuple[str, str | bytes], ...]

NEVER_S: Final = 2.0**62  # the core's infinity is the largest whole number of 64 bits
_NO_FLAGS: Final = 0
_SHUTDOWN = cygrpc.CompletionType.queue_shutdown
# Operations without any content are the same for every call; others have memory that is freed with their call.
_NO_METADATA = cygrpc.SendInitialMetadataOperation((), _NO_FLAGS)
_STATUS_OK = cygrpc.SendStatusFromServerOperation((), cygrpc.StatusCode.ok, b"", _NO_FLAGS)


class Core:
    """One server of the C core, and the queue on which everything that happens to it is found.

    A tag is called with the event that it was given for. Everything may be called from any thread, but only one polls.

    Args:
        options: names and values of channel arguments.
    """

    def __init__(self, options: Sequence[tuple[str, Any]]) -> None:
        arguments = tuple((name.encode(), value) for name, value in options)
        self._queue = cygrpc.CompletionQueue()
        self._server = cygrpc.Server(arguments, False)
        self._server.register_completion_queue(self._queue)
        self._takers: dict[bytes, Taker] = {}
        self._otherwise: Callable[[Arrival], None] = _forget
        self._is_shutting = False
        self.is_ended = False

    def listen(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        """The port that was opened; 0 when none was."""
        if credentials is None:
            return int(self._server.add_http2_port(address.encode()))
        return int(self._server.add_http2_port(address.encode(), credentials._credentials))  # type: ignore[attr-defined]  # noqa: SLF001  # private too

    def start(self) -> None:
        """Begins to accept connections; raises ValueError the second time."""
        self._server.start()

    def request_call(self, tag: Tag) -> None:
        """Calls the tag with the next call that arrives (see Arrival), or with an event without success at the end."""
        try:
            self._server.request_call(self._queue, self._queue, tag)
        except ValueError:  # another thread has just begun to shut it down
            return

    def take_calls(self, path: str, taker: Taker) -> None:
        """Has the calls of one method taken by this, which is given the core's call and its deadline (see Arrival)."""
        self._takers[path.encode()] = taker

    def accept(self, otherwise: Callable[["Arrival"], None], *, at_once: int) -> None:
        """Begins to take calls, those of methods without a taker by this; so many may be announced at once."""
        self._otherwise = otherwise
        for _ in range(at_once):
            self.request_call(self._arrived)

    def _arrived(self, event: Event) -> None:
        if not event.success:
            return
        if not self._is_shutting:
            self.request_call(self._arrived)
        details = event.call_details
        taker = self._takers.get(details.method)
        if taker is not None:
            taker(event.call, details.deadline)
        else:
            self._otherwise(Arrival(event.call, details.method, details.deadline, event.invocation_metadata))

    def poll(self, wait_s: float) -> Event | None:
        """The next event, within a time from now; None when there is none. It is for the caller to call its tag."""
        event = self._queue.poll(time.time() + wait_s if wait_s else 0)
        if event.tag is None:
            self.is_ended = event.completion_type == _SHUTDOWN
            return None
        return event

    def take(self, work: Sized, *, sleep_s: float, most_events: int) -> None:
        """Calls the tags of what has arrived, until nothing more is there; sleeps when there is nothing at all.

        Args:
            work: what the tags find to do. When there is some, it comes back as soon as nothing more has arrived, so
                that what came together is done together; at once after a sleep, since what ends one came alone.
            sleep_s: the longest that it sleeps.
            most_events: it comes back after so many, so that work gets done whatever arrives.
        """
        poll = self._queue.poll
        has_slept = False
        empty_count = 0
        for _ in range(most_events):
            # The core reads sockets as it goes out of a poll, so what it read then is found by the next: only the
            # second empty one in a row means that nothing is there.
            is_dry = empty_count > 1
            event = poll(time.time() + sleep_s if is_dry else 0)
            tag = event.tag
            if tag is not None:
                has_slept = has_slept or is_dry
                empty_count = 0
                tag(event)
                event = tag = None  # kept while the next is awaited, they would keep their call alive
                if has_slept and work:
                    return
            elif is_dry:
                self.is_ended = event.completion_type == _SHUTDOWN
                return
            else:
                empty_count += 1
                if empty_count > 1 and work:
                    return

    def shut_down(self, tag: Tag) -> None:
        """Closes the listener, tells connections to go, and calls the tag when the last call has ended."""
        self._is_shutting = True
        self._server.shutdown(self._queue, tag)

    def cancel_all_calls(self) -> None:
        """Ends the calls that are left after shut_down."""
        self._server.cancel_all_calls()

    def end(self) -> None:
        """After shut_down is done: the queue's last events come, then `is_ended`."""
        self._server.destroy()
        self._queue.shutdown()


@dataclass(slots=True)  # made for every call; a frozen one takes three times as long (measured)
class Arrival:
    """A call that arrived.

    Attributes:
        call: the core's own.
        path: such as b"/audience.v1.Scoring/Score".
        deadline_s: seconds since 1970, beyond NEVER_S when the client gave none.
        metadata: what the client sent.
    """

    call: Any
    path: bytes
    deadline_s: float
    metadata: Metadata


def arrival(event: Event) -> Arrival | None:
    """The call in an event of request_call; None when the server was shut down instead."""
    if not event.success:
        return None
    details = event.call_details
    return Arrival(event.call, details.method, details.deadline, event.invocation_metadata)


def _forget(_arrival: Arrival) -> None:
    """What becomes of calls before anybody wants them."""


def receive(call: Any, *, message: Tag, close: Tag) -> None:  # noqa: ANN401  # the core's own
    """receive_close and receive_message at once."""
    call.start_server_batch((cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS),), close)
    call.start_server_batch((cygrpc.ReceiveMessageOperation(_NO_FLAGS),), message)


def receive_message(call: Any, tag: Tag) -> None:  # noqa: ANN401  # the core's own
    """Calls the tag when the next message is there, see `message`."""
    call.start_server_batch((cygrpc.ReceiveMessageOperation(_NO_FLAGS),), tag)


def message(event: Event) -> bytes | None:
    """The message in an event of receive_message; None when the client sends no more, or sent a too long one."""
    data: bytes | None = event.batch_operations[0].message()
    return data


def receive_close(call: Any, tag: Tag) -> None:  # noqa: ANN401  # the core's own
    """Calls the tag when the call has ended, for whatever reason, see `is_cancelled`. Asked once for each call."""
    call.start_server_batch((cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS),), tag)


def is_cancelled(event: Event) -> bool:
    """Whether the call in an event of receive_close ended without its status being sent."""
    return bool(event.batch_operations[0].cancelled())


def send_reply(call: Any, reply: bytes, tag: Tag) -> None:  # noqa: ANN401  # the core's own
    """Answers a call that nothing was sent to, and ends it well."""
    call.start_server_batch((_NO_METADATA, cygrpc.SendMessageOperation(reply, _NO_FLAGS), _STATUS_OK), tag)


def send(  # noqa: PLR0913  # one batch of the core has this many parts
    call: Any,  # noqa: ANN401  # the core's own
    tag: Tag,
    *,
    initial: Metadata | None = None,
    reply: bytes | None = None,
    status: tuple[grpc.StatusCode, str] | None = None,
    trailing: Metadata = (),
) -> None:
    """Sends any of the parts of an answer, in one go; calls the tag when that is done.

    Args:
        call: the core's call.
        tag: what to call.
        initial: the headers, to be sent once, first.
        reply: a message.
        status: ends the call.
        trailing: metadata that goes with the status.
    """
    operations = []
    if initial is not None:
        operations.append(cygrpc.SendInitialMetadataOperation(initial, _NO_FLAGS))
    if reply is not None:
        operations.append(cygrpc.SendMessageOperation(reply, _NO_FLAGS))
    if status is not None:
        code, text = status
        operations.append(
            cygrpc.SendStatusFromServerOperation(trailing, code.value[0], text.encode(errors="replace"), _NO_FLAGS)
        )
    call.start_server_batch(tuple(operations), tag)


class Ending:
    """How calls end that get no reply, as one batch of operations for each.

    Args:
        code: the status.
        text: what it says.
        trailing: metadata that goes with it.
    """

    __slots__ = ("code", "details", "number", "text", "trailing")

    def __init__(self, code: grpc.StatusCode, text: str, trailing: Metadata = ()) -> None:
        self.code, self.text, self.trailing = code, text, trailing
        self.number, self.details = code.value[0], text.encode(errors="replace")


def end(call: Any, ending: Ending, tag: Tag) -> None:  # noqa: ANN401  # the core's own
    """Ends a call that nothing was sent to and whose end nobody waits for; calls the tag when it has ended."""
    status = cygrpc.SendStatusFromServerOperation(ending.trailing, ending.number, ending.details, _NO_FLAGS)
    call.start_server_batch((_NO_METADATA, status, cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS)), tag)


def cancel(call: Any) -> None:  # noqa: ANN401  # the core's own
    """Ends a call at once."""
    call.cancel()


def peer(call: Any) -> str:  # noqa: ANN401  # the core's own
    """Where the call is from, as gRPC writes it."""
    return str(call.peer().decode())


def auth_context(call: Any) -> dict[str, Sequence[bytes]]:  # noqa: ANN401  # the core's own
    """What the transport knows of the client, such as the names in its certificate."""
    return {key.decode(): value for key, value in (cygrpc.auth_context(call) or {}).items()}


def peer_identities(call: Any) -> Sequence[bytes] | None:  # noqa: ANN401  # the core's own
    """By which names the client is known, if it proved any."""
    identities: Sequence[bytes] | None = cygrpc.peer_identities(call)
    return identities


def peer_identity_key(call: Any) -> str | None:  # noqa: ANN401  # the core's own
    """Which entry of auth_context those names are."""
    key: bytes | None = cygrpc.peer_identity_key(call)
    return None if key is None else key.decode()
