"""Where visitors of each segment are some time later."""

from collections.abc import Sequence

import numpy as np

from training.heads import Labels, Segmentation
from training.judging.dates import at, moments, some_days_before
from training.judging.document import Entry
from training.table import Table


def migration(head: Segmentation, table: Table, keys: Sequence[str], days: int) -> Entry | None:
    """Which share of each segment's visitors is in which one some days later; None where rows are of one moment.

    Args:
        head: fitted; both moments are seen with its eyes.
        table: rows of several moments, each visitor once in each.
        keys: of the segments, by position.
        days: how long before the newest moment the other one is, at least; where there is none, the oldest is taken.

    Returns:
        As in evaluation.json: a row for each segment before, and one for no segment where the head knows that, with a
        share for each after; the shares of a row whose segment had nobody are None.
    """
    before_ms = some_days_before(table, days)
    if before_ms is None:
        return None
    after_ms = int(moments(table)[-1])
    before, after = at(table, before_ms), at(table, after_ms)
    _, first, second = np.intersect1d(before.visitors, after.visitors, return_indices=True)
    labels = head.assign(before.features[first]), head.assign(after.features[second])
    counts = _counts(*labels, len(keys))
    has_outliers = bool(counts[-1].any() or counts[:, -1].any())
    shown = counts if has_outliers else counts[:-1, :-1]
    return {
        "from_ms": before_ms,
        "to_ms": after_ms,
        "visitor_count": len(first),
        "keys": [*keys, *([None] if has_outliers else [])],
        "shares": [[float(n / row.sum()) if row.any() else None for n in row] for row in shown],
    }


def _counts(before: Labels, after: Labels, count: int) -> Labels:
    """Visitors by segment before and after, shape (count + 1, count + 1), the last for those in none."""
    counts = np.zeros((count + 1, count + 1), dtype=np.int64)
    np.add.at(counts, (before, after), 1)  # NO_SEGMENT is -1: the last
    return counts
