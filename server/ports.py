"""Ports that are kept for this server's processes alone, by a socket that is bound and never listens."""

import socket
from typing import Any


class Reservation:
    """A port that is ours until closed. Sockets with SO_REUSEPORT may be bound beside it; others are refused.

    Args:
        host: address or name of an interface of this machine.
        port: the port; 0 takes a free one.

    Raises:
        OSError: the port is taken, also by a socket with SO_REUSEPORT, or the address is not this machine's. The text
            says which.
    """

    def __init__(self, host: str, port: int) -> None:
        try:
            family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
            self._socket = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise OSError(_refusal(host, port)) from error
        try:
            _bind(self._socket, address, is_fixed=port != 0)
        except OSError as error:
            self._socket.close()
            raise OSError(_refusal(host, port)) from error

    @property
    def port(self) -> int:
        """The port."""
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Gives the port back."""
        self._socket.close()


def _bind(reserved: socket.socket, address: tuple[Any, ...], *, is_fixed: bool) -> None:
    """Binds so that nobody else has the port, whatever they set, and then lets our own processes bind beside it.

    A bind without SO_REUSEPORT fails beside any other socket, also one that has it set; set afterwards, it lets others
    in. SO_REUSEADDR is for the connections of a server before this one, which the kernel keeps for a minute; two
    that set it can both bind, but not both listen, so the socket listens for a moment. (measured on Linux 6.18, for
    127.0.0.1, 0.0.0.0, ::1 and ::; ADR 4)
    """
    if not is_fixed:
        reserved.bind(address)  # a port that the kernel picked is free
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(address)
    reserved.listen(0)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.shutdown(socket.SHUT_RDWR)  # no longer listens, and keeps the port


def _refusal(host: str, port: int) -> str:
    return f"cannot listen on {host}:{port}: the port is taken, or the address is not this machine's"
