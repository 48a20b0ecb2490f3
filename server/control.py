"""The control process: owns the repository, and tells what the workers do. python -m server.control ORDERS."""

import logging
import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2
from prometheus_client import CollectorRegistry

from protos.audience.v1 import models_pb2_grpc
from server import logs, series
from server.administration.inference import InferenceRepository
from server.administration.policies import LocalPolicies
from server.administration.service import SERVICE, Models
from server.administration.token import TokenCheck, read_token
from server.aside import at_leisure
from server.counters import Counters
from server.errors import BadKey, RepositoryUnreadable
from server.handover import Handover
from server.inference.infer import SERVICE as INFERENCE_SERVICE
from server.inference.service import add_repository_service
from server.lifecycle import Lifecycle
from server.loader import Loader
from server.loading import Loading
from server.metrics import counter
from server.orders import Orders, die_with
from server.overview import Status
from server.policy_file import replace_policy
from server.priority import give_way
from server.runtime import Runtime
from server.scrape import CountersCollector, make_gauge
from server.series import CONTROL_ROW, MIRROR_ROW
from server.settings import Settings
from server.signals import Stop, handle_signals
from server.signature import read_public_keys
from server.transport.operators import add_operators_services, make_health
from server.transport.port import listen, read_credentials
from server.web import Pages, WebServer
from server.wish import WorkerState
from server.workers import Workers

if TYPE_CHECKING:
    from server.mirror import Mirror

_THREADS = 4
_LOOK_S = 0.2  # how often the workers are looked at, to say whether they are ready
_REST_S = 0.5  # once they were
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
        self._mirror = make_mirror(settings, counters)
        self._loader = Loader(
            settings.folder,
            Handover(runtime),
            Lifecycle(counters.row(CONTROL_ROW), registry),
            Workers(runtime, settings.workers).look,  # of its own: it looks from another thread
            do=at_leisure(settings.transport, Loading.of_control(runtime.loading)),
            keys=read_public_keys(settings.public_key),
            approvers=read_public_keys(settings.approver_key),
        )
        self._health = make_health()
        policies = LocalPolicies(settings.folder, self._mirror.replace_policy if self._mirror else replace_policy)
        models = Models(self._loader, policies, partial(_scored_rows, counters))
        self._server = self._make_server(models, InferenceRepository(self._loader, policies), token)
        self._web = WebServer(
            settings.host,
            settings.metrics_port,
            Pages(registry, self._status, lambda: self._is_ready),
        )

    def _make_server(self, models: Models, repository: InferenceRepository, token: str | None) -> grpc.Server:
        check = TokenCheck(token, [SERVICE, INFERENCE_SERVICE])
        pool = ThreadPoolExecutor(_THREADS)
        server = grpc.server(pool, options=[("grpc.so_reuseport", 1)], interceptors=[check])
        models_pb2_grpc.add_ModelsServicer_to_server(models, server)
        add_repository_service(server, repository)
        add_operators_services(server, self._health, SERVICE, INFERENCE_SERVICE)
        self._health.set("", _NOT_SERVING)
        listen(server, self._settings.host, self._settings.control_port, read_credentials(self._settings))
        return server

    def _load(self) -> None:
        give_way()
        if self._mirror is not None:
            threading.Thread(target=self._mirror.run, args=(self._stop,), name="mirror", daemon=True).start()
            self._mirror.wait()
        self._loader.run(self._stop, self._settings.poll_seconds)

    def _status(self) -> Status:
        trouble = None if self._mirror is None else self._mirror.trouble
        return self._loader.status if trouble is None else replace(self._loader.status, unreadable=trouble)

    def run(self, stop: Stop) -> None:
        """Serves until asked to stop."""
        self._server.start()
        threading.Thread(target=self._load, name="loader", daemon=True).start()
        self._runtime.replace_json(self._runtime.control, {"pid": os.getpid(), "is_listening": True})
        reported = None
        while not stop.wait_for(_REST_S if self._was_ready else _LOOK_S):
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


def make_mirror(settings: Settings, counters: Counters) -> "Mirror | None":
    """What keeps a copy of a repository at an address; None when the repository is a folder.

    Raises:
        NoDriver: the address cannot be read here.
        OSError: its copy has no place.
    """
    if isinstance(settings.repository, Path):
        return None
    from server.mirror import Mirror  # noqa: PLC0415  # fsspec takes 0.15 s, which a folder does without
    from server.remote import Remote  # noqa: PLC0415  # as above

    failures = counter(counters.row(MIRROR_ROW), series.SCAN_FAILURES)
    remote = Remote.connect(settings.repository)
    return Mirror(remote, settings.folder, pause_s=settings.mirror_seconds, on_failure=failures.inc)


def main() -> None:
    """Runs control as the one argument says. Exit status 2 when it cannot start."""
    stop = handle_signals()
    orders = Orders.from_json(sys.argv[1])
    die_with(orders.parent)
    logs.configure(orders.settings.log_level, "control")
    try:
        control = Control(orders.settings, Runtime(orders.folder))
    except (OSError, BadKey, RepositoryUnreadable) as error:
        _log.error("cannot start", extra={"reason": str(error)})  # the reason is all there is to say
        sys.exit(2)
    control.run(stop)
    os._exit(0)  # ONNX Runtime may be in the middle of a graph that the interpreter would take down


if __name__ == "__main__":
    main()
