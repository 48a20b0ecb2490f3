from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from server.model import INPUT, OUTPUT, open_graph
from training.export.graph import build_graph
from training.export.nodes import Nodes
from training.features import Features, FeatureSpec
from training.heads import EXPECTED, Column, FloatArray
from training.outcomes.encoding import Encoding

DEVICE = FeatureSpec(name="device", description="", vocabulary=("phone", "tablet"))
VISITS = FeatureSpec(name="visits", description="")
SPEND = FeatureSpec(name="spend", description="", is_skewed=True, minimum=None)
SEEN = np.array([[0, 1, np.e - 1], [1, 3, 0], [1, 5, 1 - np.e]], dtype=np.float32)
ROWS = arrays.arrays(np.float32, st.tuples(st.integers(1, 10), st.just(3)), elements=st.floats(-1e6, 1e6, width=32))


@dataclass(frozen=True, slots=True)
class Bare:
    """A head that says what the encoding says."""

    encoding: Encoding
    name = title = "bare"

    @property
    def columns(self) -> Sequence[Column]:
        """As wide as the encoding."""
        return [(EXPECTED, self.encoding.width)]

    def scores(self, features: Features) -> FloatArray:
        """In NumPy."""
        return self.encoding.apply(features)

    def emit(self, nodes: Nodes, features: str) -> str:
        """In ONNX."""
        return nodes.cast(self.encoding.emit(nodes, features), np.float32)


def test_numbers_are_standardised_and_words_are_columns() -> None:
    """Plain numbers, then logarithms on both sides of 0, then a column for each word."""
    encoding = Encoding.fit(SEEN, [DEVICE, VISITS, SPEND])
    deviation = np.sqrt(8 / 3)
    expected = [
        [-2 / deviation, 1 / np.sqrt(2 / 3), 1, 0],
        [0, 0, 0, 1],
        [2 / deviation, -1 / np.sqrt(2 / 3), 0, 1],
    ]
    np.testing.assert_allclose(encoding.apply(SEEN), expected, atol=1e-7)


def test_nothing_is_farther_than_what_was_seen() -> None:
    """A value beyond those seen counts as the farthest seen, and an unknown word as none."""
    encoding = Encoding.fit(SEEN, [DEVICE, VISITS, SPEND])
    far = encoding.apply(np.array([[7, 1e9, -1e9]], dtype=np.float32))[0]
    np.testing.assert_array_equal(far, [*encoding.apply(SEEN)[2, :2], 0, 0])


def test_a_constant_feature_says_nothing() -> None:
    """A feature that never varied is 0, and no division by its deviation of 0."""
    encoding = Encoding.fit(np.full((3, 1), 5, dtype=np.float32), [VISITS])
    np.testing.assert_array_equal(encoding.apply(np.array([[5], [9]], dtype=np.float32)), [[0], [0]])


@pytest.mark.parametrize(
    "specs",
    [[DEVICE, VISITS, SPEND], [VISITS, VISITS, VISITS], [SPEND, SPEND, SPEND], [DEVICE, DEVICE, DEVICE]],
    ids=["all", "numbers", "skewed numbers", "categories"],
)
@settings(max_examples=15, deadline=None)
@given(rows=ROWS)
def test_graph_encodes_alike(specs: list[FeatureSpec], rows: Features) -> None:
    """Whatever features there are, the graph encodes any rows as NumPy does."""
    head = Bare(Encoding.fit(np.abs(SEEN).round(), specs))
    scores = open_graph(build_graph([head], 3)).run([OUTPUT], {INPUT: rows})[0]
    np.testing.assert_allclose(scores, head.scores(rows), atol=1e-6)
