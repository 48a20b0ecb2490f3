"""What ModelInfer requests ask for, resolved and checked once for all that ask the same of the same models."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from protos.audience.v1 import scoring_pb2
from protos.inference import inference_pb2
from server import wire
from server.errors import InvalidRequest, Unsupported
from server.inference.requests import InferRequest, public_request
from server.inference.tensors import DATATYPE, INPUT, NUMBER_BYTES, Output, outputs_of
from server.registry import Snapshot
from server.served import Served

FINGERPRINT: Final = "schema_fingerprint"  # the parameter that says which schema the features follow

# Nobody asks in more ways, or at greater length, but somebody may try to fill the memory.
_MOST_PLANS = 1024
_LONGEST_KEPT_BYTES = 4096

# inference.proto, ModelInferResponse and its InferOutputTensor.
_MODEL, _VERSION, _OUTPUTS, _RAW = 1, 2, 5, 6
_CONTENTS, _FP32 = 5, 6
# scoring.proto, Features.
_VECTOR, _LENGTH_DELIMITED = 1, 2

_SEQUENCE = frozenset({"sequence_id", "sequence_start", "sequence_end"})
_SHARED_MEMORY = frozenset({"shared_memory_region", "shared_memory_offset", "shared_memory_byte_size"})
_CLASSIFICATION = frozenset({"classification"})
_SEQUENCE_REASON = "every request stands for itself; there are no sequences"
_SHARED_MEMORY_REASON = "there is no shared memory; send and take the numbers in the messages"
_CLASSIFICATION_REASON = "outputs come as numbers, without classification"

_Parameters = Mapping[str, inference_pb2.InferParameter]


@dataclass(frozen=True, slots=True)
class Answer:
    """One output of a reply.

    Attributes:
        output: which.
        span: where its numbers are in the bytes of one visitor's scores.
        opening: what stands before its numbers: the beginning of its raw_output_contents, or of its typed tensor.
    """

    output: Output
    span: slice
    opening: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a request asks for.

    Attributes:
        served: of which model.
        row_count: for how many visitors.
        row_bytes: bytes of the numbers of one of them.
        start: what makes numbers the Features of one visitor, before them.
        end: the same, after them.
        model: what the reply begins with: the model's name and version.
        tensors: descriptions of the outputs, when their numbers stand elsewhere.
        answers: the outputs.
    """

    served: Served
    row_count: int
    row_bytes: int
    start: bytes
    end: bytes
    model: bytes
    tensors: bytes
    answers: Sequence[Answer]

    def rows(self, numbers: bytes) -> Sequence[bytes]:
        """The Features of each visitor.

        Raises:
            InvalidRequest: so many bytes are not the numbers of so many visitors.
        """
        start, end, size = self.start, self.end, self.row_bytes
        if len(numbers) != self.row_count * size:
            shape = f"[{self.row_count}, {size // NUMBER_BYTES}]"
            raise InvalidRequest(
                f"input {INPUT!r} has {len(numbers)} bytes of numbers; its shape {shape} of {DATATYPE} needs "
                f"{self.row_count * size}"
            )
        if self.row_count == 1:
            return (start + numbers + end,)
        return [start + numbers[first : first + size] + end for first in range(0, len(numbers), size)]


class Plans:
    """Finds the plans of one snapshot, and keeps them.

    Args:
        snapshot: what serves.
        most_rows: the most rows of one request.
    """

    def __init__(self, snapshot: Snapshot, *, most_rows: int) -> None:
        self.snapshot = snapshot
        self._most_rows = most_rows
        self._kept: dict[tuple[object, bool], Plan] = {}

    def find(self, request: InferRequest) -> Plan:
        """The plan for this request.

        Raises:
            InvalidRequest: the input is not what the model takes, or an output not one of its own.
            Unsupported: it asks for what only other servers of this protocol do.
            AudienceError: as Snapshot.find.
        """
        key = request.asked, request.is_raw
        plan = self._kept.get(key)
        if plan is None:
            public = public_request(request.asked)
            plan = _make(self.snapshot, public, is_raw=request.is_raw, most_rows=self._most_rows)
            if public.ByteSize() <= _LONGEST_KEPT_BYTES:
                self._keep(key, plan)
        if len(request.numbers) != 1:
            raise _not_one(request)
        return plan

    def _keep(self, key: tuple[object, bool], plan: Plan) -> None:
        if len(self._kept) >= _MOST_PLANS:  # those that are still asked for are soon back
            self._kept.clear()
        self._kept[key] = plan


def _not_one(request: InferRequest) -> InvalidRequest:
    if request.is_raw:
        return InvalidRequest(f"raw_input_contents has {len(request.numbers)} parts; needed is one for each input")
    return InvalidRequest(
        f"input {INPUT!r} has no numbers; they belong in raw_input_contents, or in contents.fp32_contents"
    )


def read_version(text: str) -> int | None:
    """The version that a client names; None for the one that serves.

    Raises:
        InvalidRequest: it is no version.
    """
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise InvalidRequest(f"the model's version is {text[:64]!r}; needed is a whole number, or nothing")
    return int(text[:20])  # more than any version has


