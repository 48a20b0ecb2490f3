"""Encrypted connections, and clients that prove who they are, on both transports."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from tests.server.transport.certificates import Authority
from tests.server.transport.conftest import PATIENCE_S, Make
from tests.server.transport.stub import TURN

WHO = "/plain.Service/Who"


@pytest.fixture(params=["threads", "inline"])
def transport(request: pytest.FixtureRequest) -> str:
    """Those that speak TLS."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs."""
    return Authority.make(tmp_path_factory.mktemp("certificates") / "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another, whom nobody trusts."""
    return Authority.make(tmp_path_factory.mktemp("certificates") / "stranger")


@contextmanager
def _serving(server: Any, authority: Authority, *, needs_client: bool) -> Iterator[tuple[int, list[Any]]]:
    """The port of the server, which notes what it knows of each caller of WHO."""
    seen: list[Any] = []

    def note(content: bytes, context: grpc.ServicerContext) -> bytes:
        seen.append(context.auth_context())
        return b" ".join(context.peer_identities() or ())

    own = authority.issue("server")
    credentials = grpc.ssl_server_credentials(
        [(own.key, own.certificate)], authority.certificate if needs_client else None, needs_client
    )
    handler: Any = grpc.unary_unary_rpc_method_handler(note)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("plain.Service", {"Who": handler}),))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    yield port, seen


def _call(port: int, path: str, *credentials: bytes | None) -> bytes:
    secure = grpc.ssl_channel_credentials(*credentials)
    with grpc.secure_channel(f"127.0.0.1:{port}", secure) as channel:
        call: Any = channel.unary_unary(path)
        reply: bytes = call(b"ab", timeout=PATIENCE_S)
    return reply


def test_encrypted(make: Make, authority: Authority) -> None:
    """A client that trusts the server's authority is answered."""
    with _serving(make(), authority, needs_client=False) as (port, seen):
        assert _call(port, TURN, authority.certificate) == b"ba"
        assert _call(port, WHO, authority.certificate) == b""
        assert seen[0]["transport_security_type"] == [b"ssl"]


def test_plain_client(make: Make, authority: Authority) -> None:
    """A client that does not encrypt is not answered, and harms nobody."""
    with _serving(make(), authority, needs_client=False) as (port, _):
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            turn: Any = channel.unary_unary(TURN)
            with pytest.raises(grpc.RpcError) as caught:
                turn(b"ab", timeout=PATIENCE_S)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert _call(port, TURN, authority.certificate) == b"ba"


def test_client_that_trusts_somebody_else(make: Make, authority: Authority, stranger: Authority) -> None:
    """A client does not talk to a server that it cannot trust."""
    with _serving(make(), authority, needs_client=False) as (port, _), pytest.raises(grpc.RpcError) as caught:
        _call(port, TURN, stranger.certificate)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_mutual(make: Make, authority: Authority) -> None:
    """A client with a certificate is answered, and the handler knows its name."""
    client = authority.issue("adserver")
    with _serving(make(), authority, needs_client=True) as (port, seen):
        assert _call(port, TURN, authority.certificate, client.key, client.certificate) == b"ba"
        told = _call(port, WHO, authority.certificate, client.key, client.certificate)
        assert b"adserver" in told.split()
        assert seen[0]["x509_common_name"] == [b"adserver"]


@pytest.mark.parametrize("is_stranger", [False, True])
def test_mutual_without_a_certificate(
    make: Make, authority: Authority, stranger: Authority, *, is_stranger: bool
) -> None:
    """A client without a certificate, or with one of another authority, is refused before any call."""
    keys: tuple[bytes, ...] = ()
    if is_stranger:
        client = stranger.issue("adserver")
        keys = (client.key, client.certificate)
    with _serving(make(), authority, needs_client=True) as (port, seen):
        with pytest.raises(grpc.RpcError) as caught:
            _call(port, WHO, authority.certificate, *keys)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert not seen
