"""python -m training import."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from server.bundle import read_description
from tests.training.imports.conftest import visitors
from tests.training.imports.graphs import NUMBERS, PROPENSITY, boosted_trees, matrix, network, save, segments
from training import __main__ as trainer
from training.imports.draft import draft
from training.imports.order import read_order

TEXT = 'model = "shop"\n' + NUMBERS + PROPENSITY + 'output = "output"\n'


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    try:
        status = trainer.main(["import", *map(str, arguments)])
    except SystemExit as end:
        status = int(end.code or 0)
    return (status, *capsys.readouterr())


@pytest.fixture
def files(tmp_path: Path) -> list[object]:
    """The arguments of an import that works."""
    network(tmp_path / "net.onnx")
    (tmp_path / "net.toml").write_text(TEXT, encoding="utf-8")
    return [tmp_path / "net.onnx", "--config", tmp_path / "net.toml", "--repository", tmp_path / "new" / "repository"]


def test_published(files: list[object], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A version appears, and the command says what it is and what it was compared on."""
    status, out, _ = _run(capsys, *files)
    folder = tmp_path / "new" / "repository" / "shop" / "1"
    assert status == 0
    assert out.startswith(
        f"Published {folder}\n  compared with the original on 262 rows drawn within the features' ranges"
    )
    assert "too few rows for percentiles" in out
    assert "buys_7d (propensity): buys within 7 days" in out
    assert read_description(folder).manifest.heads[0].horizon_days == 7
    evaluation = json.loads((folder / "evaluation.json").read_text())
    assert evaluation["import"]["rows_are_drawn"] is True
    assert evaluation["import"]["file"] == "net.onnx"


def test_said_of_real_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With real rows the command says how many visitors are in each segment, and whether it is new."""
    rows = visitors(200)
    rows[:20, 0] = 100
    np.save(tmp_path / "rows.npy", rows)
    text = segments('segment = {output = "label"}', "label = 1", "label = 0", "label = 7")
    (tmp_path / "trees.toml").write_text(f'model = "shop"\nrows = "rows.npy"\n{NUMBERS}{text}', encoding="utf-8")
    arguments = [boosted_trees(tmp_path / "trees.onnx"), "--config", tmp_path / "trees.toml", "--repository", tmp_path]
    _, out, _ = _run(capsys, *arguments)
    assert "on 200 rows and 6 at the edges" in out
    assert "recency_days: missing or out of range in 20 rows, where the default stands" in out
    assert re.search(r"stage-1-1 new: New, \d+% of the rows; recency_days ", out)
    _, out, _ = _run(capsys, *arguments)
    assert "stage-1-1 kept: New" in out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("net.toml", "[["), "net.toml, end of document: this is no TOML: "),
        (("net.toml", TEXT.replace('"output"', '"absent"')), "head 'buys_7d' is to be the output 'absent', which"),
        (("net.toml", TEXT.replace("default = 2", "")), "feature 'visits': default is needed"),
        (("net.onnx", "no graph"), "cannot be read as an ONNX file"),
        (("new", "a file"), "nothing was published: "),
    ],
)
def test_refused(
    files: list[object], tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], message: str
) -> None:
    """What cannot be imported ends with status 1, and the last line says why."""
    (tmp_path / change[0]).write_text(change[1], encoding="utf-8")
    status, out, err = _run(capsys, *files)
    assert (status, out) == (1, "")
    assert err.startswith("nothing was published: ")
    assert message in err
    assert not list(tmp_path.rglob("manifest.json"))


def test_wrong_arguments(files: list[object], capsys: pytest.CaptureFixture[str]) -> None:
    """A file alone is not enough, but to be described; the help says so."""
    status, _, err = _run(capsys, files[0])
    assert status == 2
    assert "--config and --repository are needed, or --describe" in err
    status, out, _ = _run(capsys, "--help")
    assert status == 0
    assert out.startswith("usage: python -m training import")


def test_described(files: list[object], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The graph's inputs and outputs are printed, and a file that can be read once its gaps are filled."""
    status, out, _ = _run(capsys, files[0], "--describe")
    assert status == 0
    assert "#   takes 'input': float [batch, 3]\n#   gives 'output': float [batch, 1]\n" in out
    filled = tmp_path / "draft.toml"
    filled.write_text(out.replace('name = "TODO"', 'name = "buys"'), encoding="utf-8")
    order = read_order(filled)
    assert [column.feature.name for column in order.columns] == ["feature_0", "feature_1", "feature_2"]
    assert order.heads[0].picks["number"].output == "output"
    assert _run(capsys, tmp_path / "absent.onnx", "--describe")[0] == 1


def test_described_inputs(tmp_path: Path) -> None:
    """Of several inputs each feature says its own, by its name."""
    inputs = [matrix("Age", 1), matrix("Device", 1, element=8)]
    text = draft(save(tmp_path / "two.onnx", [], inputs, [matrix("Age", 1)]))
    assert 'name = "age"\nunit = "TODO"\ndefault = 0\ninput = "Age"' in text
    assert 'name = "device"\nkind = "category"\nvocabulary = ["TODO"]\ninput = "Device"' in text
