"""Clients that nobody here wrote: Node's grpc-js, and grpcurl, which knows nothing but what reflection tells it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import json_format

from demo.server import Server
from protos.audience.v1 import scoring_pb2
from tests.bundles import Made
from tests.integration.answers import TIMEOUT_S, assert_same, by_name, by_vector

_NODE = Path(__file__).parent / "node"
_GRPCURL = Path(sys.executable).parent / "grpcurl"


@pytest.fixture(scope="module")
def requests(first: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of requests, the first visitor by name and the second by vector."""
    read = (by_name, by_vector)
    messages = [
        scoring_pb2.ScoreRequest(visitor=scoring_pb2.Visitor(id=str(i)), features=read[i](first, first.population[i]))
        for i in range(2)
    ]
    path = tmp_path_factory.mktemp("requests") / "requests.jsonl"
    lines = [json_format.MessageToJson(m, indent=None, preserving_proto_field_name=True) for m in messages]
    path.write_text("\n".join(lines))
    return path


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_node(shared_server: Server, first: Made, requests: Path) -> None:
    """Node's client gets the scores of scikit-learn."""
    assert (_NODE / "node_modules").is_dir(), "its packages are missing; make test installs them"
    command = ["node", str(_NODE / "score.mjs"), shared_server.target, str(requests)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=2 * TIMEOUT_S, check=False)
    assert ended.returncode == 0, ended.stderr
    for i, line in enumerate(ended.stdout.splitlines()):
        answer = json.loads(line)
        assert answer.pop("visitor") == str(i)
        assert_same(first, first.population[i], _read(answer))


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_node_sees_the_error(shared_server: Server, tmp_path: Path) -> None:
    """Node's client gets the code and the words of the error table."""
    (tmp_path / "requests.jsonl").write_text('{"selectors": [{"model": "churn"}]}')
    command = ["node", str(_NODE / "score.mjs"), shared_server.target, str(tmp_path / "requests.jsonl")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=2 * TIMEOUT_S, check=False)
    assert (ended.returncode, ended.stderr.strip()) == (1, "NOT_FOUND: no model 'churn' here; there is shop")


def _read(answer: dict[str, object]) -> scoring_pb2.ModelScores:
    """What Node printed, as the message; Node writes an absent message as null."""
    known = {key: value for key, value in answer.items() if value is not None}
    return json_format.ParseDict(known, scoring_pb2.ModelScores(), ignore_unknown_fields=True)


@pytest.mark.skipif(not _GRPCURL.exists(), reason="grpcurl's package has no binary for this platform")
def test_grpcurl(shared_server: Server, first: Made, requests: Path) -> None:
    """A client that learns the contract by reflection gets the scores of scikit-learn."""
    for i, line in enumerate(requests.read_text().splitlines()):
        ended = grpcurl("-d", "@", shared_server.target, "audience.v1.Scoring/Score", given=line)
        assert ended.returncode == 0, ended.stderr
        reply = json_format.Parse(ended.stdout, scoring_pb2.ScoreReply())
        assert_same(first, first.population[i], reply.results[0])


@pytest.mark.skipif(not _GRPCURL.exists(), reason="grpcurl's package has no binary for this platform")
def test_grpcurl_describes_the_service(shared_server: Server) -> None:
    """Reflection lists the services and describes their methods."""
    listed = grpcurl(shared_server.target, "list").stdout.split()
    assert {"audience.v1.Scoring", "grpc.health.v1.Health"} <= set(listed)
    assert "rpc ScoreBatch" in grpcurl(shared_server.target, "describe", "audience.v1.Scoring").stdout


def grpcurl(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """What grpcurl says."""
    command = [str(_GRPCURL), "-plaintext", *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
