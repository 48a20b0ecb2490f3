"""A server in processes of its own, as an operator runs it."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import grpc

from protos.audience.v1 import scoring_pb2_grpc

READY_S = 30.0
_STOP_S = 15.0


class Log:
    """The server's log: every line is kept in a file, and events can be waited for."""

    def __init__(self, stream: IO[str], path: Path) -> None:
        self._events: list[dict[str, object]] = []
        self._news = threading.Condition()
        threading.Thread(target=self._read, args=(stream, path), daemon=True).start()

    def _read(self, stream: IO[str], path: Path) -> None:
        with path.open("w", encoding="utf-8") as file:
            for line in stream:
                file.write(line)
                file.flush()
                with self._news, contextlib.suppress(json.JSONDecodeError):  # a library may print a line of its own
                    self._events.append(json.loads(line))
                    self._news.notify_all()

    def wait_for(self, event: str, **fields: object) -> dict[str, object]:
        """The first line with this event and these fields, once it is there.

        Raises:
            TimeoutError: it did not come in 30 s.
        """
        wanted = {"event": event, **fields}
        with self._news:
            if not self._news.wait_for(lambda: self._find(wanted) is not None, READY_S):
                raise TimeoutError(f"the server's log does not say {wanted}")
            return self._find(wanted) or {}

    def _find(self, wanted: dict[str, object]) -> dict[str, object] | None:
        return next((line for line in self._events if wanted.items() <= line.items()), None)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs.

    Attributes:
        process: it.
        target: address of its scoring port.
        control: address of its control port.
        metrics_port: its operator's port.
        log: what it says.
    """

    process: subprocess.Popen[str]
    target: str
    control: str
    metrics_port: int
    log: Log

    def stop(self) -> int:
        """Sends SIGTERM and waits; the exit status."""
        self.process.terminate()
        return self.process.wait(_STOP_S)


@contextmanager
def serving(repository: Path | str, log_file: Path, *flags: str) -> Iterator[Server]:
    """A server of this repository, with one worker unless the flags say more, on free ports of the loopback interface.

    The repository is a folder or an address.

    It is stopped, with SIGTERM, at the end.
    """
    command = [sys.executable, "-m", "server", "--repository", str(repository), "--workers", "1"]
    command += [part for port in ("--port", "--control-port", "--metrics-port") for part in (port, "0")]
    with subprocess.Popen([*command, *flags], stderr=subprocess.PIPE, text=True) as process:  # noqa: S603  # our own
        try:
            log = Log(process.stderr or sys.stdin, log_file)
            line = log.wait_for("listening")
            target, control = (f"127.0.0.1:{line[name]}" for name in ("port", "control_port"))
            yield Server(process, target, control, int(str(line["metrics_port"])), log)
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """SIGTERM, and when that does not end it, SIGKILL and the error that it did not."""
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()  # else closing its pipe would wait for the thread that reads it
        raise


@contextmanager
def scoring(target: str) -> Iterator[scoring_pb2_grpc.ScoringStub]:
    """A client of the server at this address."""
    with grpc.insecure_channel(target) as channel:
        yield scoring_pb2_grpc.ScoringStub(channel)
