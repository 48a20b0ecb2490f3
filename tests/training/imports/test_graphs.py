"""Graphs of many makers are served as they were."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests.training.imports.conftest import Import, original, served, visitors
from tests.training.imports.graphs import (
    NUMBERS,
    PROPENSITY,
    WIDTH,
    boosted_trees,
    matrix,
    network,
    passed_on,
    plain,
    save,
    segments,
    value,
)
from training.features import Features


def test_network(imported: Import, tmp_path: Path) -> None:
    """A network from PyTorch gives what it gave, bit for bit."""
    path = network(tmp_path / "net.onnx")
    model = served(imported(path, NUMBERS + PROPENSITY + 'output = "output"'))
    rows = visitors(50)
    np.testing.assert_array_equal(model.run(rows), original(path, {"input": rows}, "output"))


def test_boosted_trees(imported: Import, tmp_path: Path) -> None:
    """A classifier of LightGBM with old operator sets gives the second class's probability, and its label a segment."""
    path = boosted_trees(tmp_path / "trees.onnx")
    label = segments('segment = {output = "label"}', "label = 1", "label = 0", "label = 7")
    text = NUMBERS + PROPENSITY + 'output = "probabilities"\ncolumn = 1\n' + label
    rows = visitors(50)
    scores = served(imported(path, text)).run(rows)
    np.testing.assert_array_equal(scores[:, 0], original(path, {"input": rows}, "probabilities")[:, 1])
    np.testing.assert_array_equal(scores[:, 1], 1 - original(path, {"input": rows}, "label"))
    assert 0 < scores[:, 1].mean() < 1


