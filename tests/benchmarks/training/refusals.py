"""Figures that were not measured, and why."""

from collections.abc import Iterable, Iterator

from tests.benchmarks.figures import Figure


def left_out(names: Iterable[str], why: object) -> Iterator[Figure]:
    """These figures without a number: each is in the table by its name."""
    note = " ".join(str(why).split())
    return (Figure(name, "", None, note) for name in names)
