"""What happens to a server when one of its processes ends, and how its workers share the work."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from protos.audience.v1 import scoring_pb2
from server.counters import Counters
from server.runtime import Runtime
from server.series import REQUESTS, worker_row
from tests.bundles import MODEL, Made
from tests.integration.answers import TIMEOUT_S
from tests.integration.conftest import Start
from tests.integration.pages import read_page
from tests.integration.processes import OWN_CONNECTION, ask, children, is_replaced, is_there, total
from tests.integration.test_lifecycle import FREE_PORTS
from tests.integration.test_versions import serve
from tests.integration.waiting import wait_until

SCORE = "/audience.v1.Scoring/Score"


@pytest.fixture
def start_two(start: Start) -> Start:
    """Starts servers of two workers."""
    return lambda *flags: start("--workers", "2", *flags)


def test_workers_share_the_port(repository: Path, start_two: Start, first: Made) -> None:
    """New connections go to both workers, and both answer; what they count is summed."""
    server = serve(repository, start_two, first)
    runtime = Runtime(children(server)["worker 0"].orders.folder)
    counters = Counters(runtime.counters)

    def answered() -> list[int]:
        return [counters.sums([worker_row(worker)])[REQUESTS.name, (SCORE, "OK")][0] for worker in range(2)]

    def both_answered() -> bool:
        assert ask(server) == "1"
        return all(answered())

    wait_until(both_answered, "one worker got every connection")
    assert total(server, "audience_requests_total", method=SCORE, code="OK") == sum(answered())
    wait_until(lambda: total(server, "audience_workers", state="ready") == 2, "control sees one worker")


def test_worker_that_is_killed(repository: Path, start_two: Start, first: Made) -> None:
    """The others go on answering, it comes back with the model loaded, and no sum falls."""
    server = serve(repository, start_two, first)
    outcomes: Counter[str] = Counter()
    is_done = threading.Event()

    def call() -> None:
        while not is_done.is_set():
            outcomes[ask(server)] += 1

    caller = threading.Thread(target=call)
    caller.start()
    try:
        wait_until(lambda: outcomes["1"] > 20, "nobody answers")
        before = total(server, "audience_requests_total", method=SCORE, code="OK")
        killed = children(server)["worker 1"]
        killed.kill()
        line = server.log.wait_for("process ended; it is started again", child="worker 1")
        assert line["ending"] == "signal SIGKILL"
        answered = outcomes["1"]
        wait_until(lambda: outcomes["1"] > answered + 5, "the others do not answer")
        wait_until(lambda: is_replaced(server, killed), "it does not come back")
    finally:
        is_done.set()
        caller.join()
    assert set(outcomes) <= {"1", "UNAVAILABLE"}  # never "not ready", only connections that the killed one had
    assert outcomes["UNAVAILABLE"] <= 2
    assert total(server, "audience_requests_total", method=SCORE, code="OK") >= max(before, outcomes["1"] - 1)
    assert total(server, "audience_process_starts_total", process="worker") == 3


def test_control_that_is_killed(repository: Path, start_two: Start, first: Made, second: Made) -> None:
    """Scoring goes on without it; it comes back with the sums as they were, and follows the repository again."""
    server = serve(repository, start_two, first)
    for _ in range(10):
        assert ask(server) == "1"
    rows = total(server, "audience_rows_total")
    swaps = total(server, "audience_model_load_seconds_count")
    killed = children(server)["control"]
    killed.kill()
    server.log.wait_for("process ended; it is started again", child="control")
    assert ask(server) == "1"

    def is_back() -> bool:
        try:
            return read_page(server, "/readyz") == "ready\n"
        except OSError:
            return False

    wait_until(is_back, "control does not come back")
    assert total(server, "audience_rows_total") == rows + 1
    assert total(server, "audience_model_load_seconds_count") == swaps
    assert total(server, "audience_model_version", model=MODEL) == 1
    second.publish(repository)
    server.log.wait_for("version serves", version=2, replaces=1)
    assert {ask(server) for _ in range(10)} == {"2"}


def test_supervisor_that_is_killed(repository: Path, start_two: Start, first: Made) -> None:
    """Its processes end with it, so that no port stays taken; the next server removes what it left."""
    port = str(_port_of_its_own())
    server = serve(repository, lambda *flags: start_two("--port", port, *flags), first)
    left = list(children(server).values())
    assert len(left) == 3
    server.process.kill()
    wait_until(lambda: not any(is_there(child.pid) for child in left), "a process outlived its supervisor")
    folder = left[0].orders.folder
    assert folder.exists()
    start_two("--port", port)
    assert not folder.exists()


def _port_of_its_own() -> int:
    """A free port below those that the system gives to whoever asks for any: nobody else comes by it meanwhile."""
    for port in range(20_000 + os.getpid() % 10_000, 32_768):
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def test_swap_reaches_every_worker(repository: Path, start_two: Start, first: Made, second: Made) -> None:
    """Once a version is said to serve, every worker answers by it."""
    server = serve(repository, start_two, first)
    second.publish(repository)
    server.log.wait_for("version serves", version=2)
    assert {ask(server) for _ in range(20)} == {"2"}
    assert total(server, "audience_model_swaps_total", model=MODEL) == 1


def test_worker_that_comes_back_when_its_version_is_gone(repository: Path, start_two: Start, first: Made) -> None:
    """What serves keeps serving, also in a process that is started after the version was taken away."""
    server = serve(repository, start_two, first)
    shutil.rmtree(repository / MODEL)
    killed = [children(server)[name] for name in ("worker 0", "worker 1")]
    for child in killed:
        child.kill()
    wait_until(lambda: all(is_replaced(server, child) for child in killed), "they do not come back")
    assert ask(server) == "1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_drain_with_a_call_in_flight(repository: Path, start_two: Start, first: Made, number: signal.Signals) -> None:
    """A call that a worker has begun is answered although its request comes later; then every process ends."""
    server = serve(repository, start_two, first)
    left = children(server)
    is_draining = threading.Event()

    def late() -> Iterator[bytes]:
        assert is_draining.wait(TIMEOUT_S)
        yield scoring_pb2.ScoreRequest().SerializeToString()

    with grpc.insecure_channel(server.target, OWN_CONNECTION) as channel:
        slow: grpc.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(SCORE)
        quick: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(SCORE)
        in_flight = slow.future(late(), timeout=TIMEOUT_S)
        another = quick(b"", timeout=TIMEOUT_S)  # on one connection what begins first arrives first
        server.process.send_signal(number)
        server.log.wait_for("draining")
        is_draining.set()
        assert in_flight.result() == another
    assert server.process.wait(TIMEOUT_S) == 0
    assert not any(is_there(child.pid) for child in left.values())
    assert not left["control"].orders.folder.exists()


def control_health(target: str) -> int:
    """What the control port's grpc.health.v1 answers."""
    with grpc.insecure_channel(target) as channel:
        check: grpc.UnaryUnaryMultiCallable[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]
        check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]  # not in its stubs
        return check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S).status


