"""The inline transport: one thread takes what arrives, scores it and answers it.

The bytes are moved by this server's own HTTP/2 (transport.sockets), or by grpcio's core (transport.core).
See docs/adr, 5 and 10.

What has arrived when nothing more is there to be taken is scored together; nothing waits for company. So at low load a
batch is one row, and adds nothing to its latency, while at high load the fixed costs of ONNX Runtime are shared.
"""

import collections
import functools
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import grpc

from server.metrics import Metrics
from server.transport import core
from server.transport.calls import Call, ignore, kind_of
from server.transport.exchange import Arrival, Ending, Event
from server.transport.limits import Limits, channel_options
from server.transport.line import Entry, Line
from server.transport.seam import AnyMethod, Spare
from server.transport.sockets import core as sockets

_log = logging.getLogger(__name__)

_REQUESTED = 64  # arrivals that the core may announce at once
_TICK_S = 0.2  # longest sleep, so that steps from other threads are taken soon
_NO_SUCH_METHOD = Ending(grpc.StatusCode.UNIMPLEMENTED, "there is no such method here")
_LOST_S = 1.0  # with no call open, after which a server that stops waits for no other
_MOST_EVENTS = 512  # taken between two batches, so that scoring goes on whatever arrives


def _no_rest(_turn_s: float) -> float:
    return 0.0


def make_server(  # noqa: PLR0913  # keyword-only knobs of one server
    limits: Limits,
    *,
    most_rows: int,
    most_wait_s: float,
    spare: Spare | None = None,
    rest_s: Callable[[float], float] = _no_rest,
    is_own: bool = False,
) -> "Server":
    """A server without a port or a method yet.

    Args:
        limits: what bounds it.
        most_rows: the most rows that are scored together; a single call may have more.
        most_wait_s: calls that would wait longer than this to be scored are refused as they arrive.
        spare: what is done instead of sleeping.
        rest_s: how long it leaves the processor to others after a turn that took so many seconds to answer somebody.
        is_own: whether its own code speaks HTTP/2 (transport.sockets), without TLS, instead of grpcio's core.
    """
    line = Line(most_rows=most_rows, most_wait_s=most_wait_s, most_calls=limits.most_calls)
    wires = sockets.Core(limits) if is_own else core.Core(channel_options(limits))
    return Server(limits, line, wires, spare, rest_s)


def add_methods(server: "Server", methods: Sequence[AnyMethod], metrics: Metrics, *, default_deadline_s: float) -> None:
    """Registers scoring methods; a call without a deadline gets this one."""
    for method in methods:
        server.add_scoring(Entry(method, metrics.method(method.path), default_deadline_s))


