"""What ModelInfer requests ask for, resolved and checked once for all that ask the same of the same models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from protos.audience.v1 import scoring_pb2
from protos.inference import inference_pb2
from server import wire
from server.errors import InvalidRequest
from server.inference.answers import SHARED_MEMORY, SHARED_MEMORY_REASON, Answer, make_answers, refuse, wanted
from server.inference.requests import InferRequest, public_request
from server.inference.statistics import Statistics, Tally
from server.inference.tensors import DATATYPE, NUMBER_BYTES, outputs_of
from server.model import INPUT
from server.registry import Snapshot
from server.rows import Row
from server.served import Served

FINGERPRINT: Final = "schema_fingerprint"  # the parameter that says which schema the features follow

# Nobody asks in more ways, or at greater length, but somebody may try to fill the memory.
_MOST_PLANS = 1024
_LONGEST_KEPT_BYTES = 4096

# inference.proto, ModelInferResponse.
_MODEL, _VERSION = 1, 2
# scoring.proto, Features.
_VECTOR, _LENGTH_DELIMITED = 1, 2

_SEQUENCE = frozenset({"sequence_id", "sequence_start", "sequence_end"})
_SEQUENCE_REASON = "every request stands for itself; there are no sequences"

_Parameters = Mapping[str, inference_pb2.InferParameter]


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
        is_own: whether the features follow the model's own schema.
        tally: where its calls are counted.
    """

    served: Served
    row_count: int
    row_bytes: int
    start: bytes
    end: bytes
    model: bytes
    tensors: bytes
    answers: Sequence[Answer]
    is_own: bool
    tally: Tally

    def rows(self, numbers: bytes) -> Sequence[Row]:
        """The row of each visitor.

        Raises:
            InvalidRequest: so many bytes are not the numbers of so many visitors, or what they say of one is wrong.
        """
        start, end, size = self.start, self.end, self.row_bytes
        if len(numbers) != self.row_count * size:
            raise self._wrong_length(len(numbers))
        if not self.is_own:
            return self._read([start + one + end for one in self._split(numbers)])
        if self.row_count == 1:
            return (Row(numbers, start + numbers + end, 0, is_remapped=False),)
        return [Row(one, start + one + end, 0, is_remapped=False) for one in self._split(numbers)]

    def _wrong_length(self, byte_count: int) -> InvalidRequest:
        shape = f"[{self.row_count}, {self.row_bytes // NUMBER_BYTES}]"
        return InvalidRequest(
            f"input {INPUT!r} has {byte_count} bytes of numbers; its shape {shape} of {DATATYPE} needs "
            f"{self.row_count * self.row_bytes}"
        )

    def _split(self, numbers: bytes) -> Sequence[bytes]:
        size = self.row_bytes
        return [numbers[first : first + size] for first in range(0, len(numbers), size)]

    def _read(self, features: Sequence[bytes]) -> Sequence[Row]:
        rows = []
        for number, one in enumerate(features):
            try:
                rows.append(self.served.reader.read(one))
            except InvalidRequest as error:
                raise of_row(number, len(features), str(error)) from None
        return rows


class Plans:
    """Finds the plans of one snapshot, and keeps them.

    Args:
        snapshot: what serves.
        statistics: where calls are counted.
        most_rows: the most rows of one request.
    """

    def __init__(self, snapshot: Snapshot, statistics: Statistics, *, most_rows: int) -> None:
        self._snapshot = snapshot
        self._statistics = statistics
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
            plan = self._make(public, is_raw=request.is_raw)
            if public.ByteSize() <= _LONGEST_KEPT_BYTES:
                self._keep(key, plan)
        if len(request.numbers) != 1:
            raise _not_one(request)
        return plan

    def _make(self, request: inference_pb2.ModelInferRequest, *, is_raw: bool) -> Plan:
        refuse(request.parameters, _SEQUENCE, _SEQUENCE_REASON)
        served = self._snapshot.find(request.model_name, read_version(request.model_version))
        own = served.model.description.schema
        fingerprint = _fingerprint(request.parameters) or own.fingerprint
        is_own = fingerprint == own.fingerprint
        tensor = _only_input(request.inputs, is_raw=is_raw)
        row_count, width = _read_shape(tensor.shape, own.width if is_own else None, self._most_rows)
        outputs = wanted(request.outputs, outputs_of(served.model))
        tensors, answers = make_answers(outputs, row_count, is_raw=is_raw)
        start, end = _around(width, fingerprint)
        name, version = served.model.name, served.model.version
        return Plan(
            served=served,
            row_count=row_count,
            row_bytes=width * NUMBER_BYTES,
            start=start,
            end=end,
            model=wire.text(_MODEL, name) + wire.text(_VERSION, str(version)),
            tensors=tensors,
            answers=answers,
            is_own=is_own,
            tally=self._statistics.of((name, version)),
        )

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


def of_row(number: int, count: int, text: str) -> InvalidRequest:
    """What is wrong with the input, naming the row where there are several."""
    where = f"input {INPUT!r}" if count == 1 else f"input {INPUT!r}, row {number}"
    return InvalidRequest(f"{where}: {text}")


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
    refuse(tensor.parameters, SHARED_MEMORY, SHARED_MEMORY_REASON)
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


def _around(width: int, fingerprint: str) -> tuple[bytes, bytes]:
    """What makes the bytes of so many numbers a Features message of this schema: before them, and after."""
    start = wire.varint(_VECTOR << 3 | _LENGTH_DELIMITED) + wire.varint(width * NUMBER_BYTES)
    return start, scoring_pb2.Features(schema_fingerprint=fingerprint).SerializeToString()
