"""Whether the exported graph of every method says what was fitted, on customers that it was not fitted on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tests.benchmarks.figures import Figure
from tests.benchmarks.training.comparison import HELD_OUT, compared
from tests.benchmarks.training.methods import Case, cases, prepare
from tests.benchmarks.training.refusals import left_out
from training.configuration.configuration import find_configuration, read_configuration
from training.errors import NotTrained
from training.material import read_material
from training.orders import read_orders
from training.table import Table

CONFIGURATION: Final = "shop_orders"
_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Halves:
    """Rows of different customers.

    Attributes:
        fitted: what methods are fitted on.
        held_out: what their graphs are asked.
    """

    fitted: Table
    held_out: Table


def measure(data: Path, fitted_rows: int, say: Callable[[str], None]) -> Iterator[Figure]:
    """The largest difference of every method, each as soon as it is known."""
    every = list(cases())
    try:
        orders = read_orders(read_configuration(find_configuration(CONFIGURATION)))
        halves = halve(prepare(read_material(orders, data, None).table), fitted_rows)
    except NotTrained as error:
        yield from left_out([case.name for case in every], error)
        return
    for number, case in enumerate(every, 1):
        say(f"{case.name}, {number} of {len(every)}")
        yield _figure(case, halves)


def halve(table: Table, fitted_rows: int) -> Halves:
    """Some rows of every other visitor to fit on, and 10,000 of the other visitors'."""
    names, visitor_of = np.unique(table.visitors, return_inverse=True)
    generator = np.random.default_rng(_SEED)
    is_held_out = generator.permutation(len(names))[visitor_of] % 2 == 1
    fitted, held_out = (generator.permutation(np.flatnonzero(rows)) for rows in (~is_held_out, is_held_out))
    return Halves(table.where(fitted[:fitted_rows]), table.where(held_out[:HELD_OUT]))


def _figure(case: Case, halves: Halves) -> Figure:
    try:
        head = case.fit(halves.fitted)
    except NotTrained as error:
        return next(left_out([case.name], error))
    return compared(case.name, head, halves.held_out)
