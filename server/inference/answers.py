"""What a reply of ModelInfer holds besides numbers, made once for all requests that ask the same."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from protos.inference import inference_pb2
from server import wire
from server.errors import InvalidRequest, Unsupported
from server.inference.tensors import DATATYPE, NUMBER_BYTES, Output

SHARED_MEMORY: Final = frozenset({"shared_memory_region", "shared_memory_offset", "shared_memory_byte_size"})
SHARED_MEMORY_REASON: Final = "there is no shared memory; send and take the numbers in the messages"
_CLASSIFICATION = frozenset({"classification"})
_CLASSIFICATION_REASON = "outputs come as numbers, without classification"

# inference.proto, ModelInferResponse and its InferOutputTensor.
_OUTPUTS, _RAW = 5, 6
_CONTENTS, _FP32 = 5, 6


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


def make_answers(outputs: Sequence[Output], row_count: int, *, is_raw: bool) -> tuple[bytes, Sequence[Answer]]:
    """The descriptions of the tensors where their numbers stand elsewhere, else nothing; and the outputs."""
    described = [_describe(output, row_count) for output in outputs]
    answers = [_answer(output, one, row_count, is_raw=is_raw) for output, one in zip(outputs, described, strict=True)]
    return b"".join([wire.field(_OUTPUTS, one) for one in described]) if is_raw else b"", answers


def refuse(parameters: Collection[str], names: frozenset[str], reason: str) -> None:
    """Raises Unsupported when one of these parameters is there."""
    found = names & frozenset(parameters)
    if found:
        raise Unsupported(f"the parameter {min(found)!r} is not supported: {reason}")


def wanted(
    asked: Sequence[inference_pb2.ModelInferRequest.InferRequestedOutputTensor], known: Mapping[str, Output]
) -> Sequence[Output]:
    """The outputs asked for, each once; all when none is.

    Raises:
        InvalidRequest: there is no such output.
        Unsupported: it is to come in a way that only other servers know.
    """
    for one in asked:
        refuse(one.parameters, SHARED_MEMORY, SHARED_MEMORY_REASON)
        refuse(one.parameters, _CLASSIFICATION, _CLASSIFICATION_REASON)
        if one.name not in known:
            raise InvalidRequest(f"there is no output {one.name[:64]!r}; there is {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(one.name for one in asked)] or list(known.values())


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
