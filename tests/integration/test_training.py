"""The main job on the real records: trained, published, served, and asked with the README's own client."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import json_format

from demo.server import Server, serving
from protos.audience.v1 import scoring_pb2
from server.bundle import read_description
from training import grocery, households
from training.features import Features
from training.heads import Head
from training.pipeline import Order, Trained, train

_ROOT = Path(__file__).parents[2]
_UNTIL = datetime(2017, 11, 20)  # noqa: DTZ001  # the store's local time; early, for a shorter training


@contextmanager
def silent_step(_title: str) -> Iterator[None]:
    """A stage without a sign of it."""
    yield


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one version, trained on the real records."""
    return tmp_path_factory.mktemp("trained") / "repository"


@pytest.fixture(scope="module")
def trained(repository: Path) -> Trained:
    """The version, and the estimators that it was made from."""
    repository.mkdir()
    order = Order(repository=repository, model="grocery", until=_UNTIL, without=frozenset(), names={}, seed=0)
    return train(order, silent_step)


@pytest.fixture(scope="module")
def server(trained: Trained, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of that version."""
    assert trained.folder.is_dir()
    with serving(repository, tmp_path_factory.mktemp("log") / "server.log") as running:
        running.log.wait_for("version serves")
        yield running


@pytest.fixture(scope="module")
def requests() -> list[scoring_pb2.ScoreRequest]:
    """Real households' requests."""
    return list(households.requests(_UNTIL, count=5, seed=1))


@pytest.mark.timeout(600)
def test_the_readme_client_prints_scikit_learns_scores(
    trained: Trained, server: Server, requests: list[scoring_pb2.ScoreRequest], tmp_path: Path
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
    for line, request, row in zip(printed.stdout.splitlines(), requests, _rows(requests), strict=True):
        visitor, key, probability, dollars = line.split()
        assert visitor == request.visitor.id
        assert key == keys[int(_head(trained, "customer_value").scores(row)[0, 0])]
        np.testing.assert_allclose(float(probability), _head(trained, "shops_again_7d").scores(row)[0, 0], atol=1e-5)
        np.testing.assert_allclose(float(dollars), _head(trained, "spend_90d").scores(row)[0, 0], rtol=1e-5)


def _head(trained: Trained, name: str) -> Head:
    return next(head for head in trained.heads if head.name == name)


def _rows(requests: list[scoring_pb2.ScoreRequest]) -> list[Features]:
    """The households' features as scikit-learn reads them, straight from the records; each of shape (1, width)."""
    snapshots = grocery.Records(_UNTIL).snapshots([_UNTIL])
    visitors = [int(request.visitor.id) for request in requests]
    return [snapshots.where(snapshots.visitors == visitor).features for visitor in visitors]


@pytest.mark.timeout(600)
def test_the_models_are_worth_serving(trained: Trained) -> None:
    """On records from after their training the heads beat a coin and their base rates by a wide margin."""
    outcomes = {head.name: head.evaluation for head in trained.heads if hasattr(head, "evaluation")}
    shops, redeems, spend = (outcomes[name] for name in ("shops_again_7d", "redeems_coupon_30d", "spend_90d"))
    assert _figure(shops, "roc_auc") > 0.78
    assert _figure(redeems, "roc_auc") > 0.82
    assert _figure(shops, "calibration_error") < 0.03
    assert _figure(redeems, "calibration_error") < _figure(redeems, "base_rate") / 2
    assert 0.9 < _figure(shops, "total_ratio") < 1.1
    assert _figure(spend, "spearman") > 0.75
    assert 0.85 < _figure(spend, "total_ratio") < 1.15


def _figure(evaluation: dict[str, object], name: str) -> float:
    value = evaluation[name]
    assert isinstance(value, float)
    return value
