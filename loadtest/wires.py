"""One connection over TCP: where to, and the socket that carries the bytes."""

import errno
import os
import select
import socket
import time
from dataclasses import dataclass
from typing import Final

from loadtest.errors import BadArgument
from loadtest.http2 import Connection

READ_BYTES: Final = 65_536
LARGEST_PORT: Final = 65_535


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect, looked up once."""

    family: int
    place: tuple[str, int]

    @classmethod
    def of(cls, target: str) -> "Address":
        """The address of a target written as host:port.

        Raises:
            BadArgument: it is not written so, or the host is not known.
        """
        host, colon, port = target.rpartition(":")
        if not colon or not host or not port.isdecimal() or int(port) > LARGEST_PORT:
            raise BadArgument(f"{target!r} is not HOST:PORT, for example 127.0.0.1:50051 or [::1]:50051")
        try:
            family, *_, place = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        except (socket.gaierror, UnicodeError) as error:
            raise BadArgument(f"cannot find {target}: {error}") from error
        return cls(family, (str(place[0]), int(place[1])))


class Wire:
    """A socket and the connection on it.

    Attributes:
        connection: what the bytes mean.
        born_ns: when it began to connect.
        is_writable: it is connected, and the socket takes more bytes.
    """

    def __init__(self, address: Address, connection: Connection, epoll: select.epoll) -> None:
        self.connection = connection
        self.born_ns = time.monotonic_ns()
        self.is_writable = False
        self._epoll = epoll
        self._failure: OSError | None = None
        self._socket = socket.socket(address.family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = self._socket.fileno()
        code = self._socket.connect_ex(address.place)
        if code not in (0, errno.EINPROGRESS):
            self._socket.close()
            raise OSError(code, os.strerror(code))
        epoll.register(self.number, select.EPOLLIN | select.EPOLLOUT)

    def resume(self) -> None:
        """The socket takes bytes, for the first time or again.

        Raises:
            OSError: it never will: it could not connect.
        """
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        self.is_writable = True
        self._epoll.modify(self.number, select.EPOLLIN)

    def read(self) -> bytes | None:
        """What has come, empty when the peer has closed the connection; None when nothing has.

        Raises:
            OSError: the connection is broken.
        """
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return None
        if self._failure and not data:
            raise self._failure
        return data

    def flush(self) -> None:
        """Send what is pending, as far as the socket takes it.

        An error is for who reads to the end: the system tells it once, and then only that the connection is over.
        """
        pending = self.connection.out.pending
        if not pending or not self.is_writable:
            return
        data = b"".join(pending)
        pending.clear()
        try:
            sent_count = self._socket.send(data)
        except BlockingIOError:
            sent_count = 0
        except OSError as error:
            self._failure = error
            return
        if sent_count < len(data):
            pending.append(data[sent_count:])
            self.is_writable = False
            self._epoll.modify(self.number, select.EPOLLIN | select.EPOLLOUT)

    def close(self) -> None:
        """Let go of the socket, after a last word if there is one."""
        self.flush()
        self._epoll.unregister(self.number)
        self._socket.close()
