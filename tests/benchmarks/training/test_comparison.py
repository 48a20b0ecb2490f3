from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from tests.benchmarks.training.comparison import compared, largest
from tests.benchmarks.training.made import visitors
from training.export.nodes import Nodes
from training.features import Features
from training.heads import MARGIN, SEGMENT, Column, FloatArray


@dataclass(frozen=True, slots=True)
class Halved:
    """Puts visitors below or above 0 of the first feature; its graph may have the border elsewhere."""

    border: float
    name: str = "halves"
    title: str = "which half"
    columns: Sequence[Column] = ((SEGMENT, 1), (MARGIN, 1))

    def scores(self, features: Features) -> FloatArray:
        """Segment and how far the border is."""
        first = features[:, :1].astype(np.float64)
        return np.concatenate([first > 0, np.abs(first)], axis=1)

    def emit(self, nodes: Nodes, features: str) -> str:
        """The same, with another border."""
        first = nodes.add("Gather", features, nodes.constant(np.array([0])), axis=1)
        above = nodes.add("Greater", first, nodes.constant(self.border, np.float32))
        return nodes.add("Concat", nodes.cast(above, np.float32), nodes.add("Abs", first), axis=1)


def test_largest_difference_by_hand() -> None:
    """It is relative to what is right where that is large, absolute where it is small."""
    expected, actual = np.array([[0.0], [99.0]]), np.array([[0.25], [109.0]])

    assert largest(actual, expected, np.array([False, False])) == pytest.approx(0.25)
    assert largest(actual, expected, np.array([True, False])) == pytest.approx(0.1)
    assert largest(actual, expected, np.array([True, True])) == 0


def test_what_is_no_number_is_no_parity() -> None:
    """NaN is further from what is right than any bar allows."""
    assert largest(np.array([[np.nan]]), np.zeros((1, 1)), np.array([False])) == np.inf


def test_same_border() -> None:
    """A graph that says what the head says holds, and rows on the border do not count."""
    figure = compared("parity_halves", Halved(0.0), visitors(50))

    assert figure.holds
    assert "50 held-out and 8 edge rows; 2 labels, 0 rows differ, 1 ties" in figure.note


def test_other_border() -> None:
    """A graph that puts some visitors elsewhere is found, with how many."""
    figure = compared("parity_halves", Halved(0.5), visitors(50))

    assert figure.holds is False
    assert " 0 rows differ" not in figure.note
