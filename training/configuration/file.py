"""A TOML file, read whole, as a table that knows its lines."""

import re
import tomllib
from pathlib import Path

from training.configuration.lines import Origin, find_lines
from training.configuration.section import BadConfig, Section

_MOST_BYTES = 2**20  # hundreds of features, each described at length, take a tenth of it
_SYNTAX = re.compile(r"(?P<what>.*) \(at (?P<place>line \d+, column \d+|end of document)\)", re.DOTALL)


def read_file(path: Path) -> Section:
    """The file's content; its errors name the file and the line.

    Raises:
        BadConfig: it cannot be read, is too large, not in UTF-8, or no TOML.
    """
    text = _decode(path, _read_bytes(path))
    try:
        content = tomllib.loads(text)
        lines = find_lines(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(_describe(path, error)) from None
    except RecursionError:
        raise BadConfig(f"{path}: brackets stand too deep in brackets; nothing here needs more than three") from None
    return Section(content, origin=Origin(str(path), lines))


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadConfig(f"{path} cannot be read: {error}") from error
    if len(content) > _MOST_BYTES:
        raise BadConfig(f"{path} has more than {_MOST_BYTES:,} bytes; a configuration is a short text: is it the data?")
    return content


def _decode(path: Path, content: bytes) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadConfig(
            f"{path}, line {line}: the byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from None
    return text.replace("\r\n", "\n")  # as tomllib counts columns


def _describe(path: Path, error: tomllib.TOMLDecodeError) -> str:
    match = _SYNTAX.fullmatch(str(error))
    if match is None:
        return f"{path} is no TOML: {error}"
    return f"{path}, {match['place']}: this is no TOML: {match['what']}; texts need quotes, and each key stands once"
