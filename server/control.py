"""The control process: owns the repository, and tells what the workers do. python -m server.control ORDERS."""

import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import grpc
from grpc_health.v1 import health_pb2
from prometheus_client import CollectorRegistry

from protos.audience.v1 import models_pb2_grpc
from server import logs, series
from server.administration.policies import LocalPolicies
from server.administration.service import SERVICE, Models
from server.administration.token import TokenCheck, read_token
from server.counters import Counters
from server.handover import Handover
from server.lifecycle import Lifecycle
from server.loader import Loader
from server.orders import Orders, die_with
from server.runtime import Runtime
from server.scrape import CountersCollector, make_gauge
from server.series import CONTROL_ROW
from server.settings import Settings
from server.signals import Stop, handle_signals
from server.transport.operators import add_operators_services, make_health
from server.transport.port import listen, read_credentials
from server.web import Pages, WebServer
from server.wish import WorkerState
from server.workers import Workers

_THREADS = 4
_REPORT_S = 0.2  # how often the workers are looked at, to say whether they are ready
_GRACE_S = 0.5
_log = logging.getLogger(__name__)
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Control:
    """The control process's ports and its loader.

    Args:
        settings: the server's.
        runtime: its runtime folder.

    Raises:
        OSError: a port cannot be opened. The text says which.
    """

    def __init__(self, settings: Settings, runtime: Runtime) -> None:
        self._settings = settings
        self._runtime = runtime
        self._is_ready = False
        self._was_ready = False
        self._stop = threading.Event()
        counters, registry = Counters(runtime.counters), CollectorRegistry()
        registry.register(CountersCollector(counters))
        self._gauge = make_gauge(series.WORKERS, registry)
        self._workers = Workers(runtime, settings.workers)
        token = read_token(settings.admin_token_file)
        self._loader = Loader(
            settings.repository,
            Handover(runtime),
            Lifecycle(counters.row(CONTROL_ROW), registry),
            Workers(runtime, settings.workers).look,  # of its own: it looks from another thread
            largest_batch=settings.max_batch_rows,
        )
        self._health = make_health()
        models = Models(self._loader, LocalPolicies(settings.repository), partial(_scored_rows, counters))
        self._server = self._make_server(models, token)
        self._web = WebServer(
            settings.host,
            settings.metrics_port,
            Pages(registry, lambda: self._loader.status, lambda: self._is_ready),
        )

    def _make_server(self, models: Models, token: str | None) -> grpc.Server:
        check = TokenCheck(token, [SERVICE])
        pool = ThreadPoolExecutor(_THREADS)
        server = grpc.server(pool, options=[("grpc.so_reuseport", 1)], interceptors=[check])
        models_pb2_grpc.add_ModelsServicer_to_server(models, server)
        add_operators_services(server, self._health, SERVICE)
        self._health.set("", _NOT_SERVING)
        listen(server, self._settings.host, self._settings.control_port, read_credentials(self._settings))
        return server

    def run(self, stop: Stop) -> None:
        """Serves until asked to stop."""
        self._server.start()
        arguments = (self._stop, self._settings.poll_seconds)
        threading.Thread(target=self._loader.run, args=arguments, name="loader", daemon=True).start()
        self._runtime.replace_json(self._runtime.control, {"pid": os.getpid(), "is_listening": True})
        reported = None
        while not stop.is_asked:
            time.sleep(_REPORT_S)
            states = self._workers.look()
            if states is not reported:
                self._report(states)
                reported = states
        self._stop.set()
        self._health.enter_graceful_shutdown()
        self._server.stop(_GRACE_S).wait()
        self._web.close()

    def _report(self, states: Sequence[WorkerState | None]) -> None:
        ready_count = sum(state is not None and state.is_ready for state in states)
        self._gauge.labels("ready").set(ready_count)
        self._gauge.labels("not_ready").set(len(states) - ready_count)
        is_ready = ready_count == len(states)
        if is_ready != self._is_ready:
            self._is_ready = is_ready
            self._health.set("", _SERVING if is_ready else _NOT_SERVING)
        if is_ready and not self._was_ready:
            self._was_ready = True
            _log.info("ready")


def _scored_rows(counters: Counters, model: str, version: int) -> int:
    """Visitors that a version has scored, by all workers."""
    return sum(counters.sums().get((series.ROWS.name, (model, str(version))), ()))


def main() -> None:
    """Runs control as the one argument says. Exit status 2 when it cannot start."""
    stop = handle_signals()
    orders = Orders.from_json(sys.argv[1])
    die_with(orders.parent)
    logs.configure(orders.settings.log_level, "control")
    try:
        control = Control(orders.settings, Runtime(orders.folder))
    except OSError as error:
        _log.error("cannot start", extra={"reason": str(error)})  # the reason is all there is to say
        sys.exit(2)
    control.run(stop)
    os._exit(0)  # ONNX Runtime may be in the middle of a graph that the interpreter would take down


if __name__ == "__main__":
    main()
