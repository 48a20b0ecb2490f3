"""A TOML table, read key by key: what is absent, of a wrong type or misspelt is said by its place and name."""

import difflib
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self

from training.configuration.lines import KeyPath, Origin
from training.errors import NotTrained


class BadConfig(NotTrained):
    """The file that describes a model cannot be used. The text names the file, the line, the key, and what is right."""


class Section:
    """One table of the file, which knows where it stands, and which of its keys were asked for.

    Args:
        content: as tomllib reads it.
        place: how the texts of errors call it, such as "features[2]", "" for the whole file.
        origin: the file, None when it was read from none.
        path: where in the file it stands.
    """

    def __init__(
        self, content: Mapping[str, object], place: str = "", *, origin: Origin | None = None, path: KeyPath = ()
    ) -> None:
        self._content = content
        self._place = place
        self._origin = origin
        self._path = path
        self._name = ""
        self._known: set[str] = set()
        self._inner: dict[str, list[Section]] = {}

    def fault(self, text: str) -> BadConfig:
        """An error of this table: its line is that of the key that the text begins with, else that of the table."""
        said = f"{self._called}: {text}" if self._called else text
        if self._origin is None:
            return BadConfig(said)
        key = text.split(maxsplit=1)[0].rstrip(":") if text.strip() else ""
        path = (*self._path, key) if key in self._content else self._path
        return BadConfig(f"{self._origin.place(path)}: {said}")

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        self._known.add(key)
        return key in self._content

    def names(self) -> tuple[str, ...]:
        """All that is there, for a table whose keys are names."""
        return tuple(self._content)

    def called(self, name: str) -> Self:
        """The same table, whose errors name what it is about: features[2] ('visits')."""
        self._name = name
        return self

    def part(self, keys: Sequence[str]) -> "Section":
        """Some keys of this table as one of their own, for another reader; tables within are the same objects."""
        part = Section({k: v for k, v in self._content.items() if k in keys}, origin=self._origin, path=self._path)
        part._place, part._inner = self._place, self._inner
        self._known.update(keys)
        return part

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty; the default where the key is absent, and without a default an error."""
        if not self.has(key):
            if default is None:
                raise self.fault(f'{key} is needed, such as {key} = "…"')
            return default
        value = self._content[key]
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, "a text in quotes")
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """One of these words."""
        value = self.text(key, default)
        if value != default and value not in choices:
            raise self._wrong(key, f"one of {', '.join(choices)}")
        return value

    def number(self, key: str) -> float | None:
        """A finite number, None where the key is absent."""
        if not self.has(key):
            return None
        value = self._content[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self._wrong(key, "a number")
        return float(value)

    def whole(self, key: str) -> int | None:
        """A whole number from 0, None where the key is absent."""
        if not self.has(key):
            return None
        value = self._content[key]
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._wrong(key, "a whole number from 0")
        return value

    def truth(self, key: str, *, default: bool = False) -> bool:
        """True or false, the default where the key is absent."""
        value = self._content[key] if self.has(key) else default
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def label(self, key: str) -> int | str | None:
        """A text or a whole number, None where the key is absent."""
        if not self.has(key):
            return None
        value = self._content[key]
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise self._wrong(key, "a text or a whole number")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Texts, none where the key is absent."""
        values = self._array(key)
        if any(not isinstance(value, str) or not value for value in values):
            raise self._wrong(key, "texts in brackets")
        return tuple(str(value) for value in values)

    def wholes(self, key: str) -> tuple[int, ...]:
        """Whole numbers from 0, none where the key is absent."""
        numbers = []
        for value in self._array(key):
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise self._wrong(key, "whole numbers from 0 in brackets")
            numbers.append(value)
        return tuple(numbers)

    def moment_ms(self, key: str) -> int | None:
        """A TOML date and time with its offset, as milliseconds since 1970, None where the key is absent."""
        if not self.has(key):
            return None
        value = self._content[key]
        if not isinstance(value, datetime) or value.utcoffset() is None:
            raise self._wrong(key, "a date and time with its offset, such as 2026-10-01T00:00:00Z")
        return round(value.timestamp() * 1000)

    def is_table(self, key: str) -> bool:
        """Whether the key is there and a table, where something else is right as well."""
        return self.has(key) and isinstance(self._content[key], dict)

    def table(self, key: str) -> "Section | None":
        """A table, None where the key is absent; the same object each time, so that readers may share its keys."""
        if not self.has(key):
            return None
        value = self._content[key]
        if not isinstance(value, dict):
            raise self._wrong(key, "a table")
        if key not in self._inner:
            inner = Section(value, self._inside(key), origin=self._origin, path=(*self._path, key))
            self._inner[key] = [inner]
        return self._inner[key][0]

    def tables(self, key: str) -> "list[Section]":
        """Tables of an array, none where the key is absent; the same objects each time."""
        values = self._array(key)
        if not all(isinstance(value, dict) for value in values):
            raise self._wrong(key, f"tables, each of which begins with [[{key}]]")
        if key not in self._inner:
            self._inner[key] = [
                Section(value, f"{self._inside(key)}[{i}]", origin=self._origin, path=(*self._path, key, i))
                for i, value in enumerate(values)
                if isinstance(value, dict)
            ]
        return list(self._inner[key])

    def finish(self) -> None:
        """Refuses a key that nobody asked for: it is misspelt, or stands where it means nothing.

        Raises:
            BadConfig: there is one.
        """
        for key in self._content:
            if key in self._known:
                continue
            close = difflib.get_close_matches(key, self._known, 1)
            meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(self._known))}"
            raise self.fault(f"{key} means nothing here; {meant}")

    def _array(self, key: str) -> list[object]:
        if not self.has(key):
            return []
        value = self._content[key]
        if not isinstance(value, list):
            raise self._wrong(key, "an array")
        return value

    @property
    def _called(self) -> str:
        return f"{self._place} ({self._name!r})" if self._name else self._place

    def _inside(self, key: str) -> str:
        return f"{self._called}.{key}" if self._called else key

    def _wrong(self, key: str, right: str) -> BadConfig:
        return self.fault(f"{key} is {self._content[key]!r}; needed is {right}")