def test_clusters(imported: Import, tmp_path: Path) -> None:
    """Of k-means the label, the distance to its centre, and the margin to the next one are served."""
    rows = visitors(300)
    clusters = make_pipeline(StandardScaler(), KMeans(3, n_init=1, random_state=0)).fit(rows)
    path = tmp_path / "clusters.onnx"
    onnx.save(to_onnx(clusters, rows[:1], target_opset=18), path)
    text = NUMBERS + segments('segment = {output = "label"}\ndistances = {output = "scores"}')
    scores = served(imported(path, text)).run(rows)
    distances = np.sort(clusters.transform(rows), axis=1)
    np.testing.assert_array_equal(scores[:, 0], clusters.predict(rows))
    np.testing.assert_allclose(scores[:, 1], distances[:, 0], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(scores[:, 2], distances[:, 1] - distances[:, 0], rtol=1e-3, atol=1e-3)


def test_words(imported: Import, tmp_path: Path) -> None:
    """A graph with an input for each column of a table, words among them, and with words as labels."""
    rows = visitors(200)
    words = np.array(["phone", "tablet", "desktop"])[rows[:, 2].astype(int)]
    table = np.column_stack([rows[:, :2].astype(object), words])
    stages = np.where(rows[:, 0] > 60, "Gone", np.where(rows[:, 1] > 4, "Often", "Rare"))
    one_hot = make_column_transformer((OneHotEncoder(), [2]), (StandardScaler(), [0, 1]))
    classifier = make_pipeline(one_hot, LogisticRegression()).fit(table, stages)
    types = [(name, FloatTensorType([None, 1])) for name in ("recency_days", "visits")]
    types.append(("device", StringTensorType([None, 1])))
    path = tmp_path / "words.onnx"
    onnx.save(to_onnx(classifier, initial_types=types, options={"zipmap": False}, target_opset=18), path)
    picks = 'segment = {output = "label"}\nmemberships = {output = "probabilities", columns = [2, 1, 0]}'
    text = NUMBERS + segments(picks, 'label = "Rare"', 'label = "Often"', 'label = "Gone"')
    scores = served(imported(path, text)).run(rows)
    feed: dict[str, object] = {"recency_days": rows[:, :1], "visits": rows[:, 1:2], "device": table[:, 2:]}
    labels = original(path, feed, "label")
    assert np.array(["Rare", "Often", "Gone"])[scores[:, 0].astype(int)].tolist() == labels.tolist()
    np.testing.assert_array_equal(scores[:, 2:], original(path, feed, "probabilities")[:, ::-1])


def test_doubles(imported: Import, tmp_path: Path) -> None:
    """A graph that takes and gives doubles is given them, and its answer is rounded."""
    rows = visitors(200)
    spend = rows[:, 1] * 10 + 1
    path = tmp_path / "spend.onnx"
    regressor = make_pipeline(StandardScaler(), PoissonRegressor()).fit(rows.astype(float), spend)
    onnx.save(to_onnx(regressor, initial_types=[("X", DoubleTensorType([None, WIDTH]))], target_opset=18), path)
    scores = served(imported(path, NUMBERS + value("spend", "variable"))).run(rows)
    expected = original(path, {"X": rows.astype(np.float64)}, "variable")
    np.testing.assert_array_equal(scores, expected.astype(np.float32))


@pytest.mark.parametrize("element", [TensorProto.INT64, TensorProto.INT32, TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_other_types(imported: Import, tmp_path: Path, element: int) -> None:
    """Numbers of other types are made of the features, and floats of them."""
    path = passed_on(tmp_path / "same.onnx", element=element)
    model = served(imported(path, NUMBERS + segments('segment = {output = "y", column = 2}')))
    rows = np.floor(visitors(9))
    np.testing.assert_array_equal(model.run(rows)[:, 0], rows[:, 2])


DISTANCES = arrays.arrays(np.float32, st.tuples(st.integers(1, 9), st.just(3)), elements=st.floats(0, 1000, width=32))


@pytest.mark.parametrize("opset", [7, 9, 10, 11, 13, 17, 22])
def test_best_of_distances(imported: Import, tmp_path: Path, opset: int) -> None:
    """The nearest segment, its distance and its margin follow from distances, also ties, in every operator set."""
    path = passed_on(tmp_path / "same.onnx", opset=opset)
    model = served(imported(path, plain(0, 1000) + segments('distances = {output = "y"}')))

    @settings(max_examples=20)
    @given(rows=DISTANCES)
    def check(rows: Features) -> None:
        ordered = np.sort(rows, axis=1)
        expected = np.column_stack([rows.argmin(axis=1), ordered[:, 0], ordered[:, 1] - ordered[:, 0]])
        np.testing.assert_array_equal(model.run(rows), expected.astype(np.float32))

    check()


@pytest.mark.parametrize(
    ("apply", "expected"),
    [
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x[:, 1]))),
        ("softmax", lambda x: np.exp(x[:, 1]) / np.exp(x).sum(axis=1)),
    ],
)
def test_logits(imported: Import, tmp_path: Path, apply: str, expected: Any) -> None:
    """Logits become probabilities on request, one of several classes' too."""
    path = passed_on(tmp_path / "same.onnx")
    text = plain(-5, 5) + PROPENSITY + f'output = "y"\ncolumn = 1\napply = "{apply}"'
    rows = np.random.default_rng(0).uniform(-5, 5, (20, 3)).astype(np.float32)
    np.testing.assert_allclose(served(imported(path, text)).run(rows)[:, 0], expected(rows), rtol=1e-5)


def test_names_like_ours(imported: Import, tmp_path: Path) -> None:
    """A graph whose tensors have the names of our input and output, also within a branch, is served all the same."""
    scores, twice = helper.make_node("Add", ["scores", "scores"], ["then"]), matrix("then", WIDTH)
    then = helper.make_graph([scores], "then", [], [twice])
    other = helper.make_graph([helper.make_node("Identity", ["features"], ["else"])], "else", [], [matrix("else", 3)])
    flag = numpy_helper.from_array(np.array(True), "audience/flag")
    nodes = [
        helper.make_node("Identity", ["features"], ["scores"]),
        helper.make_node("If", ["audience/flag"], ["doubled"], then_branch=then, else_branch=other),
    ]
    inputs, outputs = [matrix("features", WIDTH)], [matrix("doubled", WIDTH), matrix("scores", WIDTH)]
    path = save(tmp_path / "ours.onnx", nodes, inputs, outputs, [flag])
    values = "".join(value(output, output) + "column = 1\n" for output in ("doubled", "scores"))
    rows = visitors(5)
    scores_ = served(imported(path, NUMBERS + values)).run(rows)
    np.testing.assert_array_equal(scores_, np.column_stack([2 * rows[:, 1], rows[:, 1]]))


