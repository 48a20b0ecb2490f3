"""What cannot be served is refused, with what was found and what would be right."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

from tests.training.imports.conftest import Import, visitors
from tests.training.imports.graphs import (
    NUMBERS,
    PROPENSITY,
    WIDTH,
    matrix,
    network,
    passed_on,
    plain,
    save,
    segments,
    value,
)
from training.imports import original
from training.imports.original import NotImportable

BUYS = PROPENSITY + 'output = "y"\ncolumn = 1\n'
FIRST = 'segment = {output = "y", column = 0}'


@pytest.fixture(autouse=True)
def nothing_published(tmp_path: Path) -> Iterator[None]:
    """Whatever is refused, no version appears."""
    yield
    assert list((tmp_path / "repository").iterdir()) == []


def _refused(imported: Import, path: Path, text: str) -> str:
    with pytest.raises(NotImportable) as caught:
        imported(path, text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (BUYS, "head 'buys_7d': 263 of 263 rows are wrong, the first, row 0, with "),
        (BUYS, 'a probability lies in [0, 1]; if the output is a logit, write apply = "sigmoid" or apply = "softmax"'),
        (segments(FIRST), "a segment is a whole number from 0 to 2; if the graph gives labels, say them: label = …"),
        (segments(FIRST, "label = 1", "label = 2", "label = 4"), "must be one of those in the file, [1, 2, 4]; -1 is"),
        (segments(FIRST, 'label = "a"', 'label = "b"', 'label = "c"'), "gives numbers, but its segments' labels are"),
        (segments('memberships = {output = "y"}'), "a probability lies in [0, 1]"),
        (segments('memberships = {output = "half"}'), "with 1.5; a row's memberships have the sum 1"),
        (segments('memberships = {output = "y", columns = [0, 1]}'), "head 'stage' takes 3 of the 3 columns of the "),
        (
            segments('memberships = {output = "y", columns = [0, 1]}'),
            ", one for each segment, but gets 2; say which wi",
        ),
        (segments('distances = {output = "minus"}'), "a distance or a margin is at least 0"),
        (value("spend", "y") + "column = 3", "the output 'y' has 3 columns, from 0 to 2; the file says [3]"),
        (value("spend", "y"), "head 'spend' takes 1 of the 3 columns of the output 'y', one for each number, but gets"),
        (
            value("spend", "absent"),
            "head 'spend' is to be the output 'absent', which the graph does not have: 'y' is f",
        ),
        (
            value("spend", "cube"),
            "for 263 rows the output 'cube' has the shape [263, 3, 1]; needed is [263] or [263, c",
        ),
        (value("spend", "row"), "for 263 rows the output 'row' has the shape [1, 3]"),
        (value("spend", "nan") + "column = 0", "with nan; a score is a finite number; look at the range"),
        (value("spend", "other") + "column = 0", "several rows at once and the same row alone should give the same"),
    ],
)
def test_heads(imported: Import, tmp_path: Path, head: str, message: str) -> None:
    """A head that the graph does not answer is refused by its name."""
    constants = [
        numpy_helper.from_array(np.array([2]), "axes"),
        numpy_helper.from_array(np.array(0, dtype=np.float32), "zero"),
        numpy_helper.from_array(np.array(0.5, dtype=np.float32), "one_half"),
    ]
    nodes = [
        helper.make_node("Identity", ["x"], ["y"]),
        helper.make_node("Neg", ["x"], ["minus"]),
        helper.make_node("Unsqueeze", ["x", "axes"], ["cube"]),
        helper.make_node("ReduceMax", ["x"], ["row"], axes=[0]),
        helper.make_node("Log", ["minus"], ["nan"]),
        helper.make_node("Add", ["x", "row"], ["other"]),
        helper.make_node("Mul", ["x", "zero"], ["zeros"]),
        helper.make_node("Add", ["zeros", "one_half"], ["half"]),
    ]
    outputs = [matrix(name, WIDTH) for name in ("y", "minus", "nan", "other", "half")]
    outputs += [helper.make_tensor_value_info("cube", TensorProto.FLOAT, ["rows", 3, 1]), matrix("row", 3, rows=1)]
    path = save(tmp_path / "many.onnx", nodes, [matrix("x", WIDTH)], outputs, constants)
    assert message in _refused(imported, path, plain(2, 5) + head)


def test_maps(imported: Import, tmp_path: Path) -> None:
    """A classifier that was converted with ZipMap is refused with how to convert it without."""
    rows = visitors(50)
    path = tmp_path / "maps.onnx"
    onnx.save(to_onnx(LogisticRegression().fit(rows, rows[:, 0] > 45), rows[:1]), path)
    said = _refused(imported, path, NUMBERS + PROPENSITY + 'output = "output_probability"\ncolumn = 1')
    assert "head 'buys_7d': the output 'output_probability' is a sequence" in said
    assert 'options={"zipmap": False}' in said


def test_texts(imported: Import, tmp_path: Path) -> None:
    """Labels that are words need to be said, and the sentence has one of them."""
    rows = visitors(50)
    path = tmp_path / "words.onnx"
    classifier = LogisticRegression().fit(rows, np.where(rows[:, 0] > 45, "gone", "here"))
    onnx.save(to_onnx(classifier, rows[:1], options={"zipmap": False}), path)
    said = _refused(imported, path, NUMBERS + segments('segment = {output = "label"}'))
    assert "the output 'label' gives texts; give each segment its label, such as label = " in said


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (
            {"rows": 8},
            "the input 'input' is float [8, 3], so many rows at a time and no other number; export it with a ",
        ),
        (
            {"rows": 1, "reshape": [1, 1]},
            "made for one row at a time and cannot run several; export it with a dynamic ",
        ),
        ({"reshape": [1, 1]}, "ONNX Runtime cannot run the graph as it is: "),
        ({"last": "Nowhere"}, "is no valid ONNX file: No Op registered for Nowhere"),
    ],
)
def test_networks(imported: Import, tmp_path: Path, graph: dict[str, Any], message: str) -> None:
    """A graph that takes only so many rows, or cannot run, is refused with how to export it."""
    path = network(tmp_path / "net.onnx", **graph)
    assert message in _refused(imported, path, NUMBERS + PROPENSITY + 'output = "output"')


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            plain(0, 1) + '[[features]]\nname = "more"\ndefault = 0\n',
            "'x' is float [rows, 3], and the file lists 4 fea",
        ),
        (
            plain(0, 1).replace('"f2"', '"f2"\ninput = "z"'),
            "feature 'f2' is for the input 'z', which the graph does no",
        ),
    ],
)
def test_features(imported: Import, tmp_path: Path, columns: str, message: str) -> None:
    """Features that are not the graph's inputs are refused, with what the graph takes."""
    assert message in _refused(imported, passed_on(tmp_path / "same.onnx"), columns + BUYS)


