"""Connections that are kept up: a lane has one for new calls, and those before it that still end theirs."""

import select
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from loadtest.headers import ReplyHeads
from loadtest.http2 import Connection, End
from loadtest.outbox import Request
from loadtest.results import Status
from loadtest.wires import Address, Wire

CONNECT_TIMEOUT_NS: Final = 5_000_000_000
FIRST_PAUSE_NS: Final = 10_000_000  # before connecting again to a server that has not answered; doubles
LONGEST_PAUSE_NS: Final = 1_000_000_000
READABLE: Final = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR


class Lane:
    """One connection as the load sees it; behind it, the sockets that carry it one after the other.

    Attributes:
        open_count: calls that were submitted and have not ended.
        heard_ns: when the bytes were taken that ended the calls of the last `handle`.
    """

    def __init__(self, lanes: "Lanes") -> None:
        self.open_count = 0
        self.heard_ns = 0
        self._lanes = lanes
        self._wire: Wire | None = None
        self._wires: dict[int, Wire] = {}
        self._waiting: deque[int] = deque()
        self._failure_count = 0
        self._retry_ns = 0
        self._is_down = False
        self._connect()

    @property
    def is_up(self) -> bool:
        """Whether calls go out at once, as far as the peer's limits let them."""
        return self._wire is not None and self._wire.connection.is_ready

    def submit(self, number: int) -> bool:
        """Send the call, or keep it until it can be sent; False when there is no connection to be had."""
        wire = self._wire
        if wire is not None and not self._waiting and wire.is_writable and wire.connection.has_room:
            wire.connection.begin(number, self._lanes.request(number))
        elif self._is_down:
            return False
        else:
            self._waiting.append(number)
        self.open_count += 1
        return True

    def handle(self, wire: Wire, events: int) -> list[End]:
        """The calls that end by what has happened on the wire."""
        try:
            ends = self._hear(wire, events)
        except OSError as error:
            self.heard_ns = time.monotonic_ns()
            ends = self._lose(wire, error.strerror or str(error))
        self._send_waiting()
        self.open_count -= len(ends)
        return ends

    def flush(self) -> None:
        """Send what was written."""
        for wire in self._wires.values():
            wire.flush()

    def give_up(self, sent_ns: Sequence[int], until_ns: int) -> list[int]:
        """Numbers of the calls sent until then that have not ended. They end now; nothing that comes counts any more.

        Each wire has them in order, but for the few that another one has given back: those wait for the one before.
        """
        numbers = []
        while self._waiting and sent_ns[self._waiting[0]] <= until_ns:
            numbers.append(self._waiting.popleft())
        for wire in self._wires.values():
            in_flight = wire.connection.in_flight
            while in_flight and sent_ns[in_flight[stream := next(iter(in_flight))]] <= until_ns:
                numbers.append(in_flight[stream])
                wire.connection.cancel(stream)
        self.open_count -= len(numbers)
        return numbers

    def oldest(self) -> Iterator[int]:
        """Numbers of the calls one of which has been under way for the longest."""
        if self._waiting:
            yield self._waiting[0]
        for wire in self._wires.values():
            if wire.connection.in_flight:
                yield next(iter(wire.connection.in_flight.values()))

    def tend(self, now_ns: int) -> list[End]:
        """Connect again when the pause is over; the calls that end because connecting takes too long."""
        wire = self._wire
        if wire is None and now_ns >= self._retry_ns:
            self._connect()
        elif wire and not wire.connection.is_ready and now_ns - wire.born_ns > CONNECT_TIMEOUT_NS:
            ends = self._lose(wire, "it does not connect")
            self.open_count -= len(ends)
            return ends
        return []

    def close(self) -> None:
        """Let go of all sockets."""
        for wire in list(self._wires.values()):
            self._drop(wire)

    def _connect(self) -> None:
        try:
            wire = self._lanes.open(self)
        except OSError as error:
            self._lanes.troubles[error.strerror or str(error)] += 1
            self._pause()
            self._is_down = True
            return
        self._wire = self._wires[wire.number] = wire

    def _pause(self) -> None:
        self._failure_count += 1
        pause_ns = min(FIRST_PAUSE_NS << min(self._failure_count - 1, 10), LONGEST_PAUSE_NS)
        self._retry_ns = time.monotonic_ns() + pause_ns

    def _hear(self, wire: Wire, events: int) -> list[End]:
        if events & ~select.EPOLLIN and not wire.is_writable:
            wire.resume()
        data = wire.read() if events & READABLE else None
        self.heard_ns = time.monotonic_ns()
        if data is None:
            return []
        ends = wire.connection.receive(data)
        ends += self._follow(wire, is_over=not data)
        return ends

    def _follow(self, wire: Wire, *, is_over: bool) -> list[End]:
        """Do what the state of the wire asks for; the calls that end by that."""
        connection = wire.connection
        if connection.trouble and not connection.is_broken:
            self._lanes.troubles[connection.trouble] += 1
            connection.trouble = ""
        if connection.is_broken or is_over:
            return self._lose(wire, connection.trouble or "it closed the connection")
        if connection.is_ready:
            self._is_down = self._is_down and wire is not self._wire
        if connection.returned:
            self._take_back(wire)
        if connection.is_leaving:
            self._leave(wire)
        return []

    def _leave(self, wire: Wire) -> None:
        """Let the wire end its calls, and then go; new ones take another."""
        if wire is self._wire:
            self._replace(wire)
        if not wire.connection.in_flight:
            self._drop(wire)

    def _take_back(self, wire: Wire) -> None:
        self._waiting.extendleft(reversed(wire.connection.returned))
        wire.connection.returned.clear()

    def _replace(self, wire: Wire) -> None:
        """Open the next connection: at once when this one was of use, else after a pause."""
        self._wire = None
        self._lanes.reconnect_count += 1
        if wire.connection.answered_count:
            self._failure_count = 0
            self._connect()
        else:
            self._pause()

    def _lose(self, wire: Wire, reason: str) -> list[End]:
        """The calls that end with the wire; those that wait too, when it was of no use to anyone."""
        self._take_back(wire)
        lost = list(wire.connection.in_flight.values())
        if lost or wire is self._wire:
            self._lanes.troubles[reason] += 1
        if wire is self._wire:
            if not wire.connection.answered_count:
                lost += self._waiting
                self._waiting.clear()
                self._is_down = True
            self._replace(wire)
        self._drop(wire)
        return [(number, Status.UNAVAILABLE, b"") for number in lost]

    def _drop(self, wire: Wire) -> None:
        del self._wires[wire.number]
        self._lanes.forget(wire)
        wire.close()

    def _send_waiting(self) -> None:
        wire = self._wire
        while self._waiting and wire and wire.is_writable and wire.connection.has_room:
            number = self._waiting.popleft()
            wire.connection.begin(number, self._lanes.request(number))


