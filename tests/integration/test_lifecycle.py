"""Start, readiness, metrics, drain and stop, as an operator sees them."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from demo.server import Server, scoring
from protos.audience.v1 import scoring_pb2
from tests.bundles import Made, make
from tests.integration.answers import TIMEOUT_S, status_of
from tests.integration.conftest import Start
from tests.integration.pages import read_page
from tests.integration.test_versions import serve, version_of

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
FREE_PORTS = ("--port", "0", "--control-port", "0", "--metrics-port", "0")


def health(server: Server, service: str = "") -> int:
    """What grpc.health.v1 answers."""
    with grpc.insecure_channel(server.target) as channel:
        check: grpc.UnaryUnaryMultiCallable[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]
        check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]  # not in its stubs
        return check(health_pb2.HealthCheckRequest(service=service), timeout=TIMEOUT_S).status


def test_readiness_follows_the_first_version(repository: Path, start: Start, first: Made) -> None:
    """Health and /readyz say not ready until a version serves, and ready from then on; /healthz is always fine."""
    server = start()
    assert health(server) == health(server, "audience.v1.Scoring") == NOT_SERVING
    with pytest.raises(urllib.error.HTTPError, match="503"):
        read_page(server, "/readyz")
    assert read_page(server, "/healthz") == "alive\n"
    first.publish(repository)
    server.log.wait_for("ready")
    assert health(server) == health(server, "audience.v1.Scoring") == SERVING
    assert read_page(server, "/readyz") == "ready\n"


def test_watchers_are_told_of_the_drain(repository: Path, start: Start, first: Made) -> None:
    """A client that watches health learns of the drain before the port closes, and calls still work then."""
    first.publish(repository)
    server = start("--drain-seconds", "2")
    server.log.wait_for("ready")
    with grpc.insecure_channel(server.target) as channel, scoring(server.target) as client:
        stub = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)  # type: ignore[attr-defined]  # as above
        assert next(watch).status == SERVING
        server.process.terminate()
        assert next(watch).status == NOT_SERVING
        assert client.Score(scoring_pb2.ScoreRequest(), timeout=TIMEOUT_S).results[0].version == 1
        watch.cancel()
    assert server.process.wait(TIMEOUT_S) == 0


def test_sigterm_finishes_what_is_in_flight(repository: Path, start: Start, first: Made) -> None:
    """Calls that were accepted before SIGTERM are answered; one that meets the closed port is told so, once."""
    server = serve(repository, start, first)
    outcomes: list[str] = []
    started = threading.Event()

    def call_until_refused() -> None:
        rows = [scoring_pb2.Row()] * 1000
        with scoring(server.target) as client:
            while True:
                try:
                    client.ScoreBatch(scoring_pb2.ScoreBatchRequest(rows=rows), timeout=TIMEOUT_S)
                    outcomes.append("OK")
                    started.set()
                except grpc.RpcError as error:
                    outcomes.append(status_of(error)[0].name)
                    return

    caller = threading.Thread(target=call_until_refused)
    caller.start()
    assert started.wait(TIMEOUT_S)
    assert server.stop() == 0
    caller.join()
    *answered, refused = outcomes
    assert set(answered) == {"OK"}
    assert refused in {"UNAVAILABLE", "CANCELLED"}  # the latter is gRPC's word for one that met the closing itself
    server.log.wait_for("stopped")


@pytest.mark.parametrize("flag", ["--port", "--control-port", "--metrics-port"])
def test_port_in_use(repository: Path, flag: str) -> None:
    """A port that is taken ends the start with status 2 and names the port; nothing is shared in silence."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "server", "--repository", str(repository), *FREE_PORTS, flag, str(port)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert ended.returncode == 2
    line = json.loads(ended.stderr.splitlines()[-1])
    assert (line["event"], f"127.0.0.1:{port}" in line["reason"]) == ("cannot start", True)


