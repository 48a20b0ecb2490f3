"""grpcio's own health and reflection, registered by their generated code, on both transports."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from protos.audience.v1 import scoring_pb2
from server.transport.operators import add_operators_services, make_health
from tests.server.transport.conftest import PATIENCE_S, Asked, Make, asking
from tests.server.transport.frames import Connection, call
from tests.server.transport.traces import eventually

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
SERVICE = scoring_pb2.DESCRIPTOR.services_by_name["Scoring"].full_name


@pytest.fixture
def servicer() -> health.HealthServicer:
    """What answers health."""
    return make_health()


@pytest.fixture
def asked(make: Make, servicer: Any) -> Iterator[Asked]:
    """A server with both, and a client."""
    server = make()
    add_operators_services(server, servicer, SERVICE)
    with asking(server) as one:
        yield one


@pytest.fixture
def stub(asked: Asked) -> Any:
    """A client of health."""
    return health_pb2_grpc.HealthStub(asked.channel)


def _watch(stub: Any, service: str = SERVICE) -> Any:
    return stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE_S)


def test_check(stub: Any, servicer: Any) -> None:
    """A check tells the service's status as it is now."""
    for status in (SERVING, NOT_SERVING):
        servicer.set(SERVICE, status)
        reply = stub.Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=PATIENCE_S)
        assert reply.status == status


def test_check_of_an_unknown_service(stub: Any) -> None:
    """A service that nobody set is NOT_FOUND."""
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="none"), timeout=PATIENCE_S)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_watchers(stub: Any, servicer: Any) -> None:
    """Every watcher is told what is, and each change, which another thread makes."""
    watchers = [_watch(stub) for _ in range(20)]
    assert [next(watcher).status for watcher in watchers] == [UNKNOWN] * 20
    for status in (SERVING, NOT_SERVING, SERVING):
        servicer.set(SERVICE, status)
        assert [next(watcher).status for watcher in watchers] == [status] * 20
    for watcher in watchers:
        watcher.cancel()


def test_watcher_that_leaves(stub: Any, servicer: Any) -> None:
    """A watcher that cancels is forgotten; the others go on."""
    leaves, stays = _watch(stub), _watch(stub)
    assert (next(leaves).status, next(stays).status) == (UNKNOWN, UNKNOWN)
    watching = servicer._send_response_callbacks[SERVICE]  # noqa: SLF001  # who is remembered
    eventually(lambda: len(watching) == 2, "both are remembered")
    leaves.cancel()
    eventually(lambda: len(watching) == 1, "the watcher is forgotten")
    servicer.set(SERVICE, SERVING)
    assert next(stays).status == SERVING
    stays.cancel()
    eventually(lambda: not watching, "the other is forgotten")


@pytest.mark.parametrize("transport", ["inline", "sockets"], indirect=True)
def test_watcher_that_does_not_read(asked: Asked, servicer: Any) -> None:
    """A watcher that takes nothing of what it is sent is ended, and nothing is kept for it."""
    request = health_pb2.HealthCheckRequest(service=SERVICE).SerializeToString()
    with Connection(asked.port, window=0) as connection:
        connection.send(call("/grpc.health.v1.Health/Watch", request, 1))
        watching = servicer._send_response_callbacks  # noqa: SLF001  # who is remembered
        eventually(lambda: bool(watching.get(SERVICE)), "the watcher is there")
        for _ in range(200):
            servicer.set(SERVICE, SERVING)
        eventually(lambda: not watching[SERVICE], "the watcher is forgotten")
        assert asked.turn(b"ab") == b"ba"
        eventually(lambda: bool(asked.server.is_idle), "nothing is kept")


def test_watch_while_it_stops(stub: Any, asked: Asked, servicer: Any) -> None:
    """A watcher hears that the server goes, and is cancelled after the grace."""
    servicer.set(SERVICE, SERVING)
    watcher = _watch(stub)
    assert next(watcher).status == SERVING
    servicer.enter_graceful_shutdown()
    assert next(watcher).status == NOT_SERVING
    assert asked.server.stop(0).wait(PATIENCE_S)
    with pytest.raises(grpc.RpcError):
        next(watcher)


def _reflect(asked: Asked, *requests: reflection_pb2.ServerReflectionRequest) -> list[Any]:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(asked.channel)
    return list(stub.ServerReflectionInfo(iter(requests), timeout=PATIENCE_S))


def test_reflection(asked: Asked) -> None:
    """Several questions on one stream are answered in their order, and then the stream ends well."""
    ask = reflection_pb2.ServerReflectionRequest
    listed, found, absent, by_name = _reflect(
        asked,
        ask(list_services=""),
        ask(file_containing_symbol=SERVICE),
        ask(file_containing_symbol="no.Such"),
        ask(file_by_filename=health_pb2.DESCRIPTOR.name),
    )
    services = {service.name for service in listed.list_services_response.service}
    assert services == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    assert b"ScoreRequest" in found.file_descriptor_response.file_descriptor_proto[0]
    assert absent.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    assert b"HealthCheckRequest" in by_name.file_descriptor_response.file_descriptor_proto[0]


def test_reflection_of_nothing(asked: Asked) -> None:
    """A stream without a question ends well."""
    assert _reflect(asked) == []


def test_many_questions(asked: Asked) -> None:
    """A client may ask far ahead of what it has read."""
    questions = [reflection_pb2.ServerReflectionRequest(file_containing_symbol=f"no.{n}") for n in range(500)]
    replies = _reflect(asked, *questions)
    assert [reply.original_request.file_containing_symbol for reply in replies] == [f"no.{n}" for n in range(500)]


def test_dialogue(asked: Asked) -> None:
    """A question that depends on the answer to the one before is answered, while the stream stays open."""
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(asked.channel)
    answered: list[str] = []
    last: Any = None

    def questions() -> Iterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")
        eventually(lambda: bool(answered), "the first answer is here")
        yield reflection_pb2.ServerReflectionRequest(file_containing_symbol=answered[0])

    for reply in stub.ServerReflectionInfo(questions(), timeout=PATIENCE_S):
        answered.extend(service.name for service in reply.list_services_response.service)
        last = reply
    assert last.original_request.file_containing_symbol == answered[0]
    assert last.file_descriptor_response.file_descriptor_proto
