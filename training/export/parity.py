"""The proof that the graph answers as the fitted estimators do, on real rows and on rows at the edges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from server.model import INPUT, OUTPUT, open_graph
from training.errors import NotTrained
from training.features import Features, FeatureSpec, typical
from training.heads import MARGIN, BoolArray, FloatArray, Head, column, width

ABSOLUTE_TOLERANCE = 1e-5
RELATIVE_TOLERANCE = 1e-5
_REFERENCE_ROWS = 64


class NoParity(NotTrained):
    """The graph answers differently from the estimators. The text says which head, by how much, on which row."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was compared.

    Attributes:
        row_count: real rows.
        edge_row_count: rows at the edges.
        largest_difference: by head.
        reference_features: shape (m, width), rows that any runtime must give these scores.
        reference_scores: shape (m, score_count), float32, from the estimators.
    """

    row_count: int
    edge_row_count: int
    largest_difference: Mapping[str, float]
    reference_features: Features
    reference_scores: Features


def edge_rows(features: Features, specs: Sequence[FeatureSpec]) -> Features:
    """Rows where arithmetic is most likely to differ: zeros, both ends of what was seen, and each feature at an end.

    Args:
        features: shape (n, width), the population.
        specs: one for each column.

    Returns:
        Shape (4 + 2 * width, width), float32; the last is the row of defaults.
    """
    low, high = features.min(axis=0), features.max(axis=0)
    middle = typical(features, specs)
    far = np.array([high[i] * 100 if spec.maximum is None else spec.maximum for i, spec in enumerate(specs)])
    ends = [_replaced(middle, i, end[i]) for end in (low, far) for i in range(len(specs))]
    return np.array([np.zeros_like(low), low, high, *ends, middle], dtype=np.float32)


def _replaced(row: Features, column: int, value: float) -> Features:
    changed = row.copy()
    changed[column] = value
    return changed


def prove(graph: bytes, heads: Sequence[Head], features: Features, specs: Sequence[FeatureSpec]) -> Evidence:
    """Compares the graph with the estimators on every row and on edge rows.

    Raises:
        NoParity: a difference beyond the tolerance.
    """
    rows = np.concatenate([features, edge_rows(features, specs)])
    actual = open_graph(graph).run([OUTPUT], {INPUT: rows})[0]
    expected = np.concatenate([head.scores(rows) for head in heads], axis=1)
    on_border = _on_border(heads, expected)
    largest = {}
    start = 0
    for head in heads:
        columns = slice(start, start + width(head))
        largest[head.name] = _largest_difference(
            head.name, actual[:, columns], expected[:, columns], on_border[:, columns]
        )
        start = columns.stop
    chosen = _reference(len(features), on_border)
    return Evidence(
        len(features), len(rows) - len(features), largest, rows[chosen], expected[chosen].astype(np.float32)
    )


def _largest_difference(name: str, actual: Features, expected: FloatArray, on_border: BoolArray) -> float:
    difference = np.where(on_border, 0.0, np.abs(actual - expected))
    allowed = ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * np.abs(expected)
    wrong = np.argwhere(~(difference <= allowed))
    if len(wrong):
        row, column = wrong[0]
        raise NoParity(
            f"head {name!r}: the graph differs from scikit-learn on {len(np.unique(wrong[:, 0]))} of {len(actual)} "
            f"rows, first row {row}, column {column}: {actual[row, column]:.9g} instead of {expected[row, column]:.9g}"
        )
    return float(difference.max())


def _on_border(heads: Sequence[Head], expected: FloatArray) -> BoolArray:
    """Where a row is so near the border of two segments that either is right, shape as expected."""
    parts = []
    start = 0
    for head in heads:
        margin = column(head, MARGIN)
        near = np.zeros(len(expected), dtype=bool)
        if margin is not None:
            near = expected[:, start + margin] <= ABSOLUTE_TOLERANCE
        parts.append(np.repeat(near[:, None], width(head), axis=1))
        start += width(head)
    return np.concatenate(parts, axis=1)


def _reference(real_count: int, on_border: BoolArray) -> npt.NDArray[np.int64]:
    """Rows to keep in the bundle: half real, half at the edges, none on a border."""
    sure = np.flatnonzero(~on_border.any(axis=1))
    real, edges = sure[sure < real_count], sure[sure >= real_count]
    return np.concatenate([_spread(real, _REFERENCE_ROWS // 2), _spread(edges, _REFERENCE_ROWS // 2)])


def _spread(rows: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(np.int64)]
