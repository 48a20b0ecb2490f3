import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import numpy_helper
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from server.model import INPUT, OUTPUT, open_graph
from tests.bundles import SPECS, Made, make
from tests.heads import Value
from training.export.estimators import NotExportable
from training.export.graph import build_graph
from training.export.parity import NoParity, edge_rows, prove
from training.features import Features, FeatureSpec, typical
from training.heads import Head, Question, width
from training.segmentations.centroids import Centroids
from training.segmentations.mixture import Mixture
from training.segmentations.shaping import Shaping

TOLERANCE = 1e-5  # absolute and relative, as the manifest says
PLANE = (FeatureSpec(name="x", description="x", minimum=None), FeatureSpec(name="y", description="y", minimum=None))
NUMBERS = st.floats(0, 1e5, width=32)
ROWS = arrays.arrays(np.float32, st.tuples(st.integers(1, 20), st.just(4)), elements=NUMBERS)
CODES = st.lists(st.integers(0, 2), min_size=20, max_size=20)


def _run(graph: bytes, rows: Features) -> Features:
    scores: Features = open_graph(graph).run([OUTPUT], {INPUT: rows})[0]
    return scores


def _differences(head: Head, actual: Features, rows: Features) -> Features:
    """How far beyond the tolerance every score is, 0 within it, of the rows away from borders."""
    expected = head.scores(rows)
    margin = {Centroids: 2, Mixture: 1}.get(type(head))
    sure = np.ones(len(rows), dtype=bool) if margin is None else expected[:, margin] > TOLERANCE
    beyond = np.abs(actual - expected) - TOLERANCE * (1 + np.abs(expected))
    return np.maximum(beyond[sure], 0).astype(np.float32)


@pytest.mark.parametrize("position", range(4))
@settings(max_examples=30)  # of up to 20 visitors each
@given(numbers=ROWS, codes=CODES)
def test_graph_equals_estimators(made: Made, position: int, numbers: Features, codes: list[int]) -> None:
    """Whatever the visitors, every head's columns are what scikit-learn gives, within the stated tolerance."""
    rows = np.column_stack([numbers, codes[: len(numbers)]]).astype(np.float32)
    head = made.heads[position]
    first = sum(map(width, made.heads[:position]))
    actual = _run(made.graph, rows)[:, first : first + width(head)]
    assert not _differences(head, actual, rows).any()


def _far_blobs() -> Features:
    """Three blobs 0.5 apart and 0.05 wide, at 10,000 from the origin."""
    generator = np.random.default_rng(0)
    centres = 1e4 + 0.5 * generator.permutation(np.repeat(np.eye(3)[:, :2], 100, axis=0))
    return generator.normal(centres, 0.05).astype(np.float32)


def test_far_from_the_origin() -> None:
    """Segments are right also where the distances of float32 would name the wrong one for most visitors."""
    rows = _far_blobs()
    shaping = Shaping(np.arange(2), np.zeros(2, dtype=bool), np.zeros(2), np.full(2, 1e4), 2)  # 0.5 is 5e-5 apart
    shaped = shaping.apply(rows)
    centroids = Centroids("c", "", shaping, KMeans(3, n_init=1, random_state=0).fit(shaped), [])
    near = Shaping.fit(rows, PLANE, ["x", "y"])
    mixture = Mixture("m", "", near, GaussianMixture(3, random_state=0).fit(near.apply(rows)), [])
    actual = _run(build_graph([centroids, mixture], 2), rows)
    assert not _differences(mixture, actual[:, 3:], rows).any()
    np.testing.assert_array_equal(actual[:, 0], centroids.assign(rows))
    np.testing.assert_allclose(actual[:, :3], centroids.scores(rows), atol=1e-7)
    x, c = shaped.astype(np.float32), centroids.model.cluster_centers_.astype(np.float32)
    in_float32 = ((x**2).sum(axis=1)[:, None] - 2 * x @ c.T + (c**2).sum(axis=1)).argmin(axis=1)
    assert (in_float32 != centroids.assign(rows)).mean() > 0.1


def test_ties(made: Made) -> None:
    """Between two equal segments either may be named: that is no difference, and such rows are no reference."""
    value = made.heads[0]
    assert isinstance(value, Centroids)
    twins = KMeans(3, n_init=1, random_state=0).fit(value.shaping.apply(made.population))
    twins.cluster_centers_[1] = twins.cluster_centers_[0]
    head = dataclasses.replace(value, model=twins)
    evidence = prove(build_graph([head], len(SPECS)), [head], made.population, SPECS)
    assert (evidence.reference_scores[:, 2] > TOLERANCE).all()
    assert set(evidence.reference_scores[:, 0]) == {2}


def test_same_training_same_bytes(made: Made) -> None:
    """The same training twice gives the same files, byte for byte."""
    assert make(1).files() == made.files()