def test_control_port(repository: Path, start_two: Start, first: Made) -> None:
    """Health of the control port says whether every worker is ready."""
    server = start_two()
    assert control_health(server.control) == health_pb2.HealthCheckResponse.NOT_SERVING
    first.publish(repository)
    server.log.wait_for("ready")
    assert control_health(server.control) == health_pb2.HealthCheckResponse.SERVING


def test_process_that_cannot_start_at_all(repository: Path, tmp_path: Path) -> None:
    """What no other try would help ends the server with status 2, and with the reason in the log."""
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("neither a certificate nor a key")
    flags = (*FREE_PORTS, "--workers", "1", "--tls-certificate", str(nonsense), "--tls-key", str(nonsense))
    command = [sys.executable, "-m", "server", "--repository", str(repository), *flags]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    written = (line for line in ended.stderr.splitlines() if line.startswith("{"))  # the core says something too
    lines = [json.loads(line) for line in written]
    reasons = {line["process"]: line["reason"] for line in lines if line["event"] == "cannot start"}
    assert ended.returncode == 2
    culprit = reasons["supervisor"].removesuffix(" cannot start; its own line says why")
    assert "the certificate and its key cannot be used" in reasons[culprit]


def test_supervisor_is_light() -> None:
    """It imports none of the libraries that could fail in it, or start threads."""
    code = "import sys, server.supervisor, server.settings; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"server"} <= set(loaded)
    assert not {"grpc", "onnxruntime", "numpy", "google", "prometheus_client", "protos"} & set(loaded)
