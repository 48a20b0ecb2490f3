"""evaluation.json, read without trust: what is absent, null or of another kind is nothing, never an error."""

import math
from collections.abc import Mapping, Sequence

Point = tuple[float, ...]


class Part:
    """One object of evaluation.json.

    A version may be older than this code, or a method may have no such figure: the page then says less, and still says
    the rest.

    Args:
        content: what JSON held there; anything but an object counts as an empty one.
    """

    def __init__(self, content: object = None) -> None:
        self._content: Mapping[str, object] = content if isinstance(content, Mapping) else {}

    def __bool__(self) -> bool:
        return bool(self._content)

    def fields(self) -> list[str]:
        """What is there, in the file's order."""
        return [str(key) for key in self._content]

    def value(self, key: str) -> object:
        """Whatever is there."""
        return self._content.get(key)

    def text(self, key: str, default: str = "") -> str:
        """A text; the default where there is none, or an empty one."""
        value = self._content.get(key)
        return value if isinstance(value, str) and value else default

    def number(self, key: str) -> float | None:
        """A finite number, None where there is none."""
        return finite(self._content.get(key))

    def count(self, key: str) -> int:
        """A number as a whole one, 0 where there is none."""
        return round(self.number(key) or 0)

    def flag(self, key: str) -> bool | None:
        """True or false, None where it is not known."""
        value = self._content.get(key)
        return value if isinstance(value, bool) else None

    def part(self, key: str) -> "Part":
        """An object, an empty one where there is none."""
        return Part(self._content.get(key))

    def parts(self, key: str) -> "list[Part]":
        """The objects of an array; what is no object is left out."""
        return [Part(value) for value in self._array(key) if isinstance(value, Mapping)]

    def named(self, key: str) -> "list[tuple[str, Part]]":
        """The objects of an object, with their names."""
        inner = self.part(key)
        return [(name, inner.part(name)) for name in inner.fields() if isinstance(inner.value(name), Mapping)]

    def numbers(self, key: str) -> dict[str, float]:
        """The finite numbers of an object, by name."""
        inner = self.part(key)
        found = {name: inner.number(name) for name in inner.fields()}
        return {name: number for name, number in found.items() if number is not None}

    def texts(self, key: str) -> list[str]:
        """The texts of an array."""
        return [value for value in self._array(key) if isinstance(value, str)]

    def rows(self, key: str) -> list[list[float | None]]:
        """The rows of a matrix, None for what is no number."""
        return [[finite(cell) for cell in row] for row in self._array(key) if isinstance(row, list | tuple)]

    def points(self, key: str, width: int = 2) -> list[Point]:
        """The first `width` numbers of each row of a matrix; rows in which one is missing are left out."""
        found = []
        for row in self.rows(key):
            point = tuple(number for number in row[:width] if number is not None)
            if len(point) == width:
                found.append(point)
        return found

    def _array(self, key: str) -> Sequence[object]:
        value = self._content.get(key)
        return value if isinstance(value, list | tuple) else ()


def finite(value: object) -> float | None:
    """The value when it is a finite number, None otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