def test_words_for_a_number(imported: Import, tmp_path: Path) -> None:
    """An input of texts takes categories alone."""
    path = passed_on(tmp_path / "same.onnx", element=TensorProto.STRING)
    assert "takes texts; f0, f1, f2 must be of the kind category" in _refused(imported, path, plain(0, 1) + BUYS)


def test_unknown_operators(imported: Import, tmp_path: Path) -> None:
    """Operators of a library that the server has not are refused by name."""
    nodes = [helper.make_node("Magic", ["x"], ["y"], domain="com.example")]
    model = helper.make_model(
        helper.make_graph(nodes, "graph", [matrix("x", WIDTH)], [matrix("y", WIDTH)]),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)],
    )
    onnx.save(model, tmp_path / "magic.onnx")
    said = _refused(imported, tmp_path / "magic.onnx", plain(0, 1) + BUYS)
    assert "the operator Magic of 'com.example', which ONNX Runtime runs only with a library of its own" in said


def test_old_operators(imported: Import, tmp_path: Path) -> None:
    """What is older than ONNX Runtime promises to run is refused."""
    path = passed_on(tmp_path / "same.onnx", opset=6)
    assert "is of opset 6; export it with opset 7 or newer" in _refused(imported, path, plain(0, 1) + BUYS)


@pytest.mark.parametrize("content", [b"", b"no graph", b"\x08\x07"])
def test_other_files(imported: Import, tmp_path: Path, content: bytes) -> None:
    """A file that is no graph is said to be none."""
    path = tmp_path / "file.onnx"
    path.write_bytes(content)
    assert "file.onnx" in _refused(imported, path, plain(0, 1) + BUYS)


def test_absent_weights(imported: Import, tmp_path: Path) -> None:
    """Weights that should lie beside the graph, and do not, are said to be absent."""
    path = tmp_path / "big.onnx"
    graph = onnx.load(network(tmp_path / "net.onnx"))
    onnx.save_model(graph, path, save_as_external_data=True, location="big.bin", size_threshold=0)
    (tmp_path / "big.bin").unlink()
    said = _refused(imported, path, NUMBERS + PROPENSITY + 'output = "output"')
    assert "cannot be read as an ONNX file with its weights: " in said
    assert "big.bin" in said


def test_too_large(imported: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that a server would not read is refused before anything is tried."""
    monkeypatch.setattr(original, "_LARGEST_BYTES", 100)
    said = _refused(imported, network(tmp_path / "net.onnx"), NUMBERS + PROPENSITY + 'output = "output"')
    assert "bytes with its weights; a version holds at most 100" in said


def test_other_files_are_not_read(imported: Import, tmp_path: Path) -> None:
    """Weights are looked for beside the graph and below, and nowhere else."""
    (tmp_path / "inner").mkdir()
    graph = onnx.load(network(tmp_path / "net.onnx"))
    path = tmp_path / "inner" / "big.onnx"
    onnx.save_model(graph, path, save_as_external_data=True, location="big.bin", size_threshold=0)
    model = onnx.load(path, load_external_data=False)
    (tmp_path / "inner" / "big.bin").rename(tmp_path / "big.bin")
    for constant in model.graph.initializer:
        constant.external_data[0].value = "../big.bin"
    path.write_bytes(model.SerializeToString())
    assert "cannot be read as an ONNX file" in _refused(imported, path, NUMBERS + PROPENSITY + 'output = "output"')
