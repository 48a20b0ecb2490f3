"""Where in a TOML file each key and table stands, which the reader of the standard library does not tell."""

import bisect
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]  # keys of tables and positions in arrays, from the whole file inwards

_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_VALUE = re.compile(r"[^,\]}#\n]*")  # numbers, truths and times; a time may have a blank inside
_BLANK = re.compile(r"(?:\s|#[^\n]*)*")


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that a table was read from.

    Attributes:
        file: its path, as errors name it.
        lines: of each key and table, from 1.
    """

    file: str
    lines: Mapping[KeyPath, int]

    def place(self, path: KeyPath) -> str:
        """How an error names what stands there: the file, and the line unless it is the whole file."""
        line = self.lines.get(path)
        return self.file if line is None else f"{self.file}, line {line}"


def find_lines(text: str) -> Mapping[KeyPath, int]:
    """The line of each key, table and element of an array, from 1, by its path.

    Args:
        text: a whole file that tomllib reads; of another one the result means nothing.
    """
    scan = _Scan(text)
    scan.document()
    return scan.lines


class _Scan:
    """One pass over a file that is known to be good TOML."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._counts: dict[KeyPath, int] = {}  # of the tables of each array so far
        self.lines: dict[KeyPath, int] = {}

    def document(self) -> None:
        base: KeyPath = ()
        while self._next():
            if self._next() == "[":
                base = self._header()
            else:
                self._pair(base)

    def _next(self) -> str:
        """The first character of what comes next, "" at the end."""
        self._skip(_BLANK)
        return self._text[self._at : self._at + 1]

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError(f"what stands at character {self._at} is no TOML")  # the file was not read before
        self._at = match.end()
        return match.group()

    def _note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, bisect.bisect_left(self._breaks, self._at) + 1)

    def _header(self) -> KeyPath:
        is_array = self._text.startswith("[[", self._at)
        start = self._at
        self._at += 2 if is_array else 1
        names = self._key()
        end, self._at = self._at + (2 if is_array else 1), start
        path: KeyPath = ()
        for i, name in enumerate(names):
            path = (*path, name)
            self._note(path)
            if is_array and i == len(names) - 1:
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
                self._note(path)
        self._at = end
        return path

    def _pair(self, base: KeyPath) -> None:
        start = self._at
        names = self._key()
        end, self._at = self._at + 1, start  # beyond the sign of equality
        path = base
        for name in names:
            path = (*path, name)
            self._note(path)
        self._at = end
        self._value(path)

    def _key(self) -> list[str]:
        names = []
        while True:
            first = self._next()
            token = self._skip(_STRING if first in {'"', "'"} else _BARE_KEY)
            names.append(str(tomllib.loads(f"key = {token}")["key"]) if first in {'"', "'"} else token)
            if self._next() != ".":
                return names
            self._at += 1

    def _value(self, path: KeyPath) -> None:
        first = self._next()
        if first == "[":
            self._elements(path)
        elif first == "{":
            self._inline(path)
        else:
            self._skip(_STRING if first in {'"', "'"} else _PLAIN_VALUE)

    def _elements(self, path: KeyPath) -> None:
        self._at += 1
        position = 0
        while (first := self._next()) != "]":
            if first == ",":
                self._at += 1
                continue
            self._note((*path, position))
            self._value((*path, position))
            position += 1
        self._at += 1

    def _inline(self, path: KeyPath) -> None:
        self._at += 1
        while (first := self._next()) != "}":
            if first == ",":
                self._at += 1
            else:
                self._pair(path)
        self._at += 1
