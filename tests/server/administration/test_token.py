"""Who may administer."""

import hmac
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from server.administration.token import TokenCheck, TokenRefused, credentials, read_token
from tests.integration.answers import TIMEOUT_S, status_of

TOKEN = "0123456789abcdef"  # noqa: S105  # of no server
Ask = Callable[..., Any]


def _handlers() -> list[grpc.GenericRpcHandler]:
    echo: Any = grpc.unary_unary_rpc_method_handler(lambda request, _: request)
    return [grpc.method_handlers_generic_handler(name, {"Echo": echo}) for name in ("kept.Service", "open.Service")]


@pytest.fixture
def ask_one() -> Iterator[Callable[[str | None], Ask]]:
    """Starts servers with a token, whose service kept.Service needs it; calls a method of theirs."""
    servers: list[grpc.Server] = []

    def start(token: str | None) -> Ask:
        server = grpc.server(ThreadPoolExecutor(1), interceptors=[TokenCheck(token, ["kept.Service"])])
        server.add_generic_rpc_handlers(_handlers())
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)

        def ask(method: str, *metadata: tuple[str, str]) -> bytes | grpc.StatusCode:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                call: Any = channel.unary_unary(method)
                try:
                    return call(b"hello", metadata=metadata, timeout=TIMEOUT_S)  # type: ignore[no-any-return]
                except grpc.RpcError as error:
                    return status_of(error)[0]

        return ask

    yield start
    for server in servers:
        server.stop(None).wait()


@pytest.mark.parametrize(
    "given",
    [
        (),
        (("authorization", TOKEN),),
        (("authorization", f"bearer {TOKEN}"),),
        (("authorization", f"Bearer {TOKEN}x"),),
        (("authorization", f"Bearer {TOKEN[:-1]}"),),
        (("authorization", "Bearer "),),
        (("token", TOKEN),),
    ],
)
def test_another_token(ask_one: Callable[[str | None], Ask], given: tuple[tuple[str, str], ...]) -> None:
    """Without the token nobody gets through to the service that needs it; every other service is as it was."""
    ask = ask_one(TOKEN)
    assert ask("/kept.Service/Echo", *given) == grpc.StatusCode.UNAUTHENTICATED
    assert ask("/open.Service/Echo", *given) == b"hello"


def test_the_token(ask_one: Callable[[str | None], Ask]) -> None:
    """Who has it is let through; a method that is not there is not there."""
    ask = ask_one(TOKEN)
    assert ask("/kept.Service/Echo", *credentials(TOKEN)) == b"hello"
    assert ask("/kept.Service/Other", *credentials(TOKEN)) == grpc.StatusCode.UNIMPLEMENTED


def test_no_token(ask_one: Callable[[str | None], Ask]) -> None:
    """A server without one lets nobody through, whatever they bring."""
    ask = ask_one(None)
    assert ask("/kept.Service/Echo", *credentials("None")) == grpc.StatusCode.PERMISSION_DENIED
    assert ask("/open.Service/Echo") == b"hello"


def test_how_much_is_right_does_not_show(ask_one: Callable[[str | None], Ask], monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens are compared by what takes as long whatever is given."""
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    ask_one(TOKEN)("/kept.Service/Echo", *credentials("wrong"))
    assert compared == [(b"Bearer wrong", f"Bearer {TOKEN}".encode())]


def test_token_of_a_file(tmp_path: Path) -> None:
    """The line in the file, without what surrounds it; no file is no token."""
    path = tmp_path / "token"
    path.write_text(f" {TOKEN}\n")
    assert read_token(path) == TOKEN
    assert read_token(None) is None


@pytest.mark.parametrize("content", [b"", b"short\n", b"a token of several words", b"0123456789\tabcdef", b"\xe4" * 20])
def test_file_without_a_token(tmp_path: Path, content: bytes) -> None:
    """What could not be sent, or guessed, is refused at once; the reason names the file, and never what is in it."""
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(TokenRefused, match=r"must be at least 16 printable ASCII characters without spaces") as caught:
        read_token(path)
    assert str(path) in str(caught.value)
    assert not content.strip() or content.strip().decode("latin-1") not in str(caught.value)


def test_file_that_is_not_there(tmp_path: Path) -> None:
    """The reason names it."""
    with pytest.raises(TokenRefused, match=r"missing cannot be read: No such file"):
        read_token(tmp_path / "missing")
