"""The protocol's other methods, on both transports and by their generated client."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from protos.inference import inference_pb2 as messages
from protos.inference import inference_pb2_grpc
from server.inference.infer import SERVICE, Inference
from server.inference.service import UNSUPPORTED, add_inference_service, add_repository_service
from server.registry import Registry
from tests.server.inference.conftest import NOW_MS
from tests.server.inference.fake_repository import FakeRepository
from tests.server.inference.tensors import infer, raw
from tests.server.transport.conftest import PATIENCE_S, Asked, Make, asking

TOKEN = ("authorization", "Bearer good")
SCORES = [[1.0, 0.5, 0.25, 80.0]]


@pytest.fixture
def inference(registry: Registry) -> Inference:
    """The method that scores, whose clock stands still."""
    return Inference(registry, most_rows=4, clock=lambda: NOW_MS * 1_000_000)


@pytest.fixture
def ready() -> list[bool]:
    """Whether the worker is ready: the last of these."""
    return [True]


@pytest.fixture
def asked(make: Make, registry: Registry, inference: Inference, ready: list[bool]) -> Iterator[Asked]:
    """A server of "shop", and a client."""
    server = make(inference.methods())
    add_inference_service(server, registry, inference.statistics, is_ready=lambda: ready[-1], most_rows=4)
    with asking(server) as one:
        yield one


@pytest.fixture
def stub(asked: Asked) -> Any:
    """A client."""
    return inference_pb2_grpc.GRPCInferenceServiceStub(asked.channel)


def _status(call: Any, request: Any, **options: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=PATIENCE_S, **options)
    error: Any = caught.value
    return error.code(), error.details()


def test_readiness(stub: Any, ready: list[bool]) -> None:
    """The process lives; the worker is ready when it says so; a model when it serves, by itself or by its version."""
    assert stub.ServerLive(messages.ServerLiveRequest(), timeout=PATIENCE_S).live
    assert stub.ServerReady(messages.ServerReadyRequest(), timeout=PATIENCE_S).ready
    ready.append(False)
    assert not stub.ServerReady(messages.ServerReadyRequest(), timeout=PATIENCE_S).ready
    known = {("shop", ""): True, ("shop", "3"): True, ("shop", "4"): False, ("soon", ""): False, ("no", ""): False}
    for (name, version), is_ready in known.items():
        asked = messages.ModelReadyRequest(name=name, version=version)
        assert stub.ModelReady(asked, timeout=PATIENCE_S).ready is is_ready


def test_metadata(stub: Any) -> None:
    """The server names itself, and a model its tensors, with any number of rows."""
    server = stub.ServerMetadata(messages.ServerMetadataRequest(), timeout=PATIENCE_S)
    assert (server.name, "statistics" in server.extensions) == ("audience", True)
    model = stub.ModelMetadata(messages.ModelMetadataRequest(name="shop"), timeout=PATIENCE_S)
    assert (model.name, model.versions, model.platform) == ("shop", ["3"], "onnxruntime_onnx")
    assert [(one.name, one.datatype, list(one.shape)) for one in model.inputs] == [("features", "FP32", [-1, 2])]
    assert [(one.name, list(one.shape)) for one in model.outputs][:2] == [
        ("scores", [-1, 4]),
        ("value.segment", [-1, 1]),
    ]


def test_config(stub: Any, registry: Registry) -> None:
    """What metadata says, in Triton's form: without the rows, whose largest number it says."""
    asked = messages.ModelConfigRequest(name="shop", version="3")
    config = stub.ModelConfig(asked, timeout=PATIENCE_S).config
    assert (config.name, config.platform, config.max_batch_size) == ("shop", "onnxruntime_onnx", 4)
    assert [(one.name, one.data_type, list(one.dims)) for one in config.input] == [
        ("features", messages.TYPE_FP32, [2])
    ]
    assert list(config.output[0].dims) == [4]
    fingerprint = registry.current.find("shop", None).model.description.schema.fingerprint
    assert config.parameters["schema_fingerprint"].string_value == fingerprint


@pytest.mark.parametrize("name", ["", "shop"])
def test_statistics(stub: Any, inference: Inference, name: str) -> None:
    """What the worker counted: visitors, runs of the graph, and how long the calls took."""
    infer(inference, raw([[3, 5], [4, 6]]), SCORES * 2)
    reply = stub.ModelStatistics(messages.ModelStatisticsRequest(name=name), timeout=PATIENCE_S)
    (model,) = reply.model_stats
    stats = model.inference_stats
    assert (model.name, model.version, model.last_inference) == ("shop", "3", NOW_MS)
    assert (model.inference_count, model.execution_count, stats.success.count, stats.fail.count) == (2, 1, 1, 0)
    assert stats.success.ns == stats.compute_input.ns + stats.compute_infer.ns + stats.compute_output.ns


