"""Whether the private part of grpcio that `core` uses works with the grpcio that is installed: one call, end to end."""

import math
import os
import time
from collections.abc import Callable
from typing import Any

import grpc

from server.transport import core
from server.transport.exchange import Arrival, Event, Tag
from server.transport.unusable import unusable

_PATH = "/probe.Probe/Try"
_REQUEST, _REPLY = b"request", b"reply"
_KEY, _VALUE = "probe-key", "probe value"
_CODE, _TEXT = grpc.StatusCode.ABORTED, "as it should"
_CALL_S = 5.0  # deadline of the calls
_PATIENCE_S = 4.0  # how long each of them may take
_TURN_S = 0.05


def check() -> None:
    """Returns when a client's calls were answered as they should be.

    Raises:
        UnusableCore: they were not.
    """
    try:
        _try()
    except Exception as error:  # whatever a private interface does when it has changed
        raise unusable(_reason(error)) from error


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, _Wrong) else f"{type(error).__name__}: {error}"


class _Wrong(Exception):
    """Something was not as it should be; the text says what."""


def _try() -> None:
    server = core.Core((("grpc.so_reuseport", 0),))
    address = f"unix-abstract:audience-probe-{os.getpid()}-{time.monotonic_ns()}"
    if not server.listen(address):
        raise _Wrong("the server cannot listen")
    server.start()
    try:
        with grpc.insecure_channel(address, options=(("grpc.use_local_subchannel_pool", 1),)) as channel:
            _Exchange(server, channel).run()
    finally:
        _end(server)


def _end(server: core.Core) -> None:
    """Shuts the server down, and waits until nothing of it is left."""
    has_ended: list[Event] = []
    server.shut_down(has_ended.append)
    server.cancel_all_calls()
    _drive(server, lambda: bool(has_ended), "the server does not shut down")
    server.end()
    _drive(server, lambda: server.is_ended, "the queue does not end")


def _drive(server: core.Core, is_done: Callable[[], bool], what: str) -> None:
    """Takes events until it is done."""
    latest_s = time.monotonic() + _PATIENCE_S
    while not is_done():
        if time.monotonic() > latest_s:
            raise _Wrong(what)
        event = server.poll(_TURN_S)
        if event is not None:
            event.tag(event)


class _Exchange:
    """Two calls of a client: one that gets a reply, and one that gets a status."""

    def __init__(self, server: core.Core, channel: grpc.Channel) -> None:
        self._server = server
        self._call: Any = channel.unary_unary(_PATH)
        self._events: dict[str, Event] = {}

    def run(self) -> None:
        """Raises when anything was not as it should be."""
        self._replied()
        self._refused()

    def _note(self, name: str) -> Tag:
        def note(event: Event) -> None:
            self._events[name] = event

        return note

    def _wait(self, *names: str) -> None:
        _drive(self._server, lambda: self._events.keys() >= set(names), f"no event came for: {', '.join(names)}")

    def _accept(self) -> tuple[Any, Arrival]:
        """The client's end and the server's of a new call, whose message has come."""
        self._events.clear()
        self._server.request_call(self._note("arrival"))
        asked = self._call.future(_REQUEST, metadata=((_KEY, _VALUE),), timeout=_CALL_S)
        self._wait("arrival")
        arrived = core.arrival(self._events["arrival"])
        if arrived is None:
            raise _Wrong("the arrival of a call was told as a shut down")
        arrived.call.receive_close(self._note("close"))
        arrived.call.receive_message(self._note("message"))
        self._wait("message")
        return asked, arrived

    def _replied(self) -> None:
        asked, arrived = self._accept()
        left_s = arrived.deadline_s - time.time()
        _check("path", arrived.path, _PATH.encode())
        _check("metadata", dict(arrived.metadata).get(_KEY), _VALUE)
        _check("deadline", math.isfinite(left_s) and 0 < left_s <= _CALL_S + 1, expected=True)
        _check("peer", arrived.call.peer().startswith("unix"), expected=True)
        _check("message", arrived.call.message(self._events["message"]), _REQUEST)
        arrived.call.send_reply(_REPLY, self._note("sent"))
        self._wait("sent", "close")
        _check("end", core.is_cancelled(self._events["close"]), expected=False)
        _check("reply", asked.result(_PATIENCE_S), _REPLY)

    def _refused(self) -> None:
        asked, arrived = self._accept()
        trailing = ((_KEY, _VALUE),)
        arrived.call.send(self._note("sent"), initial=trailing, status=(_CODE, _TEXT), trailing=trailing)
        self._wait("sent", "close")
        error = asked.exception(_PATIENCE_S)
        _check("status", (error.code(), error.details()), (_CODE, _TEXT))
        _check("initial metadata", dict(asked.initial_metadata()).get(_KEY), _VALUE)
        _check("trailing metadata", dict(error.trailing_metadata()).get(_KEY), _VALUE)


def _check(what: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise _Wrong(f"the {what} of a call came as {actual!r} instead of {expected!r}")
