"""Who may administer: callers with the server's token."""

import hmac
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import grpc

_KEY: Final = "authorization"
_SCHEME: Final = "Bearer "
_SHORTEST: Final = 16


class TokenRefused(OSError):
    """The token's file cannot be used. The operator's fault."""


def read_token(path: Path | None) -> str | None:
    """The token in a file; None without a file.

    Raises:
        TokenRefused: it cannot be read, or holds no token.
    """
    if path is None:
        return None
    try:
        token = path.read_bytes().decode("latin-1").strip()
    except OSError as error:
        raise TokenRefused(f"the token in {path} cannot be read: {error.strerror}") from error
    if len(token) < _SHORTEST or not (token.isascii() and token.isprintable()) or " " in token:
        raise TokenRefused(
            f"the token in {path} must be at least {_SHORTEST} printable ASCII characters without spaces"
        )
    return token


def credentials(token: str) -> tuple[tuple[str, str], ...]:
    """What a caller with this token sends as metadata."""
    return ((_KEY, _SCHEME + token),)


class TokenCheck(grpc.ServerInterceptor):
    """Lets only callers with the token through to some services.

    Args:
        token: the server's; None refuses everybody.
        services: full names of the services that need it.
    """

    def __init__(self, token: str | None, services: Sequence[str]) -> None:
        self._token = None if token is None else (_SCHEME + token).encode()
        self._prefixes = tuple(f"/{service}/" for service in services)

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:  # noqa: ANN401  # grpcio's
        """See grpc.ServerInterceptor."""
        handler = continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(self._prefixes):
            return handler
        if self._token is None:
            return _refusing(
                grpc.StatusCode.PERMISSION_DENIED,
                "administration is off: start the server with --admin-token-file FILE",
            )
        given = dict(handler_call_details.invocation_metadata).get(_KEY, "")
        if not hmac.compare_digest(given.encode(), self._token):
            text = f'the metadata "{_KEY}: {_SCHEME}<token>" is missing, or has another token'
            return _refusing(grpc.StatusCode.UNAUTHENTICATED, text)
        return handler


def _refusing(code: grpc.StatusCode, text: str) -> Any:  # noqa: ANN401  # grpcio's handler
    def refuse(_request: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(code, text)

    return grpc.unary_unary_rpc_method_handler(refuse)