def _alter_constant(graph: onnx.GraphProto, wanted: np.ndarray[Any, Any]) -> None:
    """Changes one number of the constant with this value, by one in a thousand."""
    constants = [node.attribute[0].t for node in graph.node if node.op_type == "Constant"]
    found = [c for c in constants if np.array_equal(numpy_helper.to_array(c), wanted) and c.data_type == 11]
    value = numpy_helper.to_array(found[0]).copy()
    value.flat[np.abs(value).argmax()] *= 1.001
    found[0].CopyFrom(numpy_helper.from_array(value))


def _alter_trees(graph: onnx.GraphProto, prefix: str) -> None:
    """Changes the leaves of a head's trees, by one in a hundred."""
    for node in graph.node:
        if node.op_type.startswith("TreeEnsemble") and prefix in node.output[0]:
            weights = next(a for a in node.attribute if a.name in {"class_weights", "target_weights"})
            weights.floats[:] = [1.01 * weight for weight in weights.floats]


def _alter_value(graph: onnx.GraphProto, heads: Sequence[Any]) -> None:
    _alter_constant(graph, -2.0 * heads[0].model.cluster_centers_.T)


def _alter_style(graph: onnx.GraphProto, heads: Sequence[Any]) -> None:
    roots = np.concatenate(list(heads[1].model.precisions_cholesky_), axis=1)
    _alter_constant(graph, np.sqrt(0.5) * roots)


def _alter_buys(graph: onnx.GraphProto, heads: Sequence[Any]) -> None:
    _alter_trees(graph, "graft_0/")


def _alter_spend(graph: onnx.GraphProto, heads: Sequence[Any]) -> None:
    _alter_trees(graph, "graft_1/")


@pytest.mark.parametrize(
    ("name", "alter"),
    [("value", _alter_value), ("style", _alter_style), ("buys_7d", _alter_buys), ("spend_30d", _alter_spend)],
)
def test_altered_graph(made: Made, name: str, alter: Callable[[onnx.GraphProto, Sequence[Any]], None]) -> None:
    """A graph with one constant a little off is found out, by the name of its head, row and column."""
    model = onnx.load_from_string(made.graph)
    alter(model.graph, made.heads)
    with pytest.raises(NoParity, match=rf"^head '{name}': .* of 414 rows, first row \d+, column \d: .* instead of"):
        prove(model.SerializeToString(), made.heads, made.population, SPECS)


def test_not_a_number_is_a_difference(made: Made) -> None:
    """A graph that answers NaN is found out, though NaN is in no comparison too large."""
    spend = made.heads[3:]
    model = onnx.load_from_string(build_graph(spend, len(SPECS)))
    next(node for node in model.graph.node if node.op_type == "Exp").op_type = "Acos"  # NaN above 1
    with pytest.raises(NoParity, match=r"^head 'spend_30d': .*: nan instead of"):
        prove(model.SerializeToString(), spend, made.population, SPECS)


def test_evidence(made: Made) -> None:
    """The evidence counts its rows, has a difference for each head, and keeps rows from both ends of them."""
    evidence = made.evidence
    assert (evidence.row_count, evidence.edge_row_count) == (400, 4 + 2 * 5)
    assert set(evidence.largest_difference) == {"value", "style", "buys_7d", "spend_30d"}
    relative = evidence.largest_difference["spend_30d"] / made.heads[3].scores(made.population).max()
    assert max(relative, *list(evidence.largest_difference.values())[:3]) <= 2 * TOLERANCE
    expected = np.concatenate([head.scores(evidence.reference_features) for head in made.heads], axis=1)
    np.testing.assert_array_equal(evidence.reference_scores, expected.astype(np.float32))
    assert 32 <= len(evidence.reference_features) <= 32 + 14
    np.testing.assert_array_equal(evidence.reference_features[-1], typical(made.population, SPECS))


def test_edge_rows() -> None:
    """Zeros, the lowest, the highest, each feature at its lowest and then far out with the others typical; defaults."""
    specs = [
        FeatureSpec(name="spend", description=""),
        FeatureSpec(name="share", description="", maximum=1.0),
        FeatureSpec(name="device", description="", vocabulary=("phone", "tablet", "desktop")),
    ]
    rows = edge_rows(np.array([[1, 0.25, 2], [3, 0.5, 2], [8, 0.5, 1]], dtype=np.float32), specs)
    assert rows.dtype == np.float32
    assert rows.tolist() == [
        [0, 0, 0],
        [1, 0.25, 1],
        [8, 0.5, 2],
        [1, 0.5, 2],
        [3, 0.25, 2],
        [3, 0.5, 1],
        [800, 0.5, 2],
        [3, 1, 2],
        [3, 0.5, 200],
        [3, 0.5, 2],
    ]


class Oracle(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """An estimator that no converter knows."""


def test_not_exportable() -> None:
    """An estimator without a converter is refused by its name, in a text that fits a screen."""
    head: Any = Value(Question("v", "v", 7, "USD"), Oracle(), {})
    with pytest.raises(NotExportable, match="cannot convert Oracle") as caught:
        build_graph([head], 2)
    assert len(str(caught.value)) < 500
