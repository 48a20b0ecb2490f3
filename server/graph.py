"""What a graph asks for, read from the file itself before ONNX Runtime sees it: versions, operators, other files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from server import wire
from server.errors import BadBundle

DEFAULT_DOMAIN = ""
_DOMAINS = {"": DEFAULT_DOMAIN, "ai.onnx": DEFAULT_DOMAIN, "ai.onnx.ml": "ai.onnx.ml"}  # ONNX's own, by their names
_EXTERNAL = 1  # TensorProto.DataLocation

# The part of onnx.proto that is needed: by message, each field's number, name and kind. Bytes stand for strings too, so
# that text which is none is no reason to fail; a closed enumeration is read as a number. The rest is passed over.
_FIELDS: Mapping[str, Sequence[tuple[int, str, str]]] = {
    "Model": [
        (1, "ir_version", "int64"),
        (7, "graph", "Graph"),
        (8, "opset_import", "[OperatorSetId]"),
        (25, "functions", "[Function]"),
    ],
    "OperatorSetId": [(1, "domain", "bytes"), (2, "version", "int64")],
    "Graph": [(1, "node", "[Node]"), (5, "initializer", "[Tensor]"), (15, "sparse_initializer", "[SparseTensor]")],
    "Function": [(7, "node", "[Node]"), (10, "domain", "bytes"), (11, "attribute_proto", "[Attribute]")],
    "Node": [(4, "op_type", "bytes"), (5, "attribute", "[Attribute]"), (7, "domain", "bytes")],
    "Attribute": [
        (5, "t", "Tensor"),
        (6, "g", "Graph"),
        (7, "floats", "[float]"),  # not looked at: numbers that are known are parsed in half the time of unknown ones
        (8, "ints", "[int64]"),
        (10, "tensors", "[Tensor]"),
        (11, "graphs", "[Graph]"),
        (22, "sparse_tensor", "SparseTensor"),
        (23, "sparse_tensors", "[SparseTensor]"),
    ],
    "SparseTensor": [(1, "values", "Tensor"), (2, "indices", "Tensor")],
    "Tensor": [(13, "external_data", "[StringStringEntry]"), (14, "data_location", "int32")],
    "StringStringEntry": [(1, "key", "bytes"), (2, "value", "bytes")],
}
_KINDS = {"float": 2, "int64": 3, "int32": 5, "bytes": 12}


@dataclass(frozen=True, slots=True)
class Versions:
    """What the graph was written for.

    Attributes:
        ir_version: of ONNX's format.
        opsets: version of each of ONNX's own operator sets that it imports, by domain; the default one's is "".
    """

    ir_version: int
    opsets: Mapping[str, int]


def read_versions(model: bytes) -> Versions:
    """The versions that an ONNX model names, once it is known to ask for nothing but itself and ONNX's own operators.

    Args:
        model: a serialized ModelProto.

    Raises:
        BadBundle: it is none, wants weights from elsewhere, or uses operators that are not ONNX's own.
    """
    parsed: Any = _message_class("Model")()
    try:
        parsed.ParseFromString(model)
    except DecodeError as error:
        raise BadBundle(f"the graph is no ONNX model (a serialized ModelProto): {error}") from error
    local = {_text(function.domain) for function in parsed.functions}
    for message in _messages(parsed):
        match message.DESCRIPTOR.name:
            case "Tensor":
                _check_weights(message)
            case "Node":
                _check_operator(message, local)
    imported = ((_DOMAINS.get(_text(one.domain)), one.version) for one in parsed.opset_import)
    return Versions(parsed.ir_version, {domain: version for domain, version in imported if domain is not None})


def idle_graph(versions: Versions) -> bytes:
    """An ONNX model of these versions that gives back the number it gets: what reads it reads the versions."""
    model: Any = _message_class("Model")(ir_version=versions.ir_version)
    for domain, version in versions.opsets.items():
        model.opset_import.add(domain=domain.encode(), version=version)
    scalar = wire.field(1, wire.whole(1, 1) + wire.field(2, b""))  # TypeProto: floats without dimensions
    number = wire.text(1, "number") + wire.field(2, scalar)  # ValueInfoProto
    model.graph.ParseFromString(wire.text(2, "idle") + wire.field(11, number) + wire.field(12, number))
    data: bytes = model.SerializeToString()
    return data


def _check_weights(tensor: Any) -> None:  # noqa: ANN401  # of a class that is made here
    """The weights are in the tensor: no hash covers another file, and a "file" may be this process's own memory."""
    if tensor.data_location == _EXTERNAL or tensor.external_data:
        places = [_text(entry.value) for entry in tensor.external_data if entry.key == b"location"]
        raise BadBundle(
            f"the graph wants weights from another place ({', '.join(places)[:200] or 'not named'}), which nothing "
            "vouches for; save the model with all of them in model.onnx"
        )


def _check_operator(node: Any, local: set[str]) -> None:  # noqa: ANN401  # of a class that is made here
    domain = _text(node.domain)
    if domain not in _DOMAINS and domain not in local:
        raise BadBundle(
            f"the graph uses the operator {_text(node.op_type)[:100]!r} of {domain[:100]!r}; a server runs those of "
            "ONNX itself (ai.onnx, ai.onnx.ml)"
        )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _messages(message: Message) -> Iterator[Message]:
    """The message and all within it, however deep: no more than the 100 levels that protobuf reads."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for child in (value,) if isinstance(value, Message) else value:
                yield from _messages(child)


@cache
def _message_class(name: str) -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(name="onnx.proto", package="onnx", syntax="proto2")
    for message, fields in _FIELDS.items():
        descriptor = file.message_type.add(name=message)
        for number, field, kind in fields:
            _describe(descriptor.field.add(name=field, number=number), kind)
    pool = descriptor_pool.DescriptorPool()  # of its own: the onnx package may be here too
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"onnx.{name}"))


def _describe(field: descriptor_pb2.FieldDescriptorProto, kind: str) -> None:
    field.label = field.LABEL_REPEATED if kind.startswith("[") else field.LABEL_OPTIONAL
    element = kind.strip("[]")
    if element in _KINDS:
        field.type = descriptor_pb2.FieldDescriptorProto.Type.ValueType(_KINDS[element])
    else:
        field.type, field.type_name = field.TYPE_MESSAGE, f".onnx.{element}"
