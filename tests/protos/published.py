"""The Open Inference Protocol as Triton's client has it, and as our contract has it.

`python -m tests.protos.published` writes the record again, from the client in build/oip.
"""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from protos.inference import inference_pb2

_ROOT = Path(__file__).parents[2]
_RECORD = Path(__file__).parent / "inference.json"

# Of each message and enum: number, type, whether repeated, name of its type, oneof; of an enum's value the number.
Fields = Mapping[str, Mapping[str, list[Any]]]


def recorded_fields() -> Fields:
    """Theirs, of the messages that ours has too."""
    fields: Fields = json.loads(_RECORD.read_text(encoding="utf-8"))
    return fields


def our_fields() -> Fields:
    """Ours."""
    file = inference_pb2.DESCRIPTOR
    messages = {one.full_name: one for one in _messages(file.message_types_by_name.values())}
    enums = {
        enum.full_name: {value.name: [value.number] for value in enum.values}
        for enum in file.enum_types_by_name.values()
    }
    return {name: {field.name: _kind(field) for field in one.fields} for name, one in messages.items()} | enums


def _messages(tops: Iterable[Descriptor]) -> Iterator[Descriptor]:
    for message in tops:
        yield message
        yield from _messages(message.nested_types)


def _kind(field: FieldDescriptor) -> list[Any]:
    of = field.message_type or field.enum_type
    oneof = field.containing_oneof.name if field.containing_oneof else ""
    return [field.number, field.type, field.is_repeated, of.full_name if of else "", oneof]


def main() -> None:
    """Writes the record."""
    command = [_ROOT / "build" / "oip" / "bin" / "python", _ROOT / "tests" / "integration" / "inference" / "client.py"]
    theirs = json.loads(subprocess.run([*command, "fields"], capture_output=True, check=True).stdout)
    lines = [f"{json.dumps(name)}: {json.dumps(theirs[name])}" for name in sorted(our_fields())]
    _RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
