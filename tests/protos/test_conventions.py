import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

from tests.protos.breaking import contracts

ROOT = Path(__file__).parents[2]

# The numbers by which a descriptor's source locations name a list, such as 4 for a file's messages.
MESSAGES, ENUMS, SERVICES = (
    FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER,
    FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER,
    FileDescriptorProto.SERVICE_FIELD_NUMBER,
)
FIELDS, NESTED, NESTED_ENUMS = (
    DescriptorProto.FIELD_FIELD_NUMBER,
    DescriptorProto.NESTED_TYPE_FIELD_NUMBER,
    DescriptorProto.ENUM_TYPE_FIELD_NUMBER,
)
VALUES, METHODS = EnumDescriptorProto.VALUE_FIELD_NUMBER, ServiceDescriptorProto.METHOD_FIELD_NUMBER

SourcePath = tuple[int, ...]


@pytest.fixture(scope="module")
def sources(protoc_python: Path, tmp_path_factory: pytest.TempPathFactory) -> FileDescriptorSet:
    """Our own contracts with their comments; those published by others keep their authors' habits."""
    out = tmp_path_factory.mktemp("descriptors") / "audience.binpb"
    protos = sorted(path.relative_to(ROOT) for path in (ROOT / "protos" / "audience").rglob("*.proto"))
    options = ["-I.", "--include_source_info", f"--descriptor_set_out={out}"]
    subprocess.run([protoc_python, "-m", "grpc_tools.protoc", *options, *protos], cwd=ROOT, check=True)
    return FileDescriptorSet.FromString(out.read_bytes())


def test_every_field_value_and_method_is_explained(sources: FileDescriptorSet) -> None:
    """Whoever reads a contract finds a comment before each field, enum value, service and method."""
    assert [name for file in sources.file for name in unexplained(file)] == []


def test_every_enum_starts_with_unspecified(sources: FileDescriptorSet) -> None:
    """What an old sender leaves out, and 0 on the wire, is never a meaning."""
    firsts = {name: enum.value[0] for name, enum in contracts(sources).enums.items()}

    assert firsts
    assert [name for name, first in firsts.items() if first.number or not first.name.endswith("_UNSPECIFIED")] == []


def test_every_file_names_its_go_and_java_packages(sources: FileDescriptorSet) -> None:
    """Clients in Go and Java can be generated from the files as they are."""
    assert [file.name for file in sources.file if not (file.options.go_package and file.options.java_package)] == []


def test_what_is_not_explained_is_found() -> None:
    """A field without a comment is named; one whose comment is recorded is not."""
    file = FileDescriptorProto(name="a.proto")
    message = file.message_type.add(name="Visitor")
    message.field.add(name="id")
    message.field.add(name="age")
    file.source_code_info.location.add(path=[MESSAGES, 0, FIELDS, 0], leading_comments=" Who.")
    file.source_code_info.location.add(path=[MESSAGES, 0, FIELDS, 1])

    assert unexplained(file) == ["a.proto: Visitor.age"]


def unexplained(file: FileDescriptorProto) -> list[str]:
    """Names of what has no comment before it."""
    said = {tuple(where.path) for where in file.source_code_info.location if where.leading_comments.strip()}
    return [f"{file.name}: {name}" for path, name in _described(file) if path not in said]


def _described(file: FileDescriptorProto) -> Iterator[tuple[SourcePath, str]]:
    """Source path and name of everything that a comment is wanted for."""
    for i, message in enumerate(file.message_type):
        yield from _in_message((MESSAGES, i), message.name, message)
    for i, enum in enumerate(file.enum_type):
        yield from _in_enum((ENUMS, i), enum.name, enum)
    for i, service in enumerate(file.service):
        yield (SERVICES, i), service.name
        for j, method in enumerate(service.method):
            yield (SERVICES, i, METHODS, j), f"{service.name}.{method.name}"


def _in_message(path: SourcePath, name: str, message: DescriptorProto) -> Iterator[tuple[SourcePath, str]]:
    for i, field in enumerate(message.field):
        yield (*path, FIELDS, i), f"{name}.{field.name}"
    for i, enum in enumerate(message.enum_type):
        yield from _in_enum((*path, NESTED_ENUMS, i), f"{name}.{enum.name}", enum)
    for i, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            yield from _in_message((*path, NESTED, i), f"{name}.{nested.name}", nested)


def _in_enum(path: SourcePath, name: str, enum: EnumDescriptorProto) -> Iterator[tuple[SourcePath, str]]:
    return (((*path, VALUES, i), f"{name}.{value.name}") for i, value in enumerate(enum.value))