def test_infer_by_the_wire(stub: Any) -> None:
    """The method that scores is there beside the others."""
    reply = stub.ModelInfer(raw([[3, 5]], "scores", id="a"), timeout=PATIENCE_S)
    assert (reply.id, reply.raw_output_contents) == ("a", [bytes(16)])
    code, text = _status(stub.ModelInfer, raw([[3, 5]], "none"))
    assert (code, text.startswith("there is no output 'none'")) == (grpc.StatusCode.INVALID_ARGUMENT, True)


@pytest.mark.parametrize("method", ["ModelMetadata", "ModelConfig", "ModelStatistics"])
def test_errors(stub: Any, method: str) -> None:
    """They have the codes and the words of Score's."""
    request = getattr(messages, f"{method}Request")
    call = getattr(stub, method)
    assert _status(call, request(name="no")) == (grpc.StatusCode.NOT_FOUND, "no model 'no' here; there is shop")
    assert _status(call, request(name="soon"))[0] is grpc.StatusCode.UNAVAILABLE
    assert _status(call, request(name="shop", version="new"))[0] is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("method", [*UNSUPPORTED, "RepositoryIndex", "RepositoryModelLoad", "RepositoryModelUnload"])
def test_what_is_not_here_says_why(asked: Asked, method: str) -> None:
    """Methods that only others have are UNIMPLEMENTED with a reason, whatever they are asked."""
    refusal: Any = asked.refusal(b"\xff", f"/{SERVICE}/{method}")
    assert refusal.code() is grpc.StatusCode.UNIMPLEMENTED
    assert " here; " in refusal.details() or "control port" in refusal.details()


def test_streams_say_why(asked: Asked) -> None:
    """A stream is refused with what to do instead, once its first message comes."""
    call = asked.channel.stream_stream(f"/{SERVICE}/ModelStreamInfer")
    with pytest.raises(grpc.RpcError) as caught:
        list(call(iter([raw([[3, 5]]).SerializeToString()]), timeout=PATIENCE_S))
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "call ModelInfer" in error.details()


@pytest.fixture
def repository() -> FakeRepository:
    """What is administered."""
    return FakeRepository()


@pytest.fixture
def administering(make: Make, repository: FakeRepository) -> Iterator[Any]:
    """A client of a server that administers, for those with a token."""

    def check(context: grpc.ServicerContext) -> None:
        if TOKEN not in context.invocation_metadata():
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "a token is needed")

    server = make([])
    add_repository_service(server, repository, check=check)
    with asking(server) as one:
        yield inference_pb2_grpc.GRPCInferenceServiceStub(one.channel)


def test_repository(administering: Any, repository: FakeRepository) -> None:
    """The index says what is there, or what serves; a model is loaded and unloaded by its name."""
    options = {"timeout": PATIENCE_S, "metadata": (TOKEN,)}
    index = administering.RepositoryIndex(messages.RepositoryIndexRequest(), **options).models
    assert [(one.name, one.version, one.state, one.reason) for one in index] == [
        ("app", "", "UNAVAILABLE", ""),
        ("shop", "1", "UNAVAILABLE", "no"),
        ("shop", "2", "READY", ""),
    ]
    (ready,) = administering.RepositoryIndex(messages.RepositoryIndexRequest(ready=True), **options).models
    assert ready.version == "2"
    dependents = {"unload_dependents": messages.ModelRepositoryParameter(bool_param=True)}
    asked = messages.RepositoryModelUnloadRequest(model_name="shop", parameters=dependents)
    administering.RepositoryModelUnload(asked, **options)
    assert not repository.serves
    administering.RepositoryModelLoad(messages.RepositoryModelLoadRequest(model_name="shop"), **options)
    assert repository.serves


def test_repository_refuses(administering: Any, repository: FakeRepository) -> None:
    """Without a token nothing is done; what is wrong or not supported is told."""
    load, unload = messages.RepositoryModelLoadRequest, messages.RepositoryModelUnloadRequest
    config = {"config": messages.ModelRepositoryParameter(string_param="{}")}
    for call, request, code in (
        (administering.RepositoryModelLoad, load(model_name="no"), grpc.StatusCode.NOT_FOUND),
        (administering.RepositoryModelLoad, load(), grpc.StatusCode.INVALID_ARGUMENT),
        (administering.RepositoryModelLoad, load(model_name="shop", parameters=config), grpc.StatusCode.UNIMPLEMENTED),
        (administering.RepositoryModelUnload, unload(repository_name="x"), grpc.StatusCode.INVALID_ARGUMENT),
        (
            administering.RepositoryModelUnload,
            unload(model_name="shop", parameters=config),
            grpc.StatusCode.UNIMPLEMENTED,
        ),
    ):
        assert _status(call, request)[0] is grpc.StatusCode.UNAUTHENTICATED
        assert _status(call, request, metadata=(TOKEN,))[0] is code
    assert repository.serves
