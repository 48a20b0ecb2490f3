"""Keeps a server's processes alive: it reserves the ports, starts the workers and control, and ends them in order.

It imports neither gRPC nor ONNX Runtime nor NumPy: what it does not load cannot fail in it.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace

from server import logs
from server.child import CANNOT_START, Child, ending, start_process
from server.counters import Counters, Row, Shape
from server.orders import Orders
from server.ports import Reservation
from server.priority import LONG_SLICES_S, take_slices
from server.runtime import Runtime, Watched, made
from server.series import STARTS, SUPERVISOR_ROW, row_count
from server.settings import Settings
from server.signals import Stop
from server.workers import Workers

_LOOK_S = 0.05
_REST_S = 1.0  # once all is running: a process that ends says so
_LATE_S = 3.0  # what a process gets beyond its drain and grace
_CONTROL_S = 2.0
_log = logging.getLogger(__name__)


class Supervisor:
    """The processes of one server.

    Args:
        settings: the server's, with the ports that were reserved.
        runtime: its runtime folder.
        row: the counters' row of the supervisor.
        clock_s: seconds that never go back.
    """

    def __init__(
        self, settings: Settings, runtime: Runtime, row: Row, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._runtime = runtime
        self._row = row
        self._clock_s = clock_s
        self._control = self._child("control", "server.control", 0)
        self._workers = [self._child(f"worker {i}", "server.worker", i) for i in range(settings.workers)]
        self._states = Workers(runtime, settings.workers)
        self._control_state = Watched(runtime.control)
        self._is_listening = False

    def _child(self, name: str, module: str, number: int) -> Child:
        orders = Orders(self._settings, self._runtime.folder, os.getpid(), number)
        command = [sys.executable, "-m", module, orders.to_json()]
        return Child(name, lambda: start_process(command))

    def run(self, stop: Stop) -> int:
        """Keeps the processes alive until asked to stop, then drains. The exit status: 0; 2 when one cannot start."""
        signal.signal(signal.SIGCHLD, stop.wake)
        while not stop.is_asked:
            failed = self._look()
            if failed is not None:
                reason = f"{failed.name} cannot start; its own line says why"
                _log.error("cannot start", extra={"reason": reason})
                self._end(0.0)
                return CANNOT_START
            self._note_listening()
            stop.wait_for(self._rest_s())
        _log.info("draining", extra={"drain_seconds": self._settings.drain_seconds})
        self._end(self._settings.drain_seconds + self._settings.grace_seconds + _LATE_S)
        _log.info("stopped")
        return 0

    def _look(self) -> Child | None:
        """Starts what does not run; the process that no other try would help, if there is one."""
        for child in (self._control, *self._workers):
            status = child.ended(self._clock_s())
            if status == CANNOT_START:
                return child
            if status is not None:
                self._note_end(child, status)
            if child.start_if_due(self._clock_s()):
                self._row.cells[self._row.cell(STARTS.name, (child.name.split()[0],))] += 1
                _log.debug("started", extra={"child": child.name})
        return None

    def _note_end(self, child: Child, status: int) -> None:
        extra = {"child": child.name, "ending": ending(status), "again_in_seconds": child.wait_s}
        _log.error("process ended; it is started again", extra=extra)
        self._forget(child)

    def _rest_s(self) -> float:
        """How long nobody has to be looked at: long, once all run and listen."""
        is_calm = self._is_listening and all(child.is_alive for child in (self._control, *self._workers))
        return _REST_S if is_calm else _LOOK_S

    def _forget(self, child: Child) -> None:
        """Removes what the process said of itself, which holds no longer."""
        if child is self._control:
            self._runtime.control.unlink(missing_ok=True)
        else:
            self._runtime.state(self._workers.index(child)).unlink(missing_ok=True)

    def _note_listening(self) -> None:
        """Says once that the server can be asked: all workers listen, and control's ports are open."""
        if self._is_listening:
            return
        self._control_state.look()
        states = self._states.look()
        if self._control_state.content is not None and all(state and state.is_listening for state in states):
            self._is_listening = True
            names = ("host", "port", "control_port", "metrics_port", "workers")
            _log.info("listening", extra={name: getattr(self._settings, name) for name in names})

    def _end(self, patience_s: float) -> None:
        """Ends the workers, then control; kills what takes longer."""
        self._end_all(self._workers, patience_s)
        self._end_all([self._control], _CONTROL_S)

    def _end_all(self, children: Sequence[Child], patience_s: float) -> None:
        for child in children:
            child.send(signal.SIGTERM)
        due_s = self._clock_s() + patience_s
        while self._alive(children) and self._clock_s() < due_s:
            time.sleep(_LOOK_S)
        for child in self._alive(children):
            _log.error("process does not end; it is killed", extra={"child": child.name})
            child.send(signal.SIGKILL)
        while self._alive(children):
            time.sleep(_LOOK_S)

    def _alive(self, children: Sequence[Child]) -> list[Child]:
        for child in children:
            if child.ended(self._clock_s()) is not None:
                self._forget(child)
        return [child for child in children if child.is_alive]


def run(settings: Settings, stop: Stop) -> int:
    """Serves until asked to stop, then drains. The exit status: 0 after a drain, 2 when it cannot start."""
    logs.configure(settings.log_level, "supervisor")
    take_slices(LONG_SLICES_S)  # control too, which inherits it; the workers ask for the usual ones
    with ExitStack() as stack:
        try:
            reserved = _reserve(settings, stack)
            shape = Shape(row_count(settings.workers))
            runtime = stack.enter_context(made(2 * shape.file_bytes))
            counters = Counters.create(runtime.counters, shape)
        except OSError as error:
            _log.error("cannot start", extra={"reason": str(error)})  # the reason is all there is to say
            return CANNOT_START
        return Supervisor(reserved, runtime, counters.row(SUPERVISOR_ROW)).run(stop)


def _reserve(settings: Settings, stack: ExitStack) -> Settings:
    """The settings with the ports that are now ours, until the stack is left."""
    wanted = (settings.port, settings.control_port, settings.metrics_port)
    reservations = [stack.enter_context(closing(Reservation(settings.host, port))) for port in wanted]
    port, control_port, metrics_port = (reservation.port for reservation in reservations)
    return replace(settings, port=port, control_port=control_port, metrics_port=metrics_port)