def test_two_servers_do_not_share_a_port(repository: Path, start: Start, first: Made) -> None:
    """A second server on the same port is refused, although the first one is one of ours."""
    server = serve(repository, start, first)
    port = server.target.rpartition(":")[2]
    command = [sys.executable, "-m", "server", "--repository", str(repository), *FREE_PORTS, "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert (ended.returncode, "the port is taken" in ended.stderr) == (2, True)


def test_repository_that_is_not_there(tmp_path: Path) -> None:
    """A repository that does not exist ends the start with status 2 and says how to get one."""
    command = [sys.executable, "-m", "server", "--repository", str(tmp_path / "none")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert (ended.returncode, "create it, or publish into it" in ended.stderr) == (2, True)


def test_metrics_count_what_happened(repository: Path, start: Start, first: Made) -> None:
    """Prometheus' own parser reads the page, and its counters say what was asked."""
    server = serve(repository, start, first)
    with scoring(server.target) as client:
        client.Score(scoring_pb2.ScoreRequest(), timeout=TIMEOUT_S)
        rows = [scoring_pb2.Row(features=scoring_pb2.Features(numbers={"recency_days": -1.0}))] * 3
        client.ScoreBatch(scoring_pb2.ScoreBatchRequest(rows=rows), timeout=TIMEOUT_S)
        with pytest.raises(grpc.RpcError):
            client.Score(scoring_pb2.ScoreRequest(request_id="x" * 200), timeout=TIMEOUT_S)
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(read_page(server, "/metrics"))
        for sample in family.samples
    }
    assert samples["audience_requests_total", "/audience.v1.Scoring/Score", "OK"] == 1
    assert samples["audience_requests_total", "/audience.v1.Scoring/Score", "INVALID_ARGUMENT"] == 1
    assert samples["audience_rows_total", "1", "shop"] == 4
    assert samples["audience_features_missing_total", "1", "shop"] == 5 + 3 * 4
    assert samples["audience_features_out_of_range_total", "1", "shop"] == 3
    assert samples["audience_feature_defaulted_total", "recency_days", "shop"] == 4
    assert samples["audience_model_version", "shop"] == 1
    assert samples["audience_request_seconds_count", "/audience.v1.Scoring/ScoreBatch"] == 1


def test_the_container_health_check(repository: Path, start: Start, first: Made) -> None:
    """The command that a container runs ends with 0 when a version serves, and with 1 before and without a server."""
    server = start()
    assert healthcheck(server.target) == 1
    first.publish(repository)
    server.log.wait_for("ready")
    assert healthcheck(server.target) == 0
    server.stop()
    assert healthcheck(server.target) == 1


@pytest.mark.parametrize("flag", ["--tls-key", "--tls-certificate"])
def test_the_health_check_wants_both_files(tmp_path: Path, flag: str) -> None:
    """A key without its certificate, or the other way round, is told, with what would be right."""
    file = tmp_path / "file.pem"
    file.touch()
    assert healthcheck("127.0.0.1:1", "--tls-ca", str(file), flag, str(file)) == 2


def healthcheck(target: str, *flags: str) -> int:
    """Exit status of the health check."""
    command = [sys.executable, "-m", "server.healthcheck", "--target", target, *flags]
    return subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False).returncode


def test_nothing_is_reported_to_anybody(tmp_path: Path) -> None:
    """ONNX Runtime's telemetry is off: it leaves no trace in the home folder. It is silent under CI by itself."""
    command = [sys.executable, "-c", "import server.model"]
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(command, env=environment, timeout=TIMEOUT_S, check=True)
    assert list(tmp_path.rglob("*")) == []


def test_idle_streams_do_not_stop_the_service(repository: Path, start: Start, first: Made) -> None:
    """More idle reflection streams than there are threads for calls leave scoring and health as they were."""
    server = serve(repository, start, first)
    never = threading.Event()

    def silent() -> Iterator[reflection_pb2.ServerReflectionRequest]:
        never.wait()
        yield from ()

    with ExitStack() as stack:
        stack.callback(never.set)
        for _ in range(8):
            channel = stack.enter_context(grpc.insecure_channel(server.target))
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)
            stream = stub.ServerReflectionInfo(silent(), timeout=2 * TIMEOUT_S)  # type: ignore[operator]  # its stubs
            stack.callback(stream.cancel)
        assert version_of(server) == 1
        assert health(server) == SERVING


def test_a_second_signal_ends_the_process(repository: Path, start: Start, first: Made) -> None:
    """Another signal during a drain does not wait for it, whichever of the two it is."""
    first.publish(repository)
    server = start("--drain-seconds", "60")
    server.log.wait_for("ready")
    server.process.send_signal(signal.SIGTERM)
    server.log.wait_for("draining")
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(TIMEOUT_S) == 128 + signal.SIGINT


def test_a_signal_during_the_start(repository: Path) -> None:
    """A signal that comes while the process still imports is not lost, and is no traceback."""
    command = [sys.executable, "-c", _EARLY, "--repository", str(repository), *FREE_PORTS]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr


_EARLY = """
import os, signal, sys
from server.signals import handle_signals
stop = handle_signals()
os.kill(os.getpid(), signal.SIGTERM)
from server import settings, supervisor
sys.exit(supervisor.run(settings.parse(sys.argv[1:]), stop))
"""


def test_not_ready_while_another_model_waits_for_its_first_version(repository: Path, start: Start, first: Made) -> None:
    """With several models a server is ready once each serves, or cannot; a broken one does not hold up the others."""
    first.publish(repository)
    broken = make(1, model="broken").publish(repository)
    (broken / "model.onnx").write_bytes(b"cut")
    make(1, model="other").publish(repository)
    server = start()
    server.log.wait_for("ready")
    with scoring(server.target) as client:
        selectors = [scoring_pb2.Selector(model=name) for name in ("shop", "other", "broken")]
        results = client.Score(scoring_pb2.ScoreRequest(selectors=selectors), timeout=TIMEOUT_S).results
    assert [result.version for result in results] == [1, 1, 0]
    assert "no version of model 'broken' is ready yet" in results[2].failure.message
