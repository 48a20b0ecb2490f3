"""The protocol's methods on a gRPC server, all but the one that scores."""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NoReturn

import grpc
from google.protobuf.message import Message

from protos.inference import inference_pb2 as messages
from server.errors import AudienceError
from server.inference import description, repository
from server.inference.infer import SERVICE
from server.inference.repository import Repository
from server.inference.statistics import Statistics
from server.registry import Registry
from server.transport.status import code_of, text_of

_NO_SHARED_MEMORY = "there is no shared memory here; send and take the numbers in the messages"
_NOT_HERE = "the repository is administered on the control port"
_NO_SETTINGS = "there is nothing to set here; the server's flags are set when it starts"
_NO_STREAMS = "there are no streams here; call ModelInfer for each request, many at once on one connection"

UNSUPPORTED: Final[Mapping[str, str]] = {
    "SystemSharedMemoryStatus": _NO_SHARED_MEMORY,
    "SystemSharedMemoryRegister": _NO_SHARED_MEMORY,
    "SystemSharedMemoryUnregister": _NO_SHARED_MEMORY,
    "CudaSharedMemoryStatus": _NO_SHARED_MEMORY,
    "CudaSharedMemoryRegister": _NO_SHARED_MEMORY,
    "CudaSharedMemoryUnregister": _NO_SHARED_MEMORY,
    "TraceSetting": _NO_SETTINGS,
    "LogSettings": _NO_SETTINGS,
}
_ADMINISTRATION = ("RepositoryIndex", "RepositoryModelLoad", "RepositoryModelUnload")
_STREAM = "ModelStreamInfer"

_Answer = Callable[[Any], Message]
_Check = Callable[[grpc.ServicerContext], None]


def add_inference_service(
    server: grpc.Server, registry: Registry, statistics: Statistics, *, is_ready: Callable[[], bool], most_rows: int
) -> None:
    """Registers what a worker answers. None of it waits, and what it does not do it refuses with the reason.

    Args:
        server: where to.
        registry: what serves.
        statistics: what ModelInfer does.
        is_ready: whether this worker is, and is not being drained.
        most_rows: the most rows of one request.
    """
    answers = _Answers(registry, statistics, is_ready=is_ready, most_rows=most_rows)
    handlers = {
        "ServerLive": _handler(messages.ServerLiveRequest, answers.server_live),
        "ServerReady": _handler(messages.ServerReadyRequest, answers.server_ready),
        "ServerMetadata": _handler(messages.ServerMetadataRequest, answers.server_metadata),
        "ModelReady": _handler(messages.ModelReadyRequest, answers.model_ready),
        "ModelMetadata": _handler(messages.ModelMetadataRequest, answers.model_metadata),
        "ModelConfig": _handler(messages.ModelConfigRequest, answers.model_config),
        "ModelStatistics": _handler(messages.ModelStatisticsRequest, answers.model_statistics),
        _STREAM: grpc.stream_stream_rpc_method_handler(_refuse_stream),
    }
    handlers |= {name: _refusing(reason) for name, reason in UNSUPPORTED.items()}
    handlers |= {name: _refusing(_NOT_HERE) for name in _ADMINISTRATION}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))


def add_repository_service(server: grpc.Server, content: Repository, *, check: _Check | None = None) -> None:
    """Registers the methods that administer.

    Args:
        server: where to: that of a process in which a call may wait.
        content: what is administered.
        check: ends the call (context.abort) of whoever may not administer; None where the server does by itself.
    """
    handlers = {
        name: _handler(request, functools.partial(step, content), check)
        for name, request, step in (
            ("RepositoryIndex", messages.RepositoryIndexRequest, repository.index),
            ("RepositoryModelLoad", messages.RepositoryModelLoadRequest, repository.load),
            ("RepositoryModelUnload", messages.RepositoryModelUnloadRequest, repository.unload),
        )
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))


class _Answers:
    """What a worker answers; arguments as in add_inference_service."""

    def __init__(
        self, registry: Registry, statistics: Statistics, *, is_ready: Callable[[], bool], most_rows: int
    ) -> None:
        self._registry = registry
        self._statistics = statistics
        self._is_ready = is_ready
        self._most_rows = most_rows

    def server_live(self, _request: messages.ServerLiveRequest) -> Message:
        return messages.ServerLiveResponse(live=True)

    def server_ready(self, _request: messages.ServerReadyRequest) -> Message:
        return messages.ServerReadyResponse(ready=self._is_ready())

    def server_metadata(self, _request: messages.ServerMetadataRequest) -> Message:
        return description.server_metadata()

    def model_ready(self, request: messages.ModelReadyRequest) -> Message:
        ready = description.is_ready(self._registry.current, request.name, request.version)
        return messages.ModelReadyResponse(ready=ready)

    def model_metadata(self, request: messages.ModelMetadataRequest) -> Message:
        snapshot = self._registry.current
        served = description.find(snapshot, request.name, request.version)
        return description.model_metadata(served, sorted(snapshot.offer(request.name).versions))

    def model_config(self, request: messages.ModelConfigRequest) -> Message:
        served = description.find(self._registry.current, request.name, request.version)
        return description.model_config(served, most_rows=self._most_rows)

    def model_statistics(self, request: messages.ModelStatisticsRequest) -> Message:
        snapshot = self._registry.current
        if request.name or request.version:
            models = [description.find(snapshot, request.name, request.version)]
        else:
            models = [
                offer.versions[version] for _, offer in sorted(snapshot.offers.items()) for version in offer.versions
            ]
        return description.model_statistics(models, self._statistics)


def _handler(request: Any, answer: _Answer, check: _Check | None = None) -> Any:  # noqa: ANN401  # grpc.RpcMethodHandler
    """A method that answers messages of this type, and every failure by the error table."""

    def behaviour(message: Any, context: grpc.ServicerContext) -> Message:  # noqa: ANN401  # of the type `request`
        if check is not None:
            check(context)
        try:
            return answer(message)
        except AudienceError as error:
            context.abort(code_of(error), text_of(error))

    return grpc.unary_unary_rpc_method_handler(
        behaviour, request_deserializer=request.FromString, response_serializer=_serialize
    )


def _refusing(reason: str) -> Any:  # noqa: ANN401  # grpc.RpcMethodHandler
    """A method that is not supported, whatever it is asked."""

    def behaviour(_message: bytes, context: grpc.ServicerContext) -> NoReturn:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, reason)

    return grpc.unary_unary_rpc_method_handler(behaviour)


def _refuse_stream(_requests: Iterator[bytes], context: grpc.ServicerContext) -> NoReturn:
    context.abort(grpc.StatusCode.UNIMPLEMENTED, _NO_STREAMS)


_refuse_stream.message_by_message = True  # type: ignore[attr-defined]  # what the inline transport asks for (calls.kind_of)


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
