"""The main job on the real records: trained, published, served, and asked with the README's own client."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import json_format

from demo.server import Server, serving
from protos.audience.v1 import scoring_pb2
from server.bundle import read_description
from training.configuration.configuration import find_configuration
from training.features import Features
from training.heads import Head
from training.pipeline import Order, Trained, train
from training.requests import requests as requests_of
from training.table import Table

_ROOT = Path(__file__).parents[2]
_UNTIL_MS = round(datetime(2017, 11, 20, 5, tzinfo=UTC).timestamp() * 1000)  # early, for a shorter training


class Silent:
    """Stages without a sign of them. See training.stages.Show."""

    def begin(self, title: str) -> None:
        """See Show."""

    def end(self, title: str, seconds: float, *, is_kept: bool) -> None:
        """See Show."""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one version, trained on the real records."""
    return tmp_path_factory.mktemp("trained") / "repository"


@pytest.fixture(scope="module")
def trained(repository: Path) -> Trained:
    """The version, and the estimators that it was made from."""
    repository.mkdir()
    order = Order(
        configuration=find_configuration("grocery"),
        data=None,
        repository=repository,
        model=None,
        until_ms=_UNTIL_MS,
        without=frozenset(),
        names={},
        seed=None,
        signing_key=None,
        work=repository.parent / "work",
        is_resumed=False,
    )
    return train(order, Silent())


@pytest.fixture(scope="module")
def server(trained: Trained, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of that version."""
    assert trained.folder.is_dir()
    with serving(repository, tmp_path_factory.mktemp("log") / "server.log") as running:
        running.log.wait_for("version serves")
        yield running


@pytest.fixture(scope="module")
def newest(trained: Trained) -> Table:
    """The households as of the last date."""
    return trained.material.newest


@pytest.fixture(scope="module")
def requests(newest: Table) -> list[scoring_pb2.ScoreRequest]:
    """Real households' requests."""
    return list(requests_of(newest, count=5, seed=1))


@pytest.mark.timeout(600)
def test_the_readme_client_prints_scikit_learns_scores(
    trained: Trained, newest: Table, server: Server, requests: list[scoring_pb2.ScoreRequest], tmp_path: Path
) -> None:
    """The README's Python client, run as it stands there, prints for real households what the estimators say."""
    code = re.search(r"```python\n(.*?)```", (_ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    (tmp_path / "households.jsonl").write_text("\n".join(json_format.MessageToJson(r, indent=None) for r in requests))
    client = code[1].replace("127.0.0.1:50051", server.target)
    client = client.replace("build/demo/households.jsonl", str(tmp_path / "households.jsonl"))
    (tmp_path / "client.py").write_text(client)
    printed = subprocess.run(
        [sys.executable, str(tmp_path / "client.py")], cwd=_ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    keys = [segment.key for segment in read_description(trained.folder).manifest.heads[0].segments]
    for line, request, row in zip(printed.stdout.splitlines(), requests, _rows(newest, requests), strict=True):
        visitor, key, probability, dollars = line.split()
        assert visitor == request.visitor.id
        assert key == keys[int(_head(trained, "customer_value").scores(row)[0, 0])]
        np.testing.assert_allclose(float(probability), _head(trained, "shops_again_7d").scores(row)[0, 0], atol=1e-5)
        np.testing.assert_allclose(float(dollars), _head(trained, "spend_90d").scores(row)[0, 0], rtol=1e-5)


def _head(trained: Trained, name: str) -> Head:
    return next(head for head in trained.heads if head.name == name)


def _rows(newest: Table, requests: list[scoring_pb2.ScoreRequest]) -> list[Features]:
    """The households' features as they were learnt from; each of shape (1, width)."""
    return [newest.features[newest.visitors == request.visitor.id] for request in requests]


@pytest.mark.timeout(600)
def test_the_models_are_worth_serving(trained: Trained) -> None:
    """On records from after their training the heads beat a coin and their base rates by a wide margin."""
    evaluation = json.loads((trained.folder / "evaluation.json").read_text(encoding="utf-8"))
    figures = {name: outcome["figures"] for name, outcome in evaluation["outcomes"].items()}
    shops, redeems, spend = (figures[name] for name in ("shops_again_7d", "redeems_coupon_30d", "spend_90d"))
    assert shops["roc_auc"] > 0.78
    assert redeems["roc_auc"] > 0.82
    assert shops["calibration_error"] < 0.03
    assert redeems["calibration_error"] < redeems["base_rate"] / 2
    assert 0.9 < shops["total_ratio"] < 1.1
    assert spend["spearman"] > 0.75
    assert 0.85 < spend["total_ratio"] < 1.15
    baseline = evaluation["outcomes"]["spend_90d"]["baseline"]
    assert baseline["what"].startswith("BG/NBD and Gamma-Gamma")
    assert spend["poisson_deviance"] < baseline["figures"]["poisson_deviance"]
