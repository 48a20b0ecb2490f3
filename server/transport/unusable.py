"""What is said where grpcio's core cannot be driven."""

import grpc


class UnusableCore(Exception):
    """The installed grpcio cannot carry the transport over its core. The operator's to change; the text says how."""


def unusable(reason: str) -> UnusableCore:
    """The error, with what to do about it."""
    return UnusableCore(
        f"the transport over grpcio's core does not work with grpcio {grpc.__version__}: {reason}; install a grpcio "
        "that it was tested with (pyproject.toml, requirements/server.txt), or start with --transport threads, which "
        "uses the public interface alone and answers about a quarter of the requests per second"
    )
