import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from protos.audience.v1 import bundle_pb2
from server.bundle import MODEL_FILE, read_bundle
from server.errors import BadBundle
from server.heads import FloatMatrix
from server.model import load_model
from server.reference import REFERENCE_FILE
from tests.server import damage
from tests.server.graphs import graph, product


def load(folder: Path, largest_batch: int = 1) -> object:
    """Verifies, builds, replays and warms."""
    return load_model(read_bundle(folder), largest_batch=largest_batch)


def store(folder: Path, features: FloatMatrix, scores: FloatMatrix) -> None:
    """Replaces the reference rows."""
    np.savez(folder / REFERENCE_FILE, features=features, scores=scores)
    damage.rehash(folder)


def test_loaded_model_answers_as_training_did(folder: Path) -> None:
    """The reference rows get their scores, one at a time as well as together."""
    bundle = read_bundle(folder)
    model = load_model(bundle, largest_batch=5)
    assert (model.name, model.version) == ("shop", 2)
    rows, scores = bundle.reference.features, bundle.reference.scores
    np.testing.assert_allclose(model.run(rows), scores, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.run(rows[3:4]), scores[3:4], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "of ONNX's operator set 0; the manifest says 18", id="empty"),
        pytest.param(b"garbage" * 99, "the graph is no ONNX model (a serialized ModelProto)", id="garbage"),
        pytest.param(
            graph([helper.make_node("NoSuchOperator", ["features"], ["scores"])]),
            "ONNX Runtime refuses the graph",
            id="unknown operator",
        ),
        pytest.param(graph([product()], rows=["rows", 4]), "ONNX Runtime refuses", id="graph against itself"),
        pytest.param(
            graph([helper.make_node("Identity", ["features"], ["scores"])], scores=["rows", 5]),
            "the manifest needs",
            id="fewer scores",
        ),
        pytest.param(graph([product(given="rows")], input_name="rows"), "the manifest needs", id="name of the input"),
        pytest.param(graph([product(answer="out")], output_name="out"), "the manifest needs", id="name of the output"),
        pytest.param(graph([product()], rows=["rows", "columns"]), "the manifest needs", id="width is open"),
        pytest.param(graph([product()]), "does not give the reference rows their scores", id="another graph"),
        pytest.param(graph([product()], rows=[3, 5], scores=[3, 9]), "ONNX Runtime cannot run", id="number of rows"),
        pytest.param(
            graph([helper.make_node("Identity", ["always"], ["scores"])], scores=["any", 9]),
            "the graph gives scores of shape (1, 9)",
            id="one row for all",
        ),
    ],
)
def test_bad_graphs_are_refused(folder: Path, data: bytes, reason: str) -> None:
    """A graph that is refused, of another shape or with other answers does not load, though its hash is right."""
    damage.rewrite(folder, MODEL_FILE, data)
    with pytest.raises(BadBundle) as caught:
        load(folder)
    assert reason in str(caught.value)


def test_graph_for_one_row_is_refused_when_it_warms(folder: Path) -> None:
    """A graph that gives the one reference row its scores, but cannot run a batch, does not load."""
    damage.rewrite(folder, MODEL_FILE, graph([product()], rows=[1, 5], scores=[1, 9]))
    store(folder, np.eye(1, 5, dtype=np.float32), np.ones((1, 9), np.float32))
    load(folder, largest_batch=1)
    with pytest.raises(BadBundle, match="ONNX Runtime cannot run the graph"):
        load(folder, largest_batch=2)


def test_scores_that_differ_are_refused(folder: Path) -> None:
    """One score beyond the tolerance is enough, and the error says which."""
    reference = read_bundle(folder).reference
    scores = reference.scores.copy()
    scores[4, 8] += 1
    store(folder, reference.features, scores)
    with pytest.raises(BadBundle, match=rf"1 of {scores.size} differ, first row 4, column 8: .* instead of"):
        load(folder)


@pytest.mark.parametrize(("divided", "score"), [("none", "nan"), ("wide", "inf")])
def test_scores_that_are_no_numbers_are_refused(folder: Path, divided: str, score: str) -> None:
    """NaN equals nothing, and an infinite score is within no tolerance of a number."""
    none = helper.make_node("Sub", ["wide", "wide"], ["none"])
    over = helper.make_node("Div", [divided, "none"], ["scores"])
    damage.rewrite(folder, MODEL_FILE, graph([product(answer="wide"), none, over]))
    store(folder, np.eye(3, 5, dtype=np.float32), np.ones((3, 9), np.float32))
    with pytest.raises(BadBundle, match=f"27 of 27 differ, first row 0, column 0: {score} instead of 1"):
        load(folder)


@pytest.mark.parametrize("segment", [-1.0, 0.5, 3.0, 1e9])
def test_segments_that_are_none_are_refused(folder: Path, segment: float) -> None:
    """A graph that gives a reference row a segment which the manifest has not does not load, though training agrees."""
    damage.rewrite(folder, MODEL_FILE, graph([product()]))
    rows = np.eye(3, 5, dtype=np.float32)
    rows[2] *= segment
    store(folder, rows, np.repeat(rows.sum(axis=1, keepdims=True), 9, axis=1))
    wanted = rf"head 'value' gives row 2 the segment {re.escape(f'{segment:g}')}; needed is a whole number from 0 to 2"
    with pytest.raises(BadBundle, match=wanted):
        load(folder)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda m: m.ClearField("parity"), id="none"),
        pytest.param(lambda m: setattr(m.parity, "absolute_tolerance", float("nan")), id="NaN"),
        pytest.param(lambda m: setattr(m.parity, "absolute_tolerance", -1), id="negative"),
    ],
)
def test_tolerance_that_allows_nothing(folder: Path, change: Callable[[bundle_pb2.Manifest], object]) -> None:
    """Without a sensible tolerance a difference is a difference."""
    reference = read_bundle(folder).reference
    store(folder, reference.features, np.nextafter(reference.scores, np.float32(1e9)))
    load(folder)
    damage.edit(folder, change)
    with pytest.raises(BadBundle, match="differ"):
        load(folder)


@pytest.mark.parametrize(
    ("runtime", "reason"),
    [
        ("99.0.0", f"needs ONNX Runtime 99.0.0 or newer; here is {onnxruntime.__version__}"),
        ("99", "needs ONNX Runtime 99 or newer"),
        ("", "smallest_runtime is ''; needed is a version such as '1.22.0'"),
        ("new", "smallest_runtime is 'new'"),
        ("1.22.0rc1", "smallest_runtime is '1.22.0rc1'"),
    ],
)
def test_runtime_that_is_too_old_is_refused(folder: Path, runtime: str, reason: str) -> None:
    """A graph that needs a newer runtime, or does not say which, is refused before it is built."""
    damage.edit(folder, lambda manifest: setattr(manifest.graph, "smallest_runtime", runtime))
    with pytest.raises(BadBundle) as caught:
        load(folder)
    assert reason in str(caught.value)


@pytest.mark.parametrize("runtime", ["1", "1.9", "1.9.1", onnxruntime.__version__])
def test_runtime_that_is_new_enough(folder: Path, runtime: str) -> None:
    """Versions are compared as numbers: 1.22 is newer than 1.9."""
    damage.edit(folder, lambda manifest: setattr(manifest.graph, "smallest_runtime", runtime))
    load(folder)
