"""Messages and stub of limit.proto, whose code is generated when the benchmark starts."""

import importlib
import sys
from typing import Any

from tests.benchmarks.places import CONTRACT

ECHO = "/limit.v1.Limit/Echo"
SCORE = "/limit.v1.Limit/Score"


def messages() -> Any:
    """The module limit_pb2."""
    return _module("limit_pb2")


def services() -> Any:
    """The module limit_pb2_grpc."""
    return _module("limit_pb2_grpc")


def _module(name: str) -> Any:
    if str(CONTRACT) not in sys.path:
        sys.path.append(str(CONTRACT))
    return importlib.import_module(name)