def test_an_imported_graph_again(imported: Import, tmp_path: Path) -> None:
    """What was wrapped once can be wrapped again."""
    first = imported(network(tmp_path / "net.onnx"), NUMBERS + PROPENSITY + 'output = "output"')
    second = imported(first.folder / "model.onnx", NUMBERS + PROPENSITY + 'output = "scores"')
    rows = visitors(5)
    np.testing.assert_array_equal(served(second).run(rows), served(first).run(rows))
    assert second.manifest.version == 2


def test_one_row_at_a_time(imported: Import, tmp_path: Path) -> None:
    """A graph that was exported for one row serves several when it gives each the same."""
    path = network(tmp_path / "net.onnx", rows=1)
    rows = visitors(20)
    scores = served(imported(path, NUMBERS + PROPENSITY + 'output = "output"')).run(rows)
    alone = [original(path, {"input": row[None]}, "output") for row in rows]
    np.testing.assert_allclose(scores, np.concatenate(alone), rtol=1e-5)


def test_weights_in_another_file(imported: Import, tmp_path: Path) -> None:
    """Weights beside the graph's file are in the version's one file."""
    path = network(tmp_path / "net.onnx")
    big = tmp_path / "big.onnx"
    onnx.save_model(onnx.load(path), big, save_as_external_data=True, location="big.bin", size_threshold=0)
    assert (tmp_path / "big.bin").exists()
    rows = visitors(5)
    one = imported(big, NUMBERS + PROPENSITY + 'output = "output"')
    (tmp_path / "big.bin").unlink()
    np.testing.assert_array_equal(served(one).run(rows), original(path, {"input": rows}, "output"))


def test_vectors(imported: Import, tmp_path: Path) -> None:
    """An input that is one column without a second dimension is given one; so is an output."""
    names = ("recency_days", "visits", "device")
    nodes = [helper.make_node("Sum", list(names), ["y"])]
    path = save(tmp_path / "vectors.onnx", nodes, [matrix(name, None) for name in names], [matrix("y", None)])
    rows = visitors(20)
    scores = served(imported(path, NUMBERS + value("total", "y"))).run(rows)
    np.testing.assert_array_equal(scores[:, 0], rows[:, 0] + rows[:, 1] + rows[:, 2])


def test_old_format(imported: Import, tmp_path: Path) -> None:
    """A file of the third format, whose constants are inputs too, takes the features alone."""
    path = network(tmp_path / "net.onnx")
    model = onnx.load(path)
    model.ir_version = 3
    model.opset_import[0].version = 9
    model.graph.input.extend(
        helper.make_tensor_value_info(one.name, one.data_type, list(one.dims)) for one in model.graph.initializer
    )
    onnx.save(model, path)
    rows = visitors(20)
    scores = served(imported(path, NUMBERS + PROPENSITY + 'output = "output"')).run(rows)
    np.testing.assert_array_equal(scores, original(path, {"input": rows}, "output"))


def test_functions(imported: Import, tmp_path: Path) -> None:
    """Functions that the file itself defines, as PyTorch's newer exporter does, are served."""
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("pkg.torch", 1)]
    body = [helper.make_node("Sigmoid", ["scores"], ["features"])]
    function = helper.make_function("pkg.torch", "squash", ["scores"], ["features"], body, opsets[:1])
    nodes = [helper.make_node("squash", ["features"], ["scores"], domain="pkg.torch")]
    graph = helper.make_graph(nodes, "graph", [matrix("features", WIDTH)], [matrix("scores", WIDTH)])
    path = tmp_path / "functions.onnx"
    onnx.save(helper.make_model(graph, functions=[function], opset_imports=opsets, ir_version=9), path)
    rows = visitors(20)
    one = imported(path, NUMBERS + PROPENSITY + 'output = "scores"\ncolumn = 1')
    np.testing.assert_array_equal(served(one).run(rows)[:, 0], original(path, {"features": rows}, "scores")[:, 1])
    assert (one.manifest.graph.opset, one.manifest.graph.smallest_runtime) == (18, "1.22.0")


def test_newer_than_the_oldest_runtime(imported: Import, tmp_path: Path) -> None:
    """What the oldest ONNX Runtime may not know is recorded as needing the one that it was tried with."""
    path = passed_on(tmp_path / "same.onnx", opset=23)
    one = imported(path, plain(0, 1) + value("first", "y") + "column = 0")
    assert one.manifest.graph.smallest_runtime == onnxruntime.__version__
