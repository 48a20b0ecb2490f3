"""ModelInfer requests, parsed so that a tensor costs nothing: its numbers stay the bytes that they came as.

Everything of a request but its numbers and its id is the same from call to call. So inputs, outputs and parameters stay
bytes too, being the key of what was made of them before (server/inference/plan.py); and typed numbers, `repeated float`
in the protocol, are parsed as the bytes that they are on the wire (server/requests.py says how).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from protos.inference import inference_pb2
from server.errors import InvalidRequest

_Field = descriptor_pb2.FieldDescriptorProto
_PUBLIC = inference_pb2.DESCRIPTOR.package
_PRIVATE = "inference.private"
_EACH_AS_BYTES = {"ModelInferRequest": frozenset({"parameters", "inputs", "outputs"})}
_AS_BYTES = {"InferTensorContents": frozenset({"fp32_contents"})}


@dataclass(slots=True, eq=False)  # made for every request; a frozen one takes three times as long (measured)
class InferRequest:
    """What a ModelInferRequest says.

    Attributes:
        asked: all but the id and the numbers: the model's name and version, then the serialized inputs without typed
            numbers, the outputs and the parameters.
        id: the caller's name for it.
        numbers: of each input that has any, its bytes.
        is_raw: whether they came as raw_input_contents.
    """

    asked: tuple[str, str, tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]]
    id: str
    numbers: Sequence[bytes]
    is_raw: bool


def _private_types(*names: str) -> Iterator[Any]:
    file = descriptor_pb2.FileDescriptorProto()
    inference_pb2.DESCRIPTOR.CopyToProto(file)
    file.name, file.package = "inference/private.proto", _PRIVATE
    del file.service[:]
    for message in file.message_type:
        _make_private(message)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    for name in names:
        yield message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PRIVATE}.{name}"))


def _make_private(message: descriptor_pb2.DescriptorProto) -> None:
    for field in message.field:
        is_each = field.name in _EACH_AS_BYTES.get(message.name, ())
        if is_each or field.name in _AS_BYTES.get(message.name, ()):
            field.type = _Field.TYPE_BYTES
            field.label = _Field.LABEL_REPEATED if is_each else _Field.LABEL_OPTIONAL
            field.ClearField("type_name")
        elif field.type_name:
            field.type_name = field.type_name.replace(f".{_PUBLIC}.", f".{_PRIVATE}.")
    for nested in message.nested_type:
        _make_private(nested)


_PrivateRequest, _PrivateInput = _private_types("ModelInferRequest", "ModelInferRequest.InferInputTensor")


def parse_infer(message: bytes) -> InferRequest:
    """The ModelInferRequest in these bytes.

    Raises:
        InvalidRequest: they are not one.
    """
    request = _decode(message, _PrivateRequest)
    numbers = request.raw_input_contents
    inputs = tuple(request.inputs)
    is_raw = bool(numbers)
    if not is_raw:
        inputs, numbers = _split(inputs)
    asked = request.model_name, request.model_version, inputs, tuple(request.outputs), tuple(request.parameters)
    return InferRequest(asked, request.id, numbers, is_raw)


def _split(inputs: Sequence[bytes]) -> tuple[tuple[bytes, ...], Sequence[bytes]]:
    """Each input without its FP32 numbers, and those, of the inputs that have any."""
    rest, numbers = [], []
    for one in inputs:
        parsed = _parse_input(one)
        if parsed.contents.fp32_contents:
            numbers.append(parsed.contents.fp32_contents)
            parsed.contents.ClearField("fp32_contents")
            if not parsed.contents.ByteSize():
                parsed.ClearField("contents")
        rest.append(parsed.SerializeToString())
    return tuple(rest), numbers


def _parse_input(data: bytes) -> Any:  # noqa: ANN401  # a type made when the process starts
    """Parses fast what is encoded as protobuf itself does it, and anything else by way of the protocol's own type."""
    parsed = _decode(data, _PrivateInput)
    parsed.DiscardUnknownFields()
    if parsed.SerializeToString() == data:
        return parsed
    return _PrivateInput.FromString(_decode(data, inference_pb2.ModelInferRequest.InferInputTensor).SerializeToString())


def _decode(data: bytes, kind: type[Message]) -> Any:  # noqa: ANN401  # some types are made when the process starts
    try:
        return kind.FromString(data)
    except DecodeError as error:
        name = kind.DESCRIPTOR.full_name.replace(_PRIVATE, _PUBLIC)
        raise InvalidRequest(f"the {len(data)} bytes of the message are no {name}") from error


def public_request(asked: tuple[str, str, Sequence[bytes], Sequence[bytes], Sequence[bytes]]) -> Any:  # noqa: ANN401
    """What was asked (InferRequest.asked), as a ModelInferRequest; raises as parse_infer does."""
    name, version, inputs, outputs, parameters = asked
    private = _PrivateRequest(
        model_name=name, model_version=version, inputs=inputs, outputs=outputs, parameters=parameters
    )
    return _decode(private.SerializeToString(), inference_pb2.ModelInferRequest)