def _make(snapshot: Snapshot, request: inference_pb2.ModelInferRequest, *, is_raw: bool, most_rows: int) -> Plan:
    _refuse(request.parameters, _SEQUENCE, _SEQUENCE_REASON)
    served = snapshot.find(request.model_name, read_version(request.model_version))
    own = served.model.description.schema
    fingerprint = _fingerprint(request.parameters) or own.fingerprint
    tensor = _only_input(request.inputs, is_raw=is_raw)
    width = own.width if fingerprint == own.fingerprint else None
    row_count, width = _read_shape(tensor.shape, width, most_rows)
    outputs = _wanted(request.outputs, outputs_of(served.model))
    described = [_describe(output, row_count) for output in outputs]
    start, end = _around(width, fingerprint)
    name, version = served.model.name, str(served.model.version)
    return Plan(
        served=served,
        row_count=row_count,
        row_bytes=width * NUMBER_BYTES,
        start=start,
        end=end,
        model=wire.text(_MODEL, name) + wire.text(_VERSION, version),
        tensors=b"".join([wire.field(_OUTPUTS, one) for one in described]) if is_raw else b"",
        answers=[
            _answer(output, one, row_count, is_raw=is_raw) for output, one in zip(outputs, described, strict=True)
        ],
    )


def _refuse(parameters: Collection[str], names: frozenset[str], reason: str) -> None:
    found = names & frozenset(parameters)
    if found:
        raise Unsupported(f"the parameter {min(found)!r} is not supported: {reason}")


def _fingerprint(parameters: _Parameters) -> str:
    if FINGERPRINT not in parameters:
        return ""
    fingerprint = parameters[FINGERPRINT].string_param
    if not fingerprint:
        raise InvalidRequest(f"the parameter {FINGERPRINT!r} is no string; needed is a schema's fingerprint as one")
    return fingerprint


def _only_input(
    inputs: Sequence[inference_pb2.ModelInferRequest.InferInputTensor], *, is_raw: bool
) -> inference_pb2.ModelInferRequest.InferInputTensor:
    if len(inputs) != 1:
        raise InvalidRequest(f"the request has {len(inputs)} inputs; needed is one, {INPUT!r}")
    tensor = inputs[0]
    _refuse(tensor.parameters, _SHARED_MEMORY, _SHARED_MEMORY_REASON)
    if tensor.name != INPUT:
        raise InvalidRequest(f"the input is {tensor.name[:64]!r}; needed is {INPUT!r}")
    if tensor.datatype != DATATYPE:
        raise InvalidRequest(f"input {INPUT!r} has the datatype {tensor.datatype[:64]!r}; needed is {DATATYPE!r}")
    found = [field.name for field, _ in tensor.contents.ListFields()]  # without what was taken out before
    if found:
        where = "raw_input_contents, as there are some" if is_raw else "contents.fp32_contents"
        raise InvalidRequest(f"input {INPUT!r} has contents.{found[0]}; its numbers belong in {where}")
    return tensor


def _read_shape(shape: Sequence[int], width: int | None, most_rows: int) -> tuple[int, int]:
    """Rows and width; the width may be any when it is not known."""
    is_good = len(shape) == 2 and shape[0] > 0 and (shape[1] == width or (width is None and shape[1] > 0))  # noqa: PLR2004  # rows and columns
    if not is_good:
        needed = f"[rows, {'features' if width is None else width}]"
        raise InvalidRequest(f"input {INPUT!r} has the shape {list(shape)[:8]}; needed is {needed}")
    if shape[0] > most_rows:
        raise InvalidRequest(f"input {INPUT!r} has {shape[0]} rows; needed are 1 to {most_rows}")
    return shape[0], shape[1]


def _wanted(
    asked: Sequence[inference_pb2.ModelInferRequest.InferRequestedOutputTensor], known: Mapping[str, Output]
) -> Sequence[Output]:
    for one in asked:
        _refuse(one.parameters, _SHARED_MEMORY, _SHARED_MEMORY_REASON)
        _refuse(one.parameters, _CLASSIFICATION, _CLASSIFICATION_REASON)
        if one.name not in known:
            raise InvalidRequest(f"there is no output {one.name[:64]!r}; there is {', '.join(known)}")
    return _distinct([known[one.name] for one in asked]) or list(known.values())


def _distinct(outputs: Iterable[Output]) -> Sequence[Output]:
    return list({output.name: output for output in outputs}.values())


def _describe(output: Output, row_count: int) -> bytes:
    """An InferOutputTensor without its numbers."""
    shape = (row_count, output.width)
    tensor = inference_pb2.ModelInferResponse.InferOutputTensor(name=output.name, datatype=DATATYPE, shape=shape)
    return tensor.SerializeToString()


def _answer(output: Output, tensor: bytes, row_count: int, *, is_raw: bool) -> Answer:
    columns = output.columns
    span = slice(columns.start * NUMBER_BYTES, columns.stop * NUMBER_BYTES)
    return Answer(output, span, _before_numbers(tensor, row_count * output.width * NUMBER_BYTES, is_raw=is_raw))


def _before_numbers(tensor: bytes, byte_count: int, *, is_raw: bool) -> bytes:
    """What stands before so many bytes of numbers, raw, or in a tensor of this description."""
    numbers = bytes(byte_count)
    if is_raw:
        field = wire.field(_RAW, numbers)
    else:
        field = wire.field(_OUTPUTS, tensor + wire.field(_CONTENTS, wire.field(_FP32, numbers)))
    return field[: len(field) - byte_count]


def _around(width: int, fingerprint: str) -> tuple[bytes, bytes]:
    """What makes the bytes of so many numbers a Features message of this schema: before them, and after."""
    start = wire.varint(_VECTOR << 3 | _LENGTH_DELIMITED) + wire.varint(width * NUMBER_BYTES)
    return start, scoring_pb2.Features(schema_fingerprint=fingerprint).SerializeToString()
