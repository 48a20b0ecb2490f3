"""A TOML table, read key by key: what is absent, of a wrong type or misspelt is said by its place and name."""

import difflib
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Self


class BadConfig(Exception):
    """The file that describes a model cannot be used. The text names the key, and what would be right."""


class Section:
    """One table of the file, which knows where it stands, and which of its keys were asked for.

    Args:
        content: as tomllib reads it.
        place: how the texts of errors call it, such as "features[2]", "" for the whole file.
    """

    def __init__(self, content: Mapping[str, object], place: str = "") -> None:
        self._content = content
        self._place = place
        self._known: set[str] = set()

    def fault(self, text: str) -> BadConfig:
        """An error of this table."""
        return BadConfig(f"{self._place}: {text}" if self._place else text)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        self._known.add(key)
        return key in self._content

    def names(self) -> tuple[str, ...]:
        """All that is there, for a table whose keys are names."""
        return tuple(self._content)

    def called(self, name: str) -> Self:
        """The same table, whose errors name what it is about: features[2] ('visits')."""
        self._place = f"{self._place} ({name!r})"
        return self

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

    def table(self, key: str) -> "Section | None":
        """A table, None where the key is absent."""
        if not self.has(key):
            return None
        value = self._content[key]
        if not isinstance(value, dict):
            raise self._wrong(key, "a table")
        return Section(value, self._inside(key))

    def tables(self, key: str) -> "list[Section]":
        """Tables of an array, none where the key is absent."""
        values = self._array(key)
        place = self._inside(key)
        if not all(isinstance(value, dict) for value in values):
            raise self._wrong(key, f"tables, each of which begins with [[{key}]]")
        return [Section(value, f"{place}[{i}]") for i, value in enumerate(values) if isinstance(value, dict)]

    def finish(self) -> None:
        """Refuses a key that nobody asked for: it is misspelt, or stands where it means nothing.

        Raises:
            BadConfig: there is one.
        """
        for key in self._content.keys() - self._known:
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

    def _inside(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key

    def _wrong(self, key: str, right: str) -> BadConfig:
        return self.fault(f"{key} is {self._content[key]!r}; needed is {right}")
