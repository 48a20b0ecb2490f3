"""grpcio's C core, driven by whoever polls it: the only module that touches grpcio's private API (grpc._cython.cygrpc).

grpc.server and grpc.aio drive the same core, and hand each event over to a thread of a pool or to an event loop; that
costs more than scoring does. Here the thread that polls does the work. What is used of the private API is what follows;
`probe` tries all of it, and was seen to pass on the lowest and the highest grpcio that pyproject.toml allows.
"""

import time
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Final

import grpc
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # private, so without types

from server.transport.exchange import Arrival, Ending, Event, Metadata, Tag, Taker

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

    def accept(self, otherwise: Callable[[Arrival], None], *, at_once: int) -> None:
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
            taker(Call(event.call), details.deadline)
        else:
            self._otherwise(Arrival(Call(event.call), details.method, details.deadline, event.invocation_metadata))

    def poll(self, wait_s: float) -> Event | None:
        """The next event, within a time from now; None when there is none. It is for the caller to call its tag."""
        event = self._queue.poll(time.time() + wait_s if wait_s else 0)
        if event.tag is None:
            self.is_ended = event.completion_type == _SHUTDOWN
            return None
        return event

    def take(self, work: Sized, *, rest_s: float, sleep_s: float, most_events: int) -> None:
        """Calls the tags of what has arrived, until nothing more is there; sleeps when there is nothing at all.

        Args:
            work: what the tags find to do. When there is some, it comes back as soon as nothing more has arrived, so
                that what came together is done together; at once after a sleep, since what ends one came alone.
            rest_s: how long it leaves the processor to others before it looks.
            sleep_s: the longest that it sleeps.
            most_events: it comes back after so many, so that work gets done whatever arrives.
        """
        if rest_s:
            time.sleep(rest_s)
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

    def cancel_lost_calls(self) -> None:
        """Ends the calls that are left after shut_down, once all that came out of here have ended."""
        self._server.cancel_all_calls()

    def abandon(self) -> None:
        """Nothing more comes of a core that was not started, or has ended: it goes with its last reference."""

    def end(self) -> None:
        """After shut_down is done: the queue's last events come, then `is_ended`."""
        self._server.destroy()
        self._queue.shutdown()


def arrival(event: Event) -> Arrival | None:
    """The call in an event of request_call; None when the server was shut down instead."""
    if not event.success:
        return None
    details = event.call_details
    return Arrival(Call(event.call), details.method, details.deadline, event.invocation_metadata)


def _forget(_arrival: Arrival) -> None:
    """What becomes of calls before anybody wants them."""


@dataclass(slots=True, eq=False)  # made for every call; a frozen one takes three times as long (measured)
class Call:
    """See Exchange.

    Args:
        call: the core's own.
    """

    _call: Any

    def receive(self, *, message: Tag, close: Tag) -> None:
        """See Exchange."""
        self._call.start_server_batch((cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS),), close)
        self._call.start_server_batch((cygrpc.ReceiveMessageOperation(_NO_FLAGS),), message)

    def receive_message(self, tag: Tag) -> None:
        """See Exchange."""
        self._call.start_server_batch((cygrpc.ReceiveMessageOperation(_NO_FLAGS),), tag)

    @staticmethod
    def message(event: Event) -> bytes | None:
        """See Exchange."""
        data: bytes | None = event.batch_operations[0].message()
        return data

    def receive_close(self, tag: Tag) -> None:
        """See Exchange; `is_cancelled` says of the event more."""
        self._call.start_server_batch((cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS),), tag)

    def send_reply(self, reply: bytes, tag: Tag) -> None:
        """See Exchange."""
        self._call.start_server_batch((_NO_METADATA, cygrpc.SendMessageOperation(reply, _NO_FLAGS), _STATUS_OK), tag)

    def send(
        self,
        tag: Tag,
        *,
        initial: Metadata | None = None,
        reply: bytes | None = None,
        status: tuple[grpc.StatusCode, str] | None = None,
        trailing: Metadata = (),
    ) -> None:
        """See Exchange."""
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
        self._call.start_server_batch(tuple(operations), tag)

    def end(self, ending: Ending, tag: Tag) -> None:
        """See Exchange."""
        status = cygrpc.SendStatusFromServerOperation(ending.trailing, ending.number, ending.details, _NO_FLAGS)
        self._call.start_server_batch((_NO_METADATA, status, cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS)), tag)

    def cancel(self) -> None:
        """See Exchange."""
        self._call.cancel()

    def peer(self) -> str:
        """See Exchange."""
        return str(self._call.peer().decode())

    def auth_context(self) -> dict[str, Sequence[bytes]]:
        """See Exchange."""
        return {key.decode(): value for key, value in (cygrpc.auth_context(self._call) or {}).items()}

    def peer_identities(self) -> Sequence[bytes] | None:
        """See Exchange."""
        identities: Sequence[bytes] | None = cygrpc.peer_identities(self._call)
        return identities

    def peer_identity_key(self) -> str | None:
        """See Exchange."""
        key: bytes | None = cygrpc.peer_identity_key(self._call)
        return None if key is None else key.decode()


def is_cancelled(event: Event) -> bool:
    """Whether the call in an event of receive_close ended without its status being sent."""
    return bool(event.batch_operations[0].cancelled())
