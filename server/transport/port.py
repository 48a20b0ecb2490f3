"""Opening a port of a gRPC server, with TLS or without."""

import grpc

from server.settings import Settings


class PortRefused(OSError):
    """A port cannot be opened. The operator's fault, and no other try will help."""


def listen(server: grpc.Server, host: str, port: int, credentials: grpc.ServerCredentials | None) -> None:
    """Opens the port, beside the supervisor's reservation; with TLS where there are credentials.

    Raises:
        PortRefused: it cannot be opened. The text says which.
    """
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        if credentials is None:
            server.add_insecure_port(address)
        else:
            server.add_secure_port(address, credentials)
    except RuntimeError as error:
        tls = "" if credentials is None else ", or the certificate and its key cannot be used"
        raise PortRefused(f"cannot listen on {host}:{port}{tls}") from error


def read_credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """What the operator's files say; None without TLS.

    Raises:
        PortRefused: a file cannot be read.
    """
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    try:
        key, chain = settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes()
        client_ca = None if settings.tls_client_ca is None else settings.tls_client_ca.read_bytes()
    except OSError as error:
        raise PortRefused(f"cannot read {error.filename}: {error.strerror}") from error
    return grpc.ssl_server_credentials([(key, chain)], client_ca, require_client_auth=client_ca is not None)
