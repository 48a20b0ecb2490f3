"""Puts the server together, runs it, and takes it down in order."""

import logging
import os
import tempfile
import threading
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2
from prometheus_client import CollectorRegistry

from server import logs
from server.counters import Counters, Shape
from server.lifecycle import Lifecycle
from server.loader import Loader
from server.metrics import Metrics
from server.registry import Registry
from server.scoring import SERVICE, Scoring
from server.scrape import CountersCollector
from server.settings import Settings
from server.signals import Stop
from server.transport import threads
from server.transport.operators import add_operators_services, make_health
from server.transport.status import code_of
from server.web import Pages, WebServer

_log = logging.getLogger(__name__)
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_LOADER_S = 1.0  # what the loader gets to end a look at the repository; it writes nothing, so it can be left


class Process:
    """One server: gRPC port, operator's port and the loader.

    Raises:
        OSError: a port is taken. The text says which.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._is_ready = threading.Event()
        self._folder = tempfile.TemporaryDirectory(prefix="audience-")
        counters = Counters.create(Path(self._folder.name) / "counters", Shape(rows=2))
        collectors = CollectorRegistry()
        collectors.register(CountersCollector(counters))
        metrics = Metrics(counters.row(0), threading.Lock())
        registry = Registry(metrics)
        self._loader = Loader(
            settings.repository,
            registry,
            Lifecycle(counters.row(1), collectors),
            largest_batch=settings.max_batch_rows,
            on_ready=self._report_serving,
        )
        self._follow = threading.Thread(
            target=self._loader.run, args=(self._stop, settings.poll_seconds), name="loader", daemon=True
        )
        self._health = make_health()
        self._report(_NOT_SERVING)
        self._server = self._make_server(registry, metrics)
        self.port = _listen(self._server, settings.host, settings.port)
        self._web = _open_web(settings, Pages(collectors, lambda: self._loader.status, self._is_serving))

    def _make_server(self, registry: Registry, metrics: Metrics) -> grpc.Server:
        settings = self._settings
        server = threads.make_server(
            threads=settings.threads,
            largest_message_bytes=settings.max_message_bytes,
            most_calls=settings.max_calls,
        )
        scoring = Scoring(registry, most_rows=settings.max_batch_rows, error_code=lambda e: code_of(e).value[0])
        default_deadline_s = settings.default_deadline_ms / 1e3
        threads.add_methods(server, scoring.methods(), metrics, default_deadline_s=default_deadline_s)
        add_operators_services(server, self._health, SERVICE)
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

    def drain(self) -> None:
        """Not serving, finish what is in flight, end. A version that is being loaded just then is left where it is."""
        self._stop.set()
        self._health.enter_graceful_shutdown()  # nothing can report SERVING any more
        _log.info("draining", extra={"drain_seconds": self._settings.drain_seconds})
        threading.Event().wait(self._settings.drain_seconds)
        self._server.stop(self._settings.grace_seconds).wait()
        self._web.close()
        self._follow.join(_LOADER_S)
        self._folder.cleanup()
        _log.info("stopped", extra={"while_loading": self.is_loading})

    @property
    def is_loading(self) -> bool:
        """Whether the loader still runs."""
        return self._follow.is_alive()

    def _is_serving(self) -> bool:
        return self._is_ready.is_set() and not self._stop.is_set()

    def _report_serving(self) -> None:
        if not self._is_ready.is_set():
            self._is_ready.set()
            self._report(_SERVING)
            _log.info("ready")

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


def run(settings: Settings, stop: Stop) -> int:
    """Serves until asked to stop, then drains. The exit status: 0 after a drain, 2 when a port is taken."""
    logs.configure(settings.log_level)
    try:
        process = Process(settings)
    except OSError as error:
        _log.error("cannot start", extra={"reason": str(error)})  # the reason is all there is to say
        return 2
    process.start()
    stop.wait()
    process.drain()
    if process.is_loading:
        os._exit(0)  # ONNX Runtime may be in the middle of a graph that the interpreter would take down
    return 0
