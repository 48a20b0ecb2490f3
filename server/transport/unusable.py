"""What is said where the inline transport does not work."""

import grpc


class UnusableCore(Exception):
    """The installed grpcio cannot carry the inline transport. The operator's to change; the text says how."""


def unusable(reason: str) -> UnusableCore:
    """The error, with what to do about it."""
    return UnusableCore(
        f"the inline transport does not work with grpcio {grpc.__version__}: {reason}; install a grpcio that it was "
        "tested with (pyproject.toml, requirements/server.txt), or start with --transport threads, which uses the "
        "public interface alone and answers about a quarter of the requests per second"
    )