class Lanes:
    """All lanes, and the waiting for what happens on them.

    Attributes:
        all: the lanes, in the order in which calls are dealt out to them.
        request: the call with a number.
        troubles: what connections met, for people, and how often.
        reconnect_count: connections that were opened in place of others.
    """

    def __init__(self, address: Address, count: int, request: Callable[[int], Request]) -> None:
        self.request = request
        self.troubles: Counter[str] = Counter()
        self.reconnect_count = 0
        self._address = address
        self._heads = ReplyHeads()
        self._epoll = select.epoll()
        self._wires: dict[int, tuple[Lane, Wire]] = {}
        self.all = [Lane(self) for _ in range(count)]

    def open(self, lane: Lane) -> Wire:
        """A new wire for the lane.

        Raises:
            OSError: the system refuses.
        """
        wire = Wire(self._address, Connection(self._heads), self._epoll)
        self._wires[wire.number] = lane, wire
        return wire

    def forget(self, wire: Wire) -> None:
        """Nothing that happens on the wire matters any more."""
        del self._wires[wire.number]

    def wait(self, timeout_ns: int) -> list[tuple[Lane, Wire, int]]:
        """What has happened, after at most that time: lanes, wires, and epoll's events.

        It is select that waits, on epoll's own descriptor: epoll's timeout is rounded up to a millisecond.
        """
        if timeout_ns > 0 and not select.select([self._epoll], [], [], timeout_ns / 1e9)[0]:
            return []
        return [(*self._wires[number], events) for number, events in self._epoll.poll(0)]

    def close(self) -> None:
        """Let go of everything."""
        for lane in self.all:
            lane.close()
        self._epoll.close()
