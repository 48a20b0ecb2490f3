"""How far a graph's answers are from the fitted model's, row by row."""

from typing import Final

import numpy as np

from server.model import INPUT, OUTPUT, open_graph
from tests.benchmarks.figures import Figure
from tests.benchmarks.spread import spread
from training.export.graph import build_graph
from training.export.parity import edge_rows
from training.features import Features
from training.heads import MARGIN, SEGMENT, BoolArray, FloatArray, Head, column
from training.table import Table

HELD_OUT: Final = 10_000
NEAR: Final = 1e-5  # a row whose two nearest segments are as near is a tie


def compared(name: str, head: Head, held_out: Table) -> Figure:
    """The largest difference on rows that the head was not fitted on and on edge rows, off ties.

    A difference is divided by 1 + |what is right|: at most 1e-5 of that is within 1e-5 absolute and relative.
    """
    edges = edge_rows(held_out.features, held_out.specs)
    rows = np.concatenate([held_out.features, edges])
    actual = open_graph(build_graph([head], len(held_out.specs))).run([OUTPUT], {INPUT: rows})[0]
    expected = head.scores(rows)
    is_tie = _ties(head, expected)
    note = f"{len(held_out):,} held-out and {len(edges)} edge rows{_labels(head, actual, expected, is_tie)}"
    return Figure(name, "", spread([largest(actual, expected, is_tie)]), note)


def largest(actual: Features | FloatArray, expected: FloatArray, is_tie: BoolArray) -> float:
    """The largest |actual - expected| / (1 + |expected|) of rows that are no ties; infinite where one is no number."""
    difference = np.abs(actual - expected) / (1 + np.abs(expected))
    return float(np.nan_to_num(difference[~is_tie], nan=np.inf).max(initial=0.0))


def _ties(head: Head, expected: FloatArray) -> BoolArray:
    margin = column(head, MARGIN)
    if margin is None:
        return np.zeros(len(expected), np.bool_)
    near: BoolArray = expected[:, margin] <= NEAR
    return near


def _labels(head: Head, actual: Features, expected: FloatArray, is_tie: BoolArray) -> str:
    """How many rows have another segment, a phrase; "" where there are no segments."""
    segment = column(head, SEGMENT)
    if segment is None:
        return ""
    found, right = actual[:, segment], expected[:, segment]
    differ = int((found != right)[~is_tie].sum())
    return f"; {len(np.unique(right))} labels, {differ} rows differ, {int(is_tie.sum())} ties"
