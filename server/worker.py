"""A worker: answers calls, with the models that control wishes. python -m server.worker ORDERS."""

import gc
import logging
import os
import sys
import threading

from grpc_health.v1 import health_pb2

from server import logs
from server.aside import at_leisure
from server.counters import Counters
from server.follower import Follower
from server.inference import infer
from server.inference.service import add_inference_service
from server.loading import Loading
from server.metrics import Metrics
from server.orders import Orders, die_with
from server.priority import USUAL_SLICES_S, take_slices
from server.registry import Registry
from server.runtime import Runtime
from server.scoring import SERVICE, Scoring
from server.series import worker_row
from server.signals import Stop, handle_signals
from server.transport.choice import make_transport
from server.transport.operators import add_operators_services, make_health
from server.transport.port import PortRefused, listen, read_credentials
from server.transport.status import code_of
from server.transport.unusable import UnusableCore
from server.wish import WorkerState

# How long a thread that computes may keep the interpreter from the one that answers, in seconds. Python's own default
# is 5 ms, longer than most answers take.
_SWITCH_S = 0.0002
_FOLLOWER_S = 1.0  # what the follower gets to end; it writes nothing that lasts, so it can be left
_SERVICES = (SERVICE, infer.SERVICE)
_log = logging.getLogger(__name__)
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Worker:
    """One scoring process.

    Args:
        orders: how it runs.

    Raises:
        PortRefused: the files for TLS cannot be read.
        UnusableCore: the inline transport does not work with this grpcio.
    """

    def __init__(self, orders: Orders) -> None:
        self._settings = orders.settings
        self._runtime = Runtime(orders.folder)
        self._number = orders.worker
        self._lock = threading.Lock()
        self._is_listening = self._is_draining = False
        self._stop = threading.Event()
        self._has_followed = threading.Event()
        metrics = Metrics(Counters(self._runtime.counters).row(worker_row(self._number)))
        registry = Registry(metrics)
        loading = Loading.of_worker(self._runtime.loading, self._number)
        self._health = make_health()
        self._follower = Follower(
            self._runtime.wish,
            registry,
            largest_batch=self._settings.max_batch_rows,
            on_followed=self._note_followed,
            do=at_leisure(self._settings.transport, loading),
        )
        self._thread = threading.Thread(target=self._follower.run, args=(self._stop,), name="follower", daemon=True)
        scoring = Scoring(registry, most_rows=self._settings.max_batch_rows, error_code=lambda e: code_of(e).value[0])
        inference = infer.Inference(registry, most_rows=self._settings.max_batch_rows)
        methods = (*scoring.methods(), *inference.methods())
        self._server = make_transport(self._settings, methods, metrics, scoring.copies, rest_s=loading.rest_s)
        add_inference_service(
            self._server,
            registry,
            inference.statistics,
            is_ready=lambda: self._is_ready,
            most_rows=self._settings.max_batch_rows,
        )
        add_operators_services(self._server, self._health, *_SERVICES)
        self._credentials = read_credentials(self._settings)

    def run(self, stop: Stop) -> None:
        """Follows, listens once everything that control wishes was tried, serves until asked to stop, and drains.

        Raises:
            PortRefused: the port cannot be opened.
        """
        self._report()
        self._thread.start()
        while not self._has_followed.wait(0.05):
            if stop.is_asked:
                return
        _settle_memory()  # before connections can come, which it would keep waiting
        listen(self._server, self._settings.host, self._settings.port, self._credentials)
        self._server.start()
        self._is_listening = True
        self._report()
        stop.wait()
        self._drain()

    def _drain(self) -> None:
        """Not serving, serve on for a while, finish what is in flight. A version that is being loaded is left."""
        self._is_draining = True
        self._stop.set()
        self._health.enter_graceful_shutdown()  # nothing can report SERVING any more
        self._report()
        threading.Event().wait(self._settings.drain_seconds)
        self._server.stop(self._settings.grace_seconds).wait()
        self._thread.join(_FOLLOWER_S)

    def _note_followed(self) -> None:
        self._report()
        self._has_followed.set()

    @property
    def _is_ready(self) -> bool:
        return self._follower.is_ready and not self._is_draining

    def _report(self) -> None:
        """Tells clients and the other processes what this one does."""
        with self._lock:
            follower = self._follower
            is_ready = self._is_ready
            for service in ("", *_SERVICES):
                self._health.set(service, _SERVING if is_ready else _NOT_SERVING)
            state = WorkerState(
                pid=os.getpid(),
                sequence=-1 if follower.wish is None else follower.wish.sequence,
                serving=follower.serving,
                refused=follower.refused,
                is_listening=self._is_listening,
                is_ready=is_ready and self._is_listening,
            )
            self._runtime.replace_json(self._runtime.state(self._number), state)


def _settle_memory() -> None:
    """Takes what is there to stay out of the garbage collector's sight; what requests leave behind is little."""
    gc.collect()
    gc.freeze()


def main() -> None:
    """Runs a worker as the one argument says. Exit status 2 when it cannot start, and could not on another try."""
    stop = handle_signals()
    orders = Orders.from_json(sys.argv[1])
    die_with(orders.parent)
    logs.configure(orders.settings.log_level, f"worker {orders.worker}")
    take_slices(USUAL_SLICES_S)  # instead of the supervisor's
    sys.setswitchinterval(_SWITCH_S)
    try:
        Worker(orders).run(stop)
    except (PortRefused, UnusableCore) as error:
        _log.error("cannot start", extra={"reason": str(error)})  # the reason is all there is to say
        sys.exit(2)
    os._exit(0)  # ONNX Runtime may be in the middle of a graph that the interpreter would take down


if __name__ == "__main__":
    main()
