"""What is to be sent on one connection, and how much of it the socket has not taken."""

import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from server.transport.sockets.connection import Connection
    from server.transport.sockets.core import Core

_MOST_UNSENT_BYTES: Final = 1 << 20  # that a client does not read, before no more is read of it


class Outlet:
    """Bytes on their way out: written in a turn, sent together at its end.

    Args:
        core: which is told what it has to look at.
        connection: whose it is.
        sock: its socket, which does not block.
    """

    def __init__(self, core: "Core", connection: "Connection", sock: socket.socket) -> None:
        self._core = core
        self._connection = connection
        self._sock = sock
        self._out: list[bytes] = []
        self._is_dirty = False
        self._is_choked = False  # the socket takes nothing more for now
        self._is_last = False  # the connection is closed once everything is sent

    def write(self, content: bytes) -> None:
        """Sends this with the rest of the turn."""
        self._out.append(content)
        if not self._is_dirty:
            self._is_dirty = True
            self._core.dirty.append(self)

    @property
    def has_unsent(self) -> bool:
        """Whether there is something that the socket has not taken."""
        return bool(self._out)

    @property
    def is_too_full(self) -> bool:
        """Whether so much is not read by the client that nothing more should be read of it."""
        return self._is_choked and sum(map(len, self._out)) > _MOST_UNSENT_BYTES

    def flush(self) -> None:
        """Gives the socket what is to be sent, as far as it takes it."""
        self._is_dirty = False
        if self._connection.is_closed or not self._out:
            return
        if not self._is_choked:
            self._send()
        if self._is_choked:
            self._core.await_room(self._connection, is_deaf=self.is_too_full)

    def _send(self) -> None:
        content = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        try:
            sent = self._sock.send(content)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._connection.close()
            return
        if sent < len(content):
            self._out = [content[sent:]]
            self._is_choked = True
            return
        self._out.clear()
        if self._is_last:
            self._connection.close()

    def has_room(self) -> None:
        """The socket takes more."""
        self._is_choked = False
        self.flush()
        if not self._is_choked and not self._connection.is_closed:
            self._core.stop_awaiting_room(self._connection)

    def finish(self) -> None:
        """Closes the connection once everything is sent."""
        self._is_last = True
        self.flush()
        if not self._out:
            self._connection.close()

    def clear(self) -> None:
        """Forgets what nobody can be sent any more."""
        self._out.clear()
