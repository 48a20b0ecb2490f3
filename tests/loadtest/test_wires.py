"""The socket of one connection."""

import select
import socket

import pytest

from loadtest.headers import ReplyHeads
from loadtest.http2 import Connection
from loadtest.wires import Address, Wire
from tests.loadtest.test_lanes import RESET, reset


def test_an_error_that_writing_meets_is_told_by_reading() -> None:
    """The system tells a connection's error once; whoever reads is told it, not that the server has closed in peace."""
    with socket.create_server(("127.0.0.1", 0)) as listener, select.epoll() as epoll:
        wire = Wire(Address.of(f"127.0.0.1:{listener.getsockname()[1]}"), Connection(ReplyHeads()), epoll)
        near, _ = listener.accept()
        wire.resume()
        wire.flush()  # the greeting, which the server looks at before it resets
        with near:
            reset(near)
        wire.connection.out.pending.append(b"more")
        wire.flush()
        with pytest.raises(OSError, match=RESET):
            _read_to_the_end(wire)
        wire.close()


def _read_to_the_end(wire: Wire) -> None:
    while wire.read():  # what had come before the end
        pass
