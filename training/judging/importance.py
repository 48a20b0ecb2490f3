"""What a head would lose without a feature."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from training.features import Features
from training.heads import FloatArray, Head
from training.judging.document import Entry
from training.judging.intervals import Visitors
from training.table import Table

Rows = npt.NDArray[np.int64]
Figure = Callable[[FloatArray, FloatArray], float]  # of scores (n, columns) and outcomes (n,); more is better


def importance(  # noqa: PLR0913, PLR0917  # whose, on what, by which figure, how often
    head: Head, table: Table, outcome: FloatArray, figure: Figure, repeats: int, seed: int
) -> list[Entry]:
    """What shuffling each feature takes off the figure: mean and standard deviation, the largest mean first.

    Where rows of one visitor repeat, whole visitors are shuffled: each gets the values of another one's rows, so that
    the values stay alike within a visitor as they were.

    Args:
        head: fitted.
        table: some rows.
        outcome: shape (n,), of these rows.
        figure: what is looked at.
        repeats: how often each feature is shuffled.
        seed: of the shuffles.

    Source: L. Breiman, Random Forests, 2001, section 10.
    """
    generator = np.random.default_rng(seed)
    whole = figure(head.scores(table.features), outcome)
    shuffles = [_shuffled(table.visitors, generator) for _ in range(repeats)]
    found = []
    for position, spec in enumerate(table.specs):
        losses = [
            whole - figure(head.scores(features), outcome)
            for features in _with_shuffled(table.features, position, shuffles)
        ]
        found.append({"feature": spec.name, "mean": float(np.mean(losses)), "sd": float(np.std(losses))})
    return sorted(found, key=lambda one: -float(str(one["mean"])))


def _with_shuffled(features: Features, position: int, shuffles: list[Rows]) -> Iterator[Features]:
    for rows in shuffles:
        altered = features.copy()
        altered[:, position] = features[rows, position]
        yield altered


def _shuffled(visitors: Visitors, generator: np.random.Generator) -> Rows:
    """Whose value each row gets, shape (n,): visitors in another order, the rows of each one taken in turn."""
    _, codes, counts = np.unique(visitors, return_inverse=True, return_counts=True)
    by_visitor = np.argsort(codes, kind="stable")
    firsts = np.cumsum(counts) - counts
    donor = generator.permutation(len(counts))[codes]
    turn = np.empty(len(codes), dtype=np.int64)
    turn[by_visitor] = np.arange(len(codes)) - firsts[codes[by_visitor]]
    rows: Rows = by_visitor[firsts[donor] + turn % counts[donor]]
    return rows


def some_visitors(visitors: Visitors, most_rows: int, seed: int) -> Rows:
    """Positions of the rows of visitors drawn until the next one would make them more than so many, in their order."""
    if len(visitors) <= most_rows:
        return np.arange(len(visitors))
    _, codes, counts = np.unique(visitors, return_inverse=True, return_counts=True)
    drawn = np.random.default_rng(seed).permutation(len(counts))
    taken = drawn[: max(1, int(np.searchsorted(counts[drawn].cumsum(), most_rows, side="right")))]
    return np.flatnonzero(np.isin(codes, taken))
