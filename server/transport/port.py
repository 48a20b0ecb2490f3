"""Opening a port of a gRPC server."""

import grpc


class PortRefused(OSError):
    """A port cannot be opened. The operator's fault, and no other try will help."""


def listen(server: grpc.Server, host: str, port: int) -> None:
    """Opens the port, beside the supervisor's reservation.

    Raises:
        PortRefused: it cannot be opened. The text says which.
    """
    try:
        server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except RuntimeError as error:
        raise PortRefused(f"cannot listen on {host}:{port}") from error
