"""Which changes to the contracts would break somebody.

The record is protos/audience.binpb: the contracts as they were last agreed on. What may change is only what an old
client and an old server do not notice, which is whatever is added. Generated code is a contract too, so a new name for
an old number breaks as well.

    python -m tests.protos.breaking            compares the generated code with the record
    python -m tests.protos.breaking --record   and makes it the record, if nothing breaks
"""

from __future__ import annotations

import argparse
import importlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    EnumValueDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "protos" / "audience.binpb"
FILE_OPTIONS = ("go_package", "java_package", "java_multiple_files", "java_outer_classname")

Thing = TypeVar("Thing")
Numbered = TypeVar("Numbered", FieldDescriptorProto, EnumValueDescriptorProto)


@dataclass(frozen=True, slots=True)
class Contracts:
    """Everything in a set of files, by its full name; `places` has the file of each top-level name."""

    messages: dict[str, DescriptorProto] = field(default_factory=dict)
    enums: dict[str, EnumDescriptorProto] = field(default_factory=dict)
    services: dict[str, ServiceDescriptorProto] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)


def breaking_changes(record: FileDescriptorSet, current: FileDescriptorSet) -> list[str]:
    """What in `current` breaks those who rely on `record`, a sentence each; empty when nothing does."""
    was, now = contracts(record), contracts(current)
    return [
        *_file_changes(record, current),
        *_removed("message", was.messages, now.messages),
        *_removed("enum", was.enums, now.enums),
        *_removed("service", was.services, now.services),
        *(f"{name} moved from {old} to {new}" for name, old, new in _pairs(was.places, now.places) if old != new),
        *(change for name, old, new in _pairs(was.messages, now.messages) for change in _message(name, old, new)),
        *(change for name, old, new in _pairs(was.enums, now.enums) for change in _numbers(name, old.value, new.value)),
        *(change for name, old, new in _pairs(was.services, now.services) for change in _service(name, old, new)),
    ]


def contracts(files: FileDescriptorSet) -> Contracts:
    """Every message, enum and service in the files; nested ones too, map entries among them."""
    found = Contracts()
    for file in files.file:
        prefix = f"{file.package}." if file.package else ""
        found.messages.update(_nested(prefix, file.message_type))
        found.enums.update({prefix + enum.name: enum for enum in file.enum_type})
        found.services.update({prefix + service.name: service for service in file.service})
        tops = [thing.name for thing in file.message_type] + [thing.name for thing in file.enum_type]
        tops += [thing.name for thing in file.service]
        found.places.update({prefix + name: file.name for name in tops})
    for name, message in found.messages.items():
        found.enums.update({f"{name}.{enum.name}": enum for enum in message.enum_type})
    return found


def current_contracts() -> FileDescriptorSet:
    """The contracts as the generated modules under protos/ have them, by file name."""
    paths = sorted((ROOT / "protos").rglob("*_pb2.py"))
    modules = [importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)) for path in paths]
    return FileDescriptorSet(file=[FileDescriptorProto.FromString(m.DESCRIPTOR.serialized_pb) for m in modules])


def recorded_contracts() -> FileDescriptorSet:
    """The contracts of record."""
    return FileDescriptorSet.FromString(RECORD.read_bytes())


def _nested(prefix: str, messages: Iterable[DescriptorProto]) -> Iterator[tuple[str, DescriptorProto]]:
    for message in messages:
        yield prefix + message.name, message
        yield from _nested(f"{prefix}{message.name}.", message.nested_type)


def _pairs(was: Mapping[str, Thing], now: Mapping[str, Thing]) -> Iterator[tuple[str, Thing, Thing]]:
    return ((name, thing, now[name]) for name, thing in was.items() if name in now)


def _removed(kind: str, was: Iterable[str], now: Iterable[str]) -> Iterator[str]:
    return (f"{kind} {name} was removed" for name in was if name not in now)


def _file_changes(record: FileDescriptorSet, current: FileDescriptorSet) -> Iterator[str]:
    was, now = ({file.name: file for file in files.file} for files in (record, current))
    yield from _removed("file", was, now)
    for name, old, new in _pairs(was, now):
        if old.package != new.package:
            yield f"{name} changed its package from {old.package} to {new.package}"
        for option in FILE_OPTIONS:
            if getattr(old.options, option) != getattr(new.options, option):
                yield f"{name} changed {option}"


def _message(name: str, old: DescriptorProto, new: DescriptorProto) -> Iterator[str]:
    if old.options.map_entry != new.options.map_entry:
        yield f"{name} changed between a map's entry and a message"
    yield from _numbers(name, old.field, new.field)
    groups = [oneof.name for oneof in old.oneof_decl], [oneof.name for oneof in new.oneof_decl]
    was, now = ({one.name: one for one in message.field} for message in (old, new))
    for one, before, after in _pairs(was, now):
        yield from _field(f"{name}.{one}", (before, groups[0]), (after, groups[1]))


def _numbers(owner: str, old: Iterable[Numbered], new: Iterable[Numbered]) -> Iterator[str]:
    """What happened to the names and numbers of fields, or of an enum's values."""
    by_name, by_number = {item.name: item.number for item in new}, {item.number: item.name for item in new}
    for item in old:
        if item.name in by_name:
            if by_name[item.name] != item.number:
                yield f"{owner}.{item.name} changed its number from {item.number} to {by_name[item.name]}"
        elif item.number in by_number:
            yield f"{owner}.{item.name} was renamed {by_number[item.number]}"
        else:
            yield f"{owner}.{item.name} was removed"


def _field(
    name: str, was: tuple[FieldDescriptorProto, list[str]], now: tuple[FieldDescriptorProto, list[str]]
) -> Iterator[str]:
    (old, _), (new, _) = was, now
    if (old.type, old.type_name) != (new.type, new.type_name):
        yield f"{name} changed its type"
    if old.label != new.label:
        yield f"{name} changed between one and many"
    if old.proto3_optional != new.proto3_optional:
        yield f"{name} changed whether its absence can be told"
    if _oneof(*was) != _oneof(*now):
        yield f"{name} moved in or out of a oneof"
    if old.json_name != new.json_name:
        yield f"{name} changed its name in JSON"


def _oneof(one: FieldDescriptorProto, groups: list[str]) -> str:
    """The oneof that the field is in, "" for none. The one that protoc makes for an `optional` does not count."""
    return groups[one.oneof_index] if one.HasField("oneof_index") and not one.proto3_optional else ""


def _service(name: str, old: ServiceDescriptorProto, new: ServiceDescriptorProto) -> Iterator[str]:
    was, now = ({method.name: method for method in service.method} for service in (old, new))
    yield from (f"{name}.{method} was removed" for method in was if method not in now)
    for method, one, other in _pairs(was, now):
        if (one.input_type, one.output_type) != (other.input_type, other.output_type):
            yield f"{name}.{method} changed what it takes or gives"
        if (one.client_streaming, one.server_streaming) != (other.client_streaming, other.server_streaming):
            yield f"{name}.{method} changed its streaming"


def main() -> None:
    """Print what breaks and exit with 1, or update the record when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="make the generated code the record, if nothing breaks")
    current = current_contracts()
    record = recorded_contracts() if RECORD.exists() else FileDescriptorSet()
    recording = parser.parse_args().record
    if changes := breaking_changes(record, current):
        sys.exit("\n".join(["These changes break clients; give them a new package version instead:", *changes]))
    if recording:
        RECORD.write_bytes(current.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
