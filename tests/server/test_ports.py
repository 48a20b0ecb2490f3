import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import pytest

from server.ports import Reservation

HOSTS = ("127.0.0.1", "0.0.0.0", "::1", "::")  # noqa: S104  # every way to say where


def listener(host: str, port: int, *, is_shared: bool = True) -> socket.socket:
    """A socket that listens as gRPC's do."""
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, is_shared)
    try:
        one.bind((host, port))
        one.listen()
    except OSError:
        one.close()
        raise
    return one


@pytest.fixture
def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("is_fixed", [True, False])
def test_reserved_port_is_shared_with_our_own(host: str, free_port: int, *, is_fixed: bool) -> None:
    """Several sockets of ours listen on it, again after they were closed, and every connection reaches one of them."""
    with closing(Reservation(host, free_port if is_fixed else 0)) as reserved:
        for _ in range(2):
            with listener(host, reserved.port) as one, listener(host, reserved.port) as other:
                for _ in range(20):
                    local = "::1" if ":" in host else "127.0.0.1"
                    with socket.create_connection((local, reserved.port), timeout=10):
                        pass
                assert one.fileno() != other.fileno()


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("has_workers", [True, False])
def test_reserved_port_is_refused_to_another_server(host: str, free_port: int, *, has_workers: bool) -> None:
    """A second reservation fails and says which port, whether anybody listens there or not."""
    with ExitStack() as stack:
        stack.enter_context(closing(Reservation(host, free_port)))
        if has_workers:
            stack.enter_context(listener(host, free_port))
        with pytest.raises(OSError, match=rf"cannot listen on {host}:{free_port}: the port is taken"):
            Reservation(host, free_port)


@pytest.mark.parametrize("is_shared", [True, False])
def test_port_of_somebody_else(free_port: int, *, is_shared: bool) -> None:
    """A port on which anybody listens is taken, also when they would share it."""
    with listener("127.0.0.1", free_port, is_shared=is_shared):
        for host in ("127.0.0.1", "0.0.0.0", "::"):  # noqa: S104  # as above
            with pytest.raises(OSError, match=f":{free_port}: the port is taken"):
                Reservation(host, free_port)


def test_port_of_a_server_that_just_ended(free_port: int) -> None:
    """Connections that the kernel still remembers do not keep a port from being reserved and listened on."""
    with listener("127.0.0.1", free_port) as server, socket.create_connection(("127.0.0.1", free_port)) as client:
        accepted, _ = server.accept()
        accepted.close()  # this side first: it is the one that is remembered
        assert client.recv(1) == b""
    with closing(Reservation("127.0.0.1", free_port)), listener("127.0.0.1", free_port):
        pass


@pytest.mark.parametrize("host", ["192.0.2.1", "::g"])
def test_address_of_another_machine(host: str) -> None:
    """An address that is not this machine's is refused with its name."""
    with pytest.raises(OSError, match=f"cannot listen on {host}:1234"):
        Reservation(host, 1234)


def racers(port: int, won: list[Reservation]) -> Iterator[threading.Thread]:
    """Threads that all want the port at once."""
    together = threading.Barrier(4)

    def reserve() -> None:
        together.wait()
        with suppress(OSError):
            won.append(Reservation("127.0.0.1", port))

    for _ in range(together.parties):
        yield threading.Thread(target=reserve)


def test_race() -> None:
    """Of several that want a port at the same moment, one gets it."""
    for _ in range(100):
        with closing(Reservation("127.0.0.1", 0)) as picked:
            port = picked.port
        won: list[Reservation] = []
        threads = list(racers(port, won))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one in won:
            one.close()
        assert len(won) == 1
