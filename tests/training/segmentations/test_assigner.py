from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.segmentations.visitors import answers, blobs, plane
from training.export.nodes import Nodes
from training.heads import DISTANCE, MARGIN, SEGMENT, Column
from training.segmentations.assigner import CHUNK_ROWS, Assigner
from training.segmentations.density import Dense
from training.segmentations.shaping import Shaping

PLAIN = Shaping(np.arange(2), np.zeros(2, dtype=bool), np.zeros(2), np.ones(2), 2)  # values within 3 stay as they are
BORDER = 1e-5


def _head(assigner: Assigner) -> Dense:
    return Dense(name="s", title="", assigner=assigner, tried=[], fidelity=1.0)


def _by_hand(assigner: Assigner, row: npt.NDArray[Any]) -> tuple[int, float, float]:
    """The answer for one row, centre by centre."""
    shaped = np.clip(row.astype(float), -3, 3)
    found = sorted(
        (float(np.linalg.norm(shaped - centre)), int(segment))
        for centre, segment in zip(assigner.centres, assigner.segments, strict=True)
    )
    distance, segment = found[0]
    margin = min((other - distance for other, its in found if its != segment), default=np.inf)
    if assigner.radii is not None:
        margin = min(margin, abs(distance - assigner.radii[segment]))
        segment = segment if distance <= assigner.radii[segment] else -1
    return segment, distance, margin


@st.composite
def _assigners(draw: st.DrawFn) -> Assigner:
    count = draw(st.integers(1, 4))
    more = draw(st.lists(st.integers(0, count - 1), max_size=6))
    segments = np.array(draw(st.permutations([*range(count), *more])))
    generator = np.random.default_rng(draw(st.integers(0, 1000)))
    radii = generator.uniform(0.2, 2, count) if draw(st.booleans()) else None
    return Assigner(PLAIN, generator.uniform(-3, 3, (len(segments), 2)), segments, radii)


@settings(max_examples=40, deadline=None)  # each builds a graph
@given(assigner=_assigners(), seed=st.integers(0, 1000))
def test_nearest_centre_by_hand(assigner: Assigner, seed: int) -> None:
    """Off borders, NumPy and the graph both give what a walk over the centres gives, with radii and without."""
    rows = np.random.default_rng(seed).uniform(-4, 4, (30, 2)).astype(np.float32)
    expected = np.array([_by_hand(assigner, row) for row in rows])[:, : len(assigner.columns)]
    sure = expected[:, -1] > BORDER if assigner.has_border else np.ones(len(rows), dtype=bool)
    np.testing.assert_allclose(assigner.scores(rows)[sure], expected[sure], atol=1e-9)
    np.testing.assert_allclose(answers(_head(assigner), rows)[sure], expected[sure], atol=1e-5)


def test_margin_is_to_another_segment() -> None:
    """Between two centres of one segment there is no border: the margin is to the nearest centre of another one."""
    assigner = Assigner(PLAIN, np.array([[-1.0, 0], [1, 0], [0, 2.5]]), np.array([0, 0, 1]))
    middle = np.zeros((1, 2), dtype=np.float32)
    assert assigner.scores(middle).tolist() == [[0, 1, 1.5]]
    assert answers(_head(assigner), middle).tolist() == [[0, 1, 1.5]]


def test_outlier() -> None:
    """Beyond the radius a row is in no segment; its distance is still there, and its margin is how far beyond it is."""
    assigner = Assigner(PLAIN, np.array([[0.0, 0], [3, 0]]), np.array([0, 1]), np.array([0.5, 1.0]))
    rows = np.array([[0.25, 0], [1, 0], [1.75, 0], [2.5, 0]], dtype=np.float32)
    expected = [[0, 0.25, 0.25], [-1, 1, 0.5], [-1, 1.25, 0.25], [1, 0.5, 0.5]]
    assert assigner.scores(rows).tolist() == expected
    np.testing.assert_allclose(answers(_head(assigner), rows), expected, atol=1e-7)
    assert assigner.assign(rows).tolist() == [0, -1, -1, 1]


@pytest.mark.parametrize(
    ("radii", "columns"),
    [(None, [(SEGMENT, 1), (DISTANCE, 1)]), (np.array([1.0]), [(SEGMENT, 1), (DISTANCE, 1), (MARGIN, 1)])],
)
def test_one_segment(radii: npt.NDArray[np.float64] | None, columns: list[Column]) -> None:
    """One segment has no border and so no margin, unless one can be outside of it."""
    assigner = Assigner(PLAIN, np.array([[0.0, 0], [1, 0]]), np.array([0, 0]), radii)
    rows = np.array([[0, 0.5], [3, 0]], dtype=np.float32)
    assert list(assigner.columns) == columns
    expected = np.array([[0, 0.5], [0, 2]] if radii is None else [[0, 0.5, 0.5], [-1, 2, 1]])
    np.testing.assert_array_equal(assigner.scores(rows), expected)
    np.testing.assert_allclose(answers(_head(assigner), rows), expected, atol=1e-7)


def test_far_from_the_origin() -> None:
    """Blobs that are near to each other and far from 0 are told apart as well as others: values are centred first."""
    features = (blobs((50, 60, 70)) / 20 + np.float32(1e4)).astype(np.float32)
    shaping = plane(features)
    shaped = shaping.apply(features)
    centres = np.array([shaped[:50].mean(axis=0), shaped[50:110].mean(axis=0), shaped[110:].mean(axis=0)])
    assigner = Assigner(shaping, centres, np.arange(3))
    expected = np.repeat([0, 1, 2], [50, 60, 70])
    assert assigner.assign(features).tolist() == expected.tolist()
    np.testing.assert_allclose(answers(_head(assigner), features), assigner.scores(features), atol=1e-5)


def test_many_rows() -> None:
    """Rows beyond one chunk are answered in their order, and no rows by nothing."""
    assigner = Assigner(PLAIN, np.array([[0.0, 0], [1, 0]]), np.array([0, 1]))
    rows = np.random.default_rng(0).uniform(-3, 3, (2 * CHUNK_ROWS + 1, 2)).astype(np.float32)
    np.testing.assert_array_equal(assigner.assign(rows), rows[:, 0] > 0.5)
    assert assigner.scores(rows[:0]).shape == (0, 3)


def test_graph_does_not_grow_with_rows() -> None:
    """The nodes are the same few for six centres and for two thousand, and fewer where each is its own segment."""

    def operators(count: int) -> list[str]:
        nodes = Nodes(set(), 18)
        generator = np.random.default_rng(0)
        Assigner(PLAIN, generator.normal(size=(count, 2)), np.arange(count) % 3).emit(nodes, "features")
        return [node.op_type for node in nodes.protos]

    assert operators(6) == operators(2000)
    assert len(operators(3)) < len(operators(6))
