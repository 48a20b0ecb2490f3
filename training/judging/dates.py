"""A table's rows by the moment that they are of."""

import numpy as np
import numpy.typing as npt

from training.table import Table

_DAY_MS = 24 * 3600 * 1000


def at(table: Table, as_of_ms: int) -> Table:
    """The rows of one moment."""
    return table if table.as_of_ms is None else table.where(table.as_of_ms == as_of_ms)


def moments(table: Table) -> npt.NDArray[np.int64]:
    """The moments that rows are of, oldest first; none where rows have no time."""
    return np.array([], dtype=np.int64) if table.as_of_ms is None else np.unique(table.as_of_ms)


def newest(table: Table) -> Table:
    """The rows of the last moment: each visitor once, as they are now; all rows where rows have no time."""
    found = moments(table)
    return at(table, int(found[-1])) if len(found) else table


def some_days_before(table: Table, days: int) -> int | None:
    """The last moment at least so many days before the newest one, else the oldest; None where there is but one."""
    found = moments(table)
    if len(found) <= 1:
        return None
    early = found[found <= found[-1] - days * _DAY_MS]
    return int(early[-1] if len(early) else found[0])