class Server(grpc.Server):
    """See grpc.Server. Handlers that would have to wait are refused when they are registered.

    Args:
        limits: what bounds it.
        line: the calls that wait to be scored.
        wires: what moves the bytes.
        spare: as in make_server.
        rest_s: likewise.
    """

    def __init__(
        self,
        limits: Limits,
        line: Line,
        wires: core.Core | sockets.Core,
        spare: Spare | None,
        rest_s: Callable[[float], float],
    ) -> None:
        self._spare = spare
        self._find_rest_s = rest_s
        self._rest_s = 0.0  # before the next turn
        self._limits = limits
        text = f"{limits.most_streams} calls are open; that is the limit"
        self._too_many_open = Ending(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        self._line = line
        self._waiting = line.waiting
        self._core = wires
        self._handlers: dict[bytes, tuple[type[Call], Any]] = {}
        self._steps: collections.deque[Callable[[], None]] = collections.deque()
        self._open: set[Call] = set()
        self._has_ended = threading.Event()
        self._lock = threading.Lock()
        self._timers: list[threading.Timer] = []
        self._thread = threading.Thread(target=self._run, name="answer", daemon=True)
        self._is_stopping = False
        self._lost_s = math.inf  # when calls are taken for lost, by time.monotonic

    # What grpc.Server promises.

    def add_scoring(self, entry: Entry) -> None:
        """Registers a scoring method."""
        self._core.take_calls(entry.method.path, functools.partial(self._line.arrive, entry))

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[Any]) -> None:
        """See grpc.Server; only those of grpc.method_handlers_generic_handler, which say what they have."""
        for handler in generic_rpc_handlers:
            methods = getattr(handler, "_method_handlers", None)
            if methods is None:
                raise ValueError(f"{handler!r} does not say which methods it has; use method_handlers_generic_handler")
            for path, method_handler in methods.items():
                self._handlers[path.encode()] = kind_of(path, method_handler), method_handler

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        """See grpc.Server."""
        for name, method_handler in method_handlers.items():
            path = f"/{service_name}/{name}"
            self._handlers[path.encode()] = kind_of(path, method_handler), method_handler

    def add_insecure_port(self, address: str) -> int:
        """See grpc.Server."""
        return _opened(address, self._core.listen(address))

    def add_secure_port(self, address: str, server_credentials: grpc.ServerCredentials) -> int:
        """See grpc.Server."""
        return _opened(address, self._core.listen(address, server_credentials))

    def start(self) -> None:
        """See grpc.Server."""
        self._core.start()
        self._core.accept(self._arrived, at_once=_REQUESTED)
        self._thread.start()

    def stop(self, grace: float | None) -> threading.Event:
        """See grpc.Server."""
        with self._lock:
            if not self._thread.is_alive():
                self._core.abandon()
                return _set_event()
            if not self._is_stopping:
                self._is_stopping = True
                self._core.shut_down(self._shut_down)
            if grace:
                self._cancel_after(grace)
        if not grace:
            self._cancel_all()
        if grace is None and threading.current_thread() is not self._thread:
            self._has_ended.wait()
        return self._has_ended

    def _cancel_after(self, grace_s: float) -> None:
        timer = threading.Timer(grace_s, self._cancel_all)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def wait_for_termination(self, timeout: float | None = None) -> bool:
        """See grpc.Server: whether the time passed before the end."""
        return not self._has_ended.wait(timeout)

    @property
    def is_idle(self) -> bool:
        """Whether no call is open; once the clients have gone, anything else is a leak."""
        return self._line.is_idle and not self._open and not self._steps

    # What calls need (calls.Loop).

    def call_soon(self, step: Callable[[], None]) -> None:
        """See calls.Loop: taken at once in the loop's own thread, and within a tick from another."""
        if threading.get_ident() == self._thread.ident:
            step()
        else:
            self._steps.append(step)

    def has_ended(self, call: Call) -> None:
        """See calls.Loop."""
        self._open.discard(call)

    # The loop.

    def _run(self) -> None:
        while not self._core.is_ended:
            try:
                self._turn()
            except Exception:  # the edge: whatever one call does must not end the others
                _log.exception("the loop failed; it goes on")
        with self._lock:
            for timer in self._timers:
                timer.cancel()
            self._has_ended.set()

    def _turn(self) -> None:
        """Takes what has arrived, then scores once; when there was nothing at all, does a piece of the spare work."""
        spare = self._spare
        self._core.take(self._waiting, rest_s=self._rest_s, sleep_s=0 if spare else _TICK_S, most_events=_MOST_EVENTS)
        self._rest_s = 0.0
        if self._waiting:
            self._rest_s = self._find_rest_s(self._line.score())
        elif spare:
            spare.work()
        self._tick()

    def _tick(self) -> None:
        while self._steps:
            self._steps.popleft()()
        self._line.drop_silent()
        if self._is_stopping:
            self._drop_lost()

    def _drop_lost(self) -> None:
        """Cancels calls that never came here, though the core waits for them.

        A call that arrives just when grpcio's core is shut down may be lost in it, grpc.server's too, and would be
        waited for until its client's deadline, or the end of the grace. (measured: in 1 of 150 stops under load)
        """
        now_s = time.monotonic()
        if self._lost_s == math.inf or not self.is_idle:
            self._lost_s = now_s + _LOST_S
        elif now_s >= self._lost_s:
            self._lost_s = math.inf
            self._core.cancel_lost_calls()

    def _arrived(self, arrival: Arrival) -> None:
        """Takes a call of a method that does not score."""
        kind, handler = self._handlers.get(arrival.path, (None, None))
        if kind is None:
            arrival.call.end(_NO_SUCH_METHOD, ignore)
        elif len(self._open) >= self._limits.most_streams:
            arrival.call.end(self._too_many_open, ignore)
        else:
            self._open.add(kind(self, arrival, handler))

    def _cancel_all(self) -> None:
        with self._lock:
            if self._is_stopping and not self._has_ended.is_set():
                self._core.cancel_all_calls()

    def _shut_down(self, _event: Event) -> None:
        self._line.clear()
        self._steps.clear()
        with self._lock:  # nobody is in the middle of a call of the core's server when it goes
            self._core.end()


def _set_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def _opened(address: str, port: int) -> int:
    if not port:
        raise RuntimeError(f"cannot listen on {address}")
    return port
