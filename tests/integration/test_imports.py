"""docs/import.md as it stands there: models made elsewhere, published by the commands, and asked of a real server."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow.csv
import pytest

from demo.server import Server, scoring, serving
from protos.audience.v1 import scoring_pb2
from tests.integration.answers import TIMEOUT_S

_ROOT = Path(__file__).parents[2]
_GUIDE = (_ROOT / "docs" / "import.md").read_text(encoding="utf-8")
_DEVICES = ["phone", "tablet", "desktop"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the guide's commands write, in place of build/import."""
    return tmp_path_factory.mktemp("import")


@pytest.fixture(scope="module")
def printed(folder: Path) -> str:
    """What the guide's commands print, one after the other."""
    commands = [line.removeprefix("$ ") for line in _GUIDE.splitlines() if line.startswith("$ .venv/bin/python ")]
    assert len(commands) == 5
    texts = []
    for command in commands:
        words = command.replace(".venv/bin/python", sys.executable).replace("build/import", str(folder)).split()
        done = subprocess.run(words, cwd=_ROOT, capture_output=True, text=True, timeout=60, check=True)
        texts.append(done.stdout.replace(str(folder), "build/import"))
    return "".join(texts)


@pytest.fixture(scope="module")
def server(printed: str, folder: Path) -> Iterator[Server]:
    """A server of what the guide publishes."""
    assert printed
    with serving(folder / "repository", folder / "server.log") as running:
        running.log.wait_for("version serves", model="churn")
        running.log.wait_for("version serves", model="stages")
        yield running


def test_the_guide_prints_what_it_says(printed: str) -> None:
    """The guide's output is that of its commands, but for figures, which depend on libraries' versions."""
    said = "".join(f"{line}\n" for block in re.findall(r"```console\n(.*?)```", _GUIDE, re.DOTALL)
                   for line in block.splitlines() if not line.startswith("$ "))  # fmt: skip
    assert _without_figures(said) == _without_figures(printed)


def _without_figures(text: str) -> list[str]:
    return [re.sub(r"[\d.,]+", "#", line).rstrip() for line in text.splitlines() if line.strip()]


def test_answers_are_the_files(server: Server, folder: Path) -> None:
    """Score answers with what ONNX Runtime gives for the files as they came from their makers."""
    table = pyarrow.csv.read_csv(folder / "visitors.csv").slice(0, 50)
    recency, visits, device = (table[name].to_pylist() for name in ("recency_days", "visits", "device"))
    codes = [_DEVICES.index(word) for word in device]
    rows = np.column_stack([recency, visits, codes]).astype(np.float32)
    churn = onnxruntime.InferenceSession(folder / "churn.onnx").run(["probabilities"], {"X": rows})[0]
    labels, distances = onnxruntime.InferenceSession(folder / "stages.onnx").run(None, {"X": rows[:, :2]})
    ordered = np.sort(distances, axis=1)
    with scoring(server.target) as client:
        for i in range(len(rows)):
            request = scoring_pb2.ScoreRequest(
                selectors=[scoring_pb2.Selector(model=name) for name in ("churn", "stages")]
            )
            request.features.numbers.update({"recency_days": recency[i], "visits": visits[i]})
            request.features.categories["device"] = device[i]
            by_model = {result.model: result for result in client.Score(request, timeout=TIMEOUT_S).results}
            stage = by_model["stages"].segmentations["stage"]
            assert by_model["churn"].propensities["leaves_30d"].probability == churn[i, 1]
            assert stage.key == f"stage-1-{labels[i] + 1}"
            assert stage.distance == ordered[i, 0]
            assert stage.margin == ordered[i, 1] - ordered[i, 0]


def test_percentiles(server: Server) -> None:
    """With real rows there is a percentile among them, too."""
    request = scoring_pb2.ScoreRequest(selectors=[scoring_pb2.Selector(model="churn")])
    request.features.numbers.update({"recency_days": 365, "visits": 0})
    with scoring(server.target) as client:
        leaves = client.Score(request, timeout=TIMEOUT_S).results[0].propensities["leaves_30d"]
    assert leaves.percentile > 90
