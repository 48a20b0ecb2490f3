"""Generated rows of which the truth is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training import heads
from training.export.nodes import Nodes
from training.features import Features, FeatureSpec
from training.heads import PROBABILITY, Column, FloatArray, Question
from training.table import Table

DAY_MS = 24 * 3600 * 1000
NAMES = ("a", "b", "c", "d")
QUESTION = Question("buys", "buys within 7 days", 7)


def table(  # noqa: PLR0913  # the parts of a table
    features: npt.NDArray[Any],
    *,
    names: Sequence[str] = NAMES,
    visitors: npt.NDArray[Any] | None = None,
    as_of_ms: npt.NDArray[np.int64] | None = None,
    outcomes: Mapping[str, FloatArray] | None = None,
    columns: Mapping[str, npt.NDArray[Any]] | None = None,
) -> Table:
    """A table of these columns, each row a visitor's own unless they are given."""
    specs = [FeatureSpec(name=name, description=name, minimum=None) for name in names[: features.shape[1]]]
    return Table(
        specs=specs,
        features=np.asarray(features, dtype=np.float32),
        is_missing=np.zeros(features.shape, dtype=np.bool_),
        visitors=np.array([f"v{i}" for i in range(len(features))] if visitors is None else visitors.astype(str)),
        as_of_ms=as_of_ms,
        outcomes=outcomes or {},
        columns=columns or {},
    )


@dataclass(frozen=True, slots=True)
class Known:
    """A head whose probability is the logistic of the features' weighted sum.

    Attributes: as CheckedOutcome, and
        weights: shape (width,).
    """

    weights: FloatArray
    tested: heads.Tested
    evaluation: dict[str, object]
    question: Question = QUESTION

    @property
    def name(self) -> str:
        """Of the head."""
        return self.question.name

    @property
    def title(self) -> str:
        """For people."""
        return self.question.title

    @property
    def columns(self) -> Sequence[Column]:
        """One probability."""
        return [(PROBABILITY, 1)]

    def scores(self, features: Features) -> FloatArray:
        """The truth, shape (n, 1)."""
        return logistic(features @ self.weights)[:, None]

    def emit(self, nodes: Nodes, features: str) -> str:
        """Never asked for here."""
        raise NotImplementedError


def logistic(x: npt.NDArray[Any]) -> FloatArray:
    """Between 0 and 1."""
    found: FloatArray = 1 / (1 + np.exp(-x.astype(np.float64)))
    return found


def events(count: int, seed: int, *, rows_each: int = 1, dates: int = 0) -> tuple[Table, Known]:
    """Visitors with four features, of which a says much, b less and the others nothing; tested on all or the last date.

    Args:
        count: of rows.
        seed: of the draws.
        rows_each: rows of each visitor, which are alike.
        dates: number of moments, a week apart, in turn; 0: rows have no time.
    """
    generator = np.random.default_rng(seed)
    people = np.arange(count) // rows_each
    own = generator.normal(size=(people.max() + 1, 4))
    features = (own[people] + 0.3 * generator.normal(size=(count, 4))).astype(np.float32)
    weights = np.array([1.2, 0.9, 0.0, 0.0])
    predicted = logistic(features @ weights)
    actual = (generator.random(count) < predicted).astype(np.float64)
    times = np.arange(count) % dates * 7 * DAY_MS if dates else None
    rows = np.arange(count) if times is None else np.flatnonzero(times == times.max())
    made = table(features, visitors=people, as_of_ms=times, outcomes={"buys": actual})
    tested = heads.Tested(rows, predicted[rows, None], actual[rows], "by the truth")
    return made, Known(weights, tested, {})
