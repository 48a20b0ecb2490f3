"""The sockets of a server, and everything that happens on them, found by the thread that polls: see transport.core."""

import contextlib
import errno
import logging
import os
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sized
from typing import TYPE_CHECKING, Final

import grpc

from server.transport.exchange import Arrival, Event, Tag, Taker
from server.transport.limits import Limits
from server.transport.sockets.connection import Connection

if TYPE_CHECKING:
    from server.transport.sockets.outlet import Outlet

_log = logging.getLogger(__name__)

_BACKLOG: Final = 4096
_ACCEPTED_AT_ONCE: Final = 64
_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_LOOK_S: Final = 0.2  # how often deadlines and silent connections are looked for


class Core:
    """As transport.core.Core, without TLS.

    Args:
        limits: what bounds it.

    Attributes:
        takers: by the paths of methods, who takes their calls.
        otherwise: who takes all other calls.
        dirty: outlets with something to send.
        closing: connections that have no call any more and are to be closed.
        departing: connections whose clients know that they have to go.
        call_count: calls that are open.
        is_shutting: no further call is taken.
        is_ended: it is gone.
        now_s: about time.monotonic.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._listeners: dict[int, socket.socket] = {}
        self._connections: dict[int, Connection] = {}
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._orders: deque[Callable[[], None]] = deque()  # of other threads
        self._done: deque[tuple[Tag, Event]] = deque()
        self._lock = threading.Lock()
        self._shut_tag: Tag | None = None
        self._has_started = False
        self._look_s = 0.0
        self.takers: dict[bytes, Taker] = {}
        self.otherwise: Callable[[Arrival], None] = _forget
        self.dirty: list[Outlet] = []
        self.closing: list[Connection] = []
        self.departing: set[Connection] = set()
        self.call_count = 0
        self.is_shutting = self.is_ended = False
        self.now_s = time.monotonic()

    # What a server wants; see transport.core.Core.

    def listen(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        """The port that was opened; 0 when none was.

        Raises:
            ValueError: there are credentials.
        """
        if credentials is not None:
            raise ValueError("without grpcio's core there is no TLS here")
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            return 0
        host = host.strip("[]")
        try:
            found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except OSError:
            return 0
        opened = 0
        for family, kind, protocol, _, place in found:
            try:
                listener = socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)
            except OSError:
                continue
            wanted = (place[0], opened or place[1], *place[2:])
            try:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                if family == socket.AF_INET6:
                    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
                listener.bind(wanted)
                listener.listen(_BACKLOG)
            except OSError:
                listener.close()
                continue
            opened = int(listener.getsockname()[1])
            self._listeners[listener.fileno()] = listener
        return opened

    def start(self) -> None:
        """Begins to accept connections; raises ValueError the second time."""
        if self._has_started:
            raise ValueError("the server has been started already")
        self._has_started = True
        for number in self._listeners:
            self._epoll.register(number, select.EPOLLIN)

    def take_calls(self, path: str, taker: Taker) -> None:
        """Has the calls of one method taken by this, which is given the call and its deadline (see Arrival)."""
        self.takers[path.encode()] = taker

    def accept(self, otherwise: Callable[[Arrival], None], *, at_once: int) -> None:  # noqa: ARG002  # of the other core
        """Begins to take calls, those of methods without a taker by this."""
        self.otherwise = otherwise

    def later(self, tag: Tag, event: Event) -> None:
        """Has the tag called in this turn, after what is going on."""
        self._done.append((tag, event))

    def take(self, work: Sized, *, rest_s: float, sleep_s: float, most_events: int) -> None:
        """Takes what has arrived; sleeps when there is nothing at all. See transport.core.Core."""
        self._settle()
        if self.is_ended:
            return
        if rest_s:
            time.sleep(rest_s)
        ready = self._epoll.poll(0, most_events)
        if not ready and not work and sleep_s:
            ready = self._epoll.poll(min(sleep_s, self._due_s()), most_events)
        self.now_s = now_s = time.monotonic()
        for number, mask in ready:
            self._happened(number, mask)
        if now_s >= self._look_s:
            self._look(now_s)
        self._settle()

    def shut_down(self, tag: Tag) -> None:
        """Closes the listener, tells connections to go, and calls the tag when the last call has ended."""
        self._close_listeners()  # here, since the loop may be in the middle of a run
        self._order(lambda: self._shut(tag))

    def cancel_all_calls(self) -> None:
        """Ends the calls that are left after shut_down."""
        self._order(self._cancel_all)

    def cancel_lost_calls(self) -> None:
        """None is lost here; what is left are answers that slow clients have still to take."""

    def end(self) -> None:
        """After shut_down is done."""
        self.is_ended = True
        self.abandon()

    def abandon(self) -> None:
        """Gives everything back, also of a core that was never started."""
        for connection in list(self._connections.values()):
            connection.close()
        self._close_listeners()
        with self._lock:
            if not self._epoll.closed:
                self._epoll.close()
                os.close(self._wake)

    # The loop.

    def _order(self, step: Callable[[], None]) -> None:
        with self._lock:
            if self._epoll.closed:
                return
            self._orders.append(step)
            os.eventfd_write(self._wake, 1)

    def call_tags(self) -> None:
        """Calls the tags of what is done."""
        done = self._done
        while done:
            tag, event = done.popleft()
            tag(event)

    def _settle(self) -> None:
        """Calls the tags of what is done, then sends what is to be sent."""
        self.call_tags()
        while self.dirty:
            dirty, self.dirty = self.dirty, []
            for outlet in dirty:
                outlet.flush()
        while self.closing:
            self.closing.pop().outlet.finish()
        if self._shut_tag is not None and not self.call_count and not self._done and not self._has_unsent:
            tag, self._shut_tag = self._shut_tag, None
            tag(None)

    @property
    def _has_unsent(self) -> bool:
        """Whether a client has still to take what it was answered."""
        return any(connection.outlet.has_unsent for connection in self._connections.values())

    def _happened(self, number: int, mask: int) -> None:
        connection = self._connections.get(number)
        if connection is not None:
            try:
                if mask & select.EPOLLOUT:
                    connection.outlet.has_room()
                if mask & ~select.EPOLLOUT and not connection.is_closed:
                    connection.read()
            except Exception:  # the edge: whatever one client sends must not end the others
                _log.exception("a connection failed; it is closed")
                connection.close()
        elif (listener := self._listeners.get(number)) is not None:
            self._accept(listener)
        elif number == self._wake:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wake)
            while self._orders:
                self._orders.popleft()()

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                sock, place = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:  # nobody is there any more, or there is no room for another file
                if error.errno in _NO_ROOM:
                    with contextlib.suppress(OSError, ValueError):  # another thread may have closed it
                        self._epoll.modify(listener.fileno(), 0)  # until the next look
                return
            if len(self._connections) >= self._limits.most_connections:
                sock.close()
                continue
            sock.setblocking(False)
            with contextlib.suppress(OSError):  # it may have gone already
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, sock, _peer(sock.family, place), self._limits)
            self._connections[sock.fileno()] = connection
            self._epoll.register(sock.fileno(), select.EPOLLIN)

    def has_left(self, connection: Connection) -> None:
        """The client of this connection begins no further call."""
        self.departing.add(connection)

    def forget(self, connection: Connection) -> None:
        """A connection is closed."""
        number = connection.sock.fileno()
        self._connections.pop(number, None)
        self.departing.discard(connection)
        with contextlib.suppress(OSError, ValueError):
            self._epoll.unregister(number)

    def await_room(self, connection: Connection, *, is_deaf: bool) -> None:
        """Says when the socket takes more; meanwhile nothing is read from it if that is wanted."""
        self._epoll.modify(connection.sock.fileno(), select.EPOLLOUT if is_deaf else select.EPOLLIN | select.EPOLLOUT)

    def stop_awaiting_room(self, connection: Connection) -> None:
        """It does."""
        self._epoll.modify(connection.sock.fileno(), select.EPOLLIN)

    def _due_s(self) -> float:
        """How long nothing has to be looked for."""
        return max(self._look_s - time.monotonic(), 0.0)

    def _look(self, now_s: float) -> None:
        self._look_s = now_s + _LOOK_S
        if self._has_started:
            with self._lock, contextlib.suppress(OSError, ValueError):
                for number in self._listeners:
                    self._epoll.modify(number, select.EPOLLIN)
        wall_s = time.time()
        for connection in list(self._connections.values()):
            connection.look(now_s, wall_s)

    def _shut(self, tag: Tag) -> None:
        self.is_shutting = True
        self._shut_tag = tag
        for connection in list(self._connections.values()):
            connection.leave()
            if not connection.streams:
                self.closing.append(connection)

    def _close_listeners(self) -> None:
        with self._lock:
            listeners, self._listeners = self._listeners, {}
            for number, listener in listeners.items():
                with contextlib.suppress(OSError, ValueError):
                    self._epoll.unregister(number)
                with contextlib.suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)  # an accept of the loop's in the middle comes back
                listener.close()

    def _cancel_all(self) -> None:
        for connection in list(self._connections.values()):
            connection.close()


def _forget(_arrival: Arrival) -> None:
    """What becomes of calls before anybody wants them."""


def _peer(family: int, place: tuple[str, int]) -> str:
    """An address as gRPC writes it."""
    host, port = place[0], place[1]
    return f"ipv6:%5B{host}%5D:{port}" if family == socket.AF_INET6 else f"ipv4:{host}:{port}"
