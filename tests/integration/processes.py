"""The processes of a server that runs, as the kernel shows them."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
from prometheus_client.parser import text_string_to_metric_families

from demo.server import Server
from protos.audience.v1 import scoring_pb2, scoring_pb2_grpc
from server.orders import Orders
from server.runtime import Runtime, Watched
from server.wish import WorkerState
from tests.integration.answers import TIMEOUT_S, status_of
from tests.integration.pages import read_page

OWN_CONNECTION: Final = (("grpc.use_local_subchannel_pool", 1),)  # else channels to one address share a connection


@dataclass(frozen=True, slots=True)
class Child:
    """A process that the supervisor started."""

    name: str
    pid: int
    orders: Orders

    def kill(self) -> None:
        """Sends SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)


def children(server: Server) -> dict[str, Child]:
    """The supervisor's processes, by name: "control", "worker 0" and so on; also those that just begin."""
    supervisor = server.process.pid
    pids = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text(encoding="utf-8").split()
    found = (_read_child(int(pid)) for pid in pids)
    return {child.name: child for child in found if child is not None}


def _read_child(pid: int) -> Child | None:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    except (FileNotFoundError, ProcessLookupError):  # gone since it was listed
        return None
    modules = [word for word in words if word.startswith("server.")]
    if not modules:
        return None  # gone, or not yet what it is to be
    orders = Orders.from_json(words[words.index(modules[0]) + 1])
    return Child("control" if modules == ["server.control"] else f"worker {orders.worker}", pid, orders)


def is_replaced(server: Server, worker: Child) -> bool:
    """Whether another process does this worker's work, and is ready."""
    now, state = children(server).get(worker.name), Watched(Runtime(worker.orders.folder).state(worker.orders.worker))
    state.look()
    if now is None or state.content is None:
        return False
    said = WorkerState.from_json(state.content)
    return said.is_ready and said.pid == now.pid != worker.pid


def is_there(pid: int) -> bool:
    """Whether the process exists, and is more than an entry that waits to be read."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def total(server: Server, name: str, **labels: str) -> float:
    """Sum of a metric's series that have these labels."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(read_page(server, "/metrics"))
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


@contextmanager
def connected(server: Server) -> Iterator[scoring_pb2_grpc.ScoringStub]:
    """A client with a connection of its own, which any of the workers may get."""
    with grpc.insecure_channel(server.target, OWN_CONNECTION) as channel:
        yield scoring_pb2_grpc.ScoringStub(channel)


def ask(server: Server) -> str:
    """The version that answers on a new connection, or the status of a call that failed."""
    with connected(server) as client:
        try:
            return str(client.Score(scoring_pb2.ScoreRequest(), timeout=TIMEOUT_S).results[0].version)
        except grpc.RpcError as error:
            return status_of(error)[0].name
