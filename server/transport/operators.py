"""Health and reflection, on threads of their own, so that neither takes one from scoring."""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name

# An idle reflection stream, such as a console leaves open, holds a thread as long as it lives. Further ones wait.
_REFLECTION_STREAMS = 16


def make_health() -> health.HealthServicer:
    """grpc.health.v1: checks are answered while every scoring thread is busy, and a watch holds no thread at all."""
    servicer = health.HealthServicer(experimental_non_blocking=True)
    servicer.Check = _apart(servicer.Check, threads=1)  # type: ignore[method-assign]  # the same, elsewhere
    return servicer


def add_operators_services(server: grpc.Server, health_servicer: health.HealthServicer, *services: str) -> None:
    """Registers health and reflection, which tells of both and of the services of these full names."""
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    servicer = reflection.ReflectionServicer((*services, _HEALTH, reflection.SERVICE_NAME))
    moved = _apart(servicer.ServerReflectionInfo, threads=_REFLECTION_STREAMS)
    moved.message_by_message = True  # type: ignore[attr-defined]  # what the inline transport asks for (calls.kind_of)
    servicer.ServerReflectionInfo = moved  # type: ignore[method-assign]  # as above
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]


def _apart(behavior: Callable[..., Any], *, threads: int) -> Callable[..., Any]:
    """The behaviour, run by grpcio on a pool of its own (grpc._server, experimental_thread_pool)."""
    moved: Any = functools.partial(behavior)
    moved.experimental_thread_pool = ThreadPoolExecutor(threads)
    return moved  # type: ignore[no-any-return]  # a partial that carries an attribute
