"""Starts the servers that are compared, each on the servers' core, with whatever processes and threads it makes."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from demo.server import serving
from tests.benchmarks.errors import Unavailable
from tests.benchmarks.graph import Bundle
from tests.benchmarks.places import CONTRACT, WORK
from tests.benchmarks.processor import pinned
from tests.house.project import ROOT

_START_S = 60.0
_STOP_S = 15.0
_LOOK_S = 0.05
_HOST = "127.0.0.1"
MOSEC_PATH = "/inference"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs: its first process, and its host:port."""

    pid: int
    target: str


@contextmanager
def audience(  # noqa: PLR0913  # keyword-only knobs of one server
    bundle: Bundle,
    cores: AbstractSet[int],
    *,
    transport: str,
    workers: int = 1,
    log: Path | None = None,
    more: Sequence[str] = (),
) -> Iterator[Running]:
    """The project's own server, as an operator runs it, with more flags if any are given."""
    flags = [*audience_flags(_help(), transport=transport, workers=workers), *more]
    log = log or WORK / f"{bundle.manifest.model}-{transport}-{workers}.log"
    with ExitStack() as stack:
        with pinned(cores):
            server = stack.enter_context(serving(bundle.repository, log, *flags))
        _wait_for_health(server.target)
        yield Running(server.process.pid, server.target)


def audience_flags(known: str, *, transport: str, workers: int) -> list[str]:
    """The flags for one way of running it, out of those that `--help` knows.

    >>> audience_flags("--workers N --port", transport="inline", workers=2)
    ['--workers', '2']
    """
    wanted = {"--control-port": "0", "--workers": str(workers), "--transport": transport}
    return [word for flag, value in wanted.items() if flag in known for word in (flag, value)]


def _wait_for_health(target: str) -> None:
    """Until every model serves."""
    with grpc.insecure_channel(target) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(  # type: ignore[attr-defined]  # not in its stubs
            health_pb2.HealthCheckRequest(), timeout=_START_S, wait_for_ready=True
        )
        for reply in watch:
            if reply.status == health_pb2.HealthCheckResponse.SERVING:
                watch.cancel()
                return


def _help() -> str:
    command = [sys.executable, "-m", "server", "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


@contextmanager
def floor(program: Path, bundle: Bundle, cores: AbstractSet[int]) -> Iterator[Running]:
    """The C++ server."""
    port = _free_port()
    width = len(bundle.manifest.schema.features)
    with _process([str(program), str(bundle.graph), str(width), str(port)], "floor", cores) as process:
        yield Running(process.pid, f"{_HOST}:{port}")


@contextmanager
def aio(bundle: Bundle, cores: AbstractSet[int]) -> Iterator[Running]:
    """The server of the grpcio examples."""
    command = [sys.executable, "-m", "tests.benchmarks.aio_server", str(bundle.graph)]
    path = os.pathsep.join([str(ROOT), str(CONTRACT)])
    with _process(command, "aio", cores, {"PYTHONPATH": path}) as process:
        port = process.stdout.readline().strip() if process.stdout else ""
        yield Running(process.pid, f"{_HOST}:{port}")


@contextmanager
def mosec(python: Path, bundle: Bundle, cores: AbstractSet[int], *, batch: int) -> Iterator[Running]:
    """The server of the mosec examples, with one worker process."""
    port = _free_port()
    script = Path(__file__).with_name("mosec_server.py")
    command = [str(python), str(script), "--address", _HOST, "--port", str(port), "--log-level", "error"]
    extra = {"GRAPH": str(bundle.graph), "BATCH": str(batch)}
    with _process(command, f"mosec-{batch}", cores, extra) as process:
        _wait_for_answer(process, bundle, f"http://{_HOST}:{port}{MOSEC_PATH}")
        yield Running(process.pid, f"{_HOST}:{port}")


def _wait_for_answer(process: subprocess.Popen[str], bundle: Bundle, url: str) -> None:
    """Until a row posted there is answered, rightly or not.

    Raises:
        Unavailable: the server ended instead, or said nothing in a minute.
    """
    body = json.dumps(bundle.features[0].tolist()).encode()
    last = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < last:
        try:
            with urllib.request.urlopen(url, body, timeout=_START_S):  # noqa: S310  # our own http:// address
                return
        except OSError:
            time.sleep(_LOOK_S)
    raise Unavailable(f"{url} does not answer; its log in {WORK} says why")


@contextmanager
def _process(
    command: Sequence[str], name: str, cores: AbstractSet[int], extra: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A process on these cores, with its messages in a log; ended with SIGTERM, and when that does not help, killed."""
    with (WORK / f"{name}.log").open("w", encoding="utf-8") as log, pinned(cores):
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(extra or {})},
        )
    with process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((_HOST, 0))
        port: int = listener.getsockname()[1]
        return port
