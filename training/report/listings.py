"""Records that have no section of their own kind, as tables of whatever they hold."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.report.figures import title, write
from training.report.forms import NOTHING
from training.report.part import Part

_ARROW = " \N{RIGHTWARDS ARROW} "
_LONGEST = 10**15  # whole numbers from here on are nothing that people read
_IN_ORDER = {"words", "path", "steps"}  # what follows one another


@dataclass(frozen=True, slots=True)
class Listing:
    """A table: its title, "" for none, its columns, and its rows as texts."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def listings(records: Sequence[Part]) -> list[Listing]:
    """Records with records inside have a table each; the others have one together."""
    flat, found = [], []
    for record in records:
        inner = [key for key in record.fields() if record.parts(key)]
        if not inner:
            flat.append(record)
        called = record.text("title", record.text("name"))
        found += [listing(called, record.parts(key)) for key in inner]
    return ([listing("", flat)] if flat else []) + found


def listing(called: str, records: Sequence[Part]) -> Listing:
    """Records as a table, a column for each name that one of them has."""
    columns = list(dict.fromkeys(key for record in records for key in record.fields()))
    return Listing(called, [title(key) for key in columns], [[_cell(key, r) for key in columns] for r in records])


def _cell(key: str, record: Part) -> str:
    """A value as text; of an array, its texts and numbers."""
    if (found := record.number(key)) is not None:
        return write(key, found)
    values = record.value(key)
    if isinstance(values, list | tuple):
        shown = [str(v) for v in values if isinstance(v, str | float) or (isinstance(v, int) and abs(v) < _LONGEST)]
        return (_ARROW if key in _IN_ORDER else ", ").join(shown) or NOTHING
    return record.text(key, NOTHING)
