"""Puts the server together, runs it, and takes it down in order."""

import logging
import signal
import threading
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry, disable_created_metrics

from server import logs
from server.loader import Loader
from server.metrics import Metrics
from server.registry import Registry
from server.scoring import SERVICE, Scoring
from server.settings import Settings
from server.transport import threads
from server.transport.status import code_of
from server.web import Pages, WebServer

_log = logging.getLogger(__name__)
_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Process:
    """One server: gRPC port, operator's port and the loader.

    Raises:
        OSError: a port is taken. The text says which.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._is_ready = threading.Event()
        metrics = Metrics(CollectorRegistry())
        registry = Registry(metrics)
        self._loader = Loader(
            settings.repository,
            registry,
            metrics,
            largest_batch=settings.max_batch_rows,
            on_ready=self._report_serving,
        )
        self._follow = threading.Thread(
            target=self._loader.run, args=(self._stop, settings.poll_seconds), name="loader", daemon=True
        )
        self._health = health.HealthServicer(experimental_non_blocking=True)
        self._report(_NOT_SERVING)
        self._server = self._make_server(registry, metrics)
        self.port = _listen(self._server, settings.host, settings.port)
        self._web = _open_web(settings, Pages(metrics.registry, lambda: self._loader.status, self._is_ready.is_set))

    def _make_server(self, registry: Registry, metrics: Metrics) -> grpc.Server:
        settings = self._settings
        server = threads.make_server(
            threads=settings.threads,
            largest_message_bytes=settings.max_message_bytes,
            most_calls=settings.max_calls,
        )
        scoring = Scoring(registry, most_rows=settings.max_batch_rows, error_code=lambda e: code_of(e).value[0])
        threads.add_methods(server, scoring.methods(), metrics)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((SERVICE, _HEALTH, reflection.SERVICE_NAME), server)
        return server

    @property
    def metrics_port(self) -> int:
        """The operator's port."""
        return self._web.port

    def start(self) -> None:
        """Listens, and loads what is in the repository; returns at once."""
        self._server.start()
        self._follow.start()
        _log.info(
            "listening", extra={"host": self._settings.host, "port": self.port, "metrics_port": self.metrics_port}
        )

    def wait(self) -> None:
        """Blocks until `ask_to_stop` is called, then drains: not serving, finish what is in flight, end."""
        self._stop.wait()
        self._report(_NOT_SERVING)
        self._is_ready.clear()
        _log.info("draining", extra={"drain_seconds": self._settings.drain_seconds})
        threading.Event().wait(self._settings.drain_seconds)
        self._server.stop(self._settings.grace_seconds).wait()
        self._follow.join()
        self._web.close()
        _log.info("stopped")

    def ask_to_stop(self) -> None:
        """Makes `wait` drain and return; may be called from a signal handler or any thread."""
        self._stop.set()

    def _report_serving(self) -> None:
        if not self._stop.is_set():
            self._is_ready.set()
            self._report(_SERVING)

    def _report(self, status: int) -> None:
        for service in ("", SERVICE):
            self._health.set(service, status)


def _listen(server: grpc.Server, host: str, port: int) -> int:
    try:
        return server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except RuntimeError as error:
        raise OSError(
            f"cannot listen on {host}:{port}: the port is taken, or the address is not this machine's"
        ) from error


def _open_web(settings: Settings, pages: Pages) -> WebServer:
    try:
        return WebServer(settings.host, settings.metrics_port, pages)
    except OSError as error:
        raise OSError(f"cannot listen on {settings.host}:{settings.metrics_port}: {error.strerror}") from error


def run(settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT, then drains. The exit status: 0 after a drain, 2 when a port is taken."""
    logs.configure(settings.log_level)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, of no use to Prometheus
    try:
        process = Process(settings)
    except OSError as error:
        _log.error("cannot start", extra={"reason": str(error)})  # the reason is all there is to say
        return 2
    _handle_signals(process, (signal.SIGTERM, signal.SIGINT))
    process.start()
    process.wait()
    return 0


def _handle_signals(process: Process, numbers: Sequence[signal.Signals]) -> None:
    """The first signal drains; a second one ends the process at once, as it would without us."""

    def handle(number: int, _frame: object) -> None:
        process.ask_to_stop()
        signal.signal(number, signal.SIG_DFL)

    for number in numbers:
        signal.signal(number, handle)
