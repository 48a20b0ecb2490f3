"""Connections to servers that are slow, leave, break, or speak something else than HTTP/2."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from loadtest import frames
from loadtest.errors import BadArgument
from loadtest.flight import Flight
from loadtest.frames import Code, Kind, frame
from loadtest.headers import request_block
from loadtest.lanes import Lanes
from loadtest.load import Load, Recording, Share
from loadtest.outbox import Request
from loadtest.results import Status
from loadtest.wires import Address
from tests.loadtest.echoes import Scripted, counted, echo, load, read_all


def unchecked(of: Load) -> Recording:
    """A run without the checks before it, which a server that breaks the rules would not pass."""
    request = Request.of(
        request_block(path=of.path, authority=of.target, timeout_s=of.deadline_s), of.payloads.requests[0]
    )
    lanes = Lanes(Address.of(of.target), of.connections, lambda _: request)
    with contextlib.closing(lanes):
        return Flight(of, Share(), lanes).run(time.monotonic_ns(), lambda *_: None)


def silent(near: socket.socket) -> None:
    """A server that greets and never answers."""
    near.sendall(frames.settings({}))
    read_all(near)


def test_a_server_that_never_answers() -> None:
    """Each call ends by its own deadline, here, without a word from the server."""
    with Scripted(silent) as server:
        recording = unchecked(load(server.target, deadline_s=0.05))
    assert counted(recording) == {Status.DEADLINE_EXCEEDED: 40}
    assert (recording.done_ns - recording.sent_ns >= 50_000_000).all()


def test_a_server_that_never_greets() -> None:
    """Without the server's settings nothing can be sent: the calls wait, and end by their deadline."""
    with Scripted(read_all) as server:
        recording = unchecked(load(server.target, deadline_s=0.05))
    assert counted(recording) == {Status.DEADLINE_EXCEEDED: 40}


def reset(near: socket.socket) -> None:
    """A server that greets, waits for a call, and resets the connection."""
    near.sendall(frames.settings({}))
    near.recv(1)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(near: socket.socket) -> None:
    """A server that greets, reads, and closes."""
    near.sendall(frames.settings({}))
    near.recv(65_536)


def talk_nonsense(near: socket.socket) -> None:
    """A server that greets, and then sends what HTTP/2 does not allow."""
    near.sendall(frames.settings({}) + frame(Kind.PING))
    read_all(near)


# What a connection that has gone is called: by whether something was still on its way, and reading or writing met it.
RESET = "Connection reset by peer|Broken pipe"


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        (reset, RESET),
        (hang_up, f"it closed the connection|{RESET}"),
        (talk_nonsense, "a PING frame of 0 bytes instead of 8"),
        (lambda near: near.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), f"it does not speak HTTP/2|{RESET}"),
        (lambda _: None, f"it closed the connection|{RESET}"),
    ],
)
def test_connections_that_break(script: Callable[[socket.socket], Any], trouble: str) -> None:
    """Calls on a connection that breaks are UNAVAILABLE, another is opened, and the recording says what happened."""
    with Scripted(script) as server:
        recording = unchecked(load(server.target))
    assert counted(recording) == {Status.UNAVAILABLE: 40}
    assert recording.reconnect_count >= 1
    assert server.accepted_count >= 2
    assert any(known in text for text in recording.troubles for known in trouble.split("|")), recording.troubles


def test_nobody_listens() -> None:
    """Without a server every call is UNAVAILABLE, and the run ends."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        recording = unchecked(load(f"127.0.0.1:{reserved.getsockname()[1]}", deadline_s=0.5))
    assert counted(recording) == {Status.UNAVAILABLE: 40}
    assert recording.troubles.keys() == {"Connection refused"}


def refuse_all(near: socket.socket) -> None:
    """A server that greets and leaves, without having looked at any call."""
    near.sendall(frames.settings({}))
    near.recv(65_536)
    near.sendall(frame(Kind.GOAWAY, 0, 0, frames.GOAWAY_HEAD.pack(0, Code.NO_ERROR)))


def test_calls_given_back_are_sent_to_the_next_connection() -> None:
    """What a server has not looked at before leaving goes to the next connection, at first or at last."""

    def forward(near: socket.socket) -> None:
        """The next one is a real server."""
        with socket.create_connection(real_address) as far:
            threading.Thread(target=_pump, args=(far, near), daemon=True).start()
            _pump(near, far)

    with echo() as target, Scripted(refuse_all, refuse_all, forward) as server:
        host, _, port = target.partition(":")
        real_address = (host, int(port))
        recording = unchecked(load(server.target))
    assert counted(recording) == {Status.OK: 40}
    assert recording.reconnect_count == 2


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize(
    "target", ["", "localhost", "50051", "localhost:", ":50051", "localhost:http", "localhost:99999"]
)
def test_impossible_targets(target: str) -> None:
    """A target that is not written as host and port is refused with an example, or with what is wrong."""
    with pytest.raises(BadArgument, match=r"127\.0\.0\.1:50051|cannot find"):
        Address.of(target)


def test_targets_by_name_and_in_brackets() -> None:
    """Names are looked up, and an IPv6 address stands in brackets."""
    assert Address.of("127.0.0.1:1").place == ("127.0.0.1", 1)
    assert Address.of("[::1]:2") == Address(socket.AF_INET6, ("::1", 2))
    assert Address.of("localhost:3").place[1] == 3
