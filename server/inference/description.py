"""What the protocol wants to know of this server and of its models."""

from collections.abc import Sequence
from importlib import metadata

from protos.inference import inference_pb2 as messages
from server.errors import NoModelReady, UnknownModel
from server.inference.plan import FINGERPRINT, read_version
from server.inference.statistics import Duration, Statistics, Tally
from server.inference.tensors import DATATYPE, outputs_of
from server.model import INPUT
from server.registry import Snapshot
from server.served import Served

NAME = "audience"
PLATFORM, BACKEND = "onnxruntime_onnx", "onnxruntime"  # as Triton calls what this server runs models by
EXTENSIONS = ("model_configuration", "parameters", "statistics")
_ANY_COUNT = -1
_TYPE = messages.TYPE_FP32


def find(snapshot: Snapshot, name: str, version: str) -> Served:
    """The model that a client names; raises as read_version and Snapshot.find do."""
    return snapshot.find(name, read_version(version))


def is_ready(snapshot: Snapshot, name: str, version: str) -> bool:
    """Whether this model, or this version of it, serves; raises as read_version does."""
    try:
        find(snapshot, name, version)
    except (NoModelReady, UnknownModel):
        return False
    return True


def server_metadata() -> messages.ServerMetadataResponse:
    """What server this is; its version is "unknown" where it runs without having been installed."""
    try:
        version = metadata.version(NAME)
    except metadata.PackageNotFoundError:
        version = "unknown"
    return messages.ServerMetadataResponse(name=NAME, version=version, extensions=EXTENSIONS)


def model_metadata(served: Served, versions: Sequence[int]) -> messages.ModelMetadataResponse:
    """The tensors of a version, and which versions there are."""
    tensor = messages.ModelMetadataResponse.TensorMetadata
    model = served.model
    shape = (_ANY_COUNT, model.description.schema.width)
    outputs = outputs_of(model).values()
    return messages.ModelMetadataResponse(
        name=model.name,
        versions=list(map(str, versions)),
        platform=PLATFORM,
        inputs=[tensor(name=INPUT, datatype=DATATYPE, shape=shape)],
        outputs=[tensor(name=one.name, datatype=DATATYPE, shape=(_ANY_COUNT, one.width)) for one in outputs],
    )


def model_config(served: Served, *, most_rows: int) -> messages.ModelConfigResponse:
    """A model's configuration, as far as there is something like Triton's."""
    model = served.model
    schema = model.description.schema
    config = messages.ModelConfig(
        name=model.name,
        platform=PLATFORM,
        backend=BACKEND,
        max_batch_size=most_rows,
        input=[messages.ModelInput(name=INPUT, data_type=_TYPE, dims=[schema.width])],
        output=[
            messages.ModelOutput(name=one.name, data_type=_TYPE, dims=[one.width]) for one in outputs_of(model).values()
        ],
        dynamic_batching=messages.ModelDynamicBatching(),
        parameters={FINGERPRINT: messages.ModelParameter(string_value=schema.fingerprint)},
    )
    return messages.ModelConfigResponse(config=config)


def model_statistics(models: Sequence[Served], statistics: Statistics) -> messages.ModelStatisticsResponse:
    """What this process has counted of these models."""
    return messages.ModelStatisticsResponse(
        model_stats=[_statistics(one, statistics.of((one.model.name, one.model.version))) for one in models]
    )


def _statistics(served: Served, tally: Tally) -> messages.ModelStatistics:
    return messages.ModelStatistics(
        name=served.model.name,
        version=str(served.model.version),
        last_inference=tally.last_ms,
        inference_count=served.counters.rows.total,
        execution_count=tally.run_count,
        inference_stats=messages.InferStatistics(
            success=_duration(tally.success),
            fail=_duration(tally.fail),
            queue=messages.StatisticDuration(count=tally.success.count),  # what waits, waits for the transport
            compute_input=_duration(tally.reading),
            compute_infer=_duration(tally.scoring),
            compute_output=_duration(tally.writing),
        ),
    )


def _duration(duration: Duration) -> messages.StatisticDuration:
    return messages.StatisticDuration(count=duration.count, ns=duration.ns)
