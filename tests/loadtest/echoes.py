"""Loads of bytes, real gRPC servers that echo them, and servers that send what a test says, whatever comes."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from fractions import Fraction
from typing import Any, Self

import grpc
import numpy as np

from loadtest.load import Load, Recording
from loadtest.payloads import Payloads
from loadtest.results import Status

PATH = "/test.Echo/Echo"
Answer = Callable[[bytes, grpc.ServicerContext], bytes]


def same(request: bytes, context: grpc.ServicerContext) -> bytes:
    """The request."""
    return request


def judge_small(reply: bytes) -> Status:
    """OK for a reply of at most 10 bytes. At the top of a module, so that other processes find it."""
    return Status.OK if len(reply) <= 10 else Status.BAD_REPLY


def judge_any(reply: bytes) -> Status:
    """OK whatever the reply is."""
    return Status.OK


def load(target: str, *payloads: bytes, **more: Any) -> Load:
    """A load of some tenths of a second, with a deadline that nothing here reaches."""
    values = {"duration_s": Fraction(1, 5), "deadline_s": 60.0, "path": PATH, "judge": judge_any, **more}
    if "concurrency" not in values:
        values.setdefault("rate_hz", Fraction(200))
    return Load(target=target, payloads=Payloads("test", payloads or (b"a",)), **values)


def counted(recording: Recording) -> dict[Status, int]:
    """How many requests ended how."""
    return {Status(int(code)): int(n) for code, n in zip(*np.unique(recording.status, return_counts=True), strict=True)}


@contextlib.contextmanager
def echo(answer: Answer = same, *, port: int = 0, threads: int = 8, **options: int) -> Iterator[str]:
    """The target of a gRPC server whose one method answers as the test says, with grpc's options without `grpc.`."""
    channel_options = [(f"grpc.{name}", value) for name, value in options.items()]
    server = grpc.server(futures.ThreadPoolExecutor(threads), options=channel_options)
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(answer)
    service, method = PATH[1:].split("/")
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {method: handler})])
    target = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    server.start()
    try:
        yield target
    finally:
        server.stop(grace=None).wait()


class Scripted:
    """Accepts connections one after the other, and gives each to the next of the scripts, the last one again and again.

    A script is called with the socket; when it returns, the connection is closed.
    """

    def __init__(self, *scripts: Callable[[socket.socket], Any]) -> None:
        self.accepted_count = 0
        self._scripts = scripts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.target = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed, or the client has gone
            while True:
                near, _ = self._listener.accept()
                script = self._scripts[min(self.accepted_count, len(self._scripts) - 1)]
                self.accepted_count += 1
                with near, contextlib.suppress(OSError):
                    script(near)


def read_all(near: socket.socket) -> None:
    """Read until the client closes."""
    while near.recv(65_536):
        pass
