"""A client of the Open Inference Protocol that nobody here wrote: Triton's, as it comes."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demo.server import Server
from protos.audience.v1 import scoring_pb2, scoring_pb2_grpc
from tests.bundles import Made
from tests.integration.answers import TIMEOUT_S, by_vector, expected
from tests.protos.published import recorded_fields

_ROOT = Path(__file__).parents[2]
_PYTHON = _ROOT / "build" / "oip" / "bin" / "python"
_CLIENT = Path(__file__).parent / "inference" / "client.py"
_ROWS = 3

pytestmark = pytest.mark.skipif(
    not (_ROOT / "build" / "oip" / ".installed").exists(), reason="tritonclient is not installed; make test installs it"
)


def _run(*arguments: str, given: str = "") -> Any:
    """What the client prints."""
    command = [str(_PYTHON), "-W", "error", str(_CLIENT), *arguments]
    ended = subprocess.run(command, input=given, capture_output=True, text=True, timeout=3 * TIMEOUT_S, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def answers(shared_server: Server, first: Made) -> Any:
    """What the server answers to all that the client can ask, of the first visitors."""
    return _run("ask", shared_server.target, given=json.dumps(first.population[:_ROWS].tolist()))


def test_scores_are_those_of_score(answers: Any, client: scoring_pb2_grpc.ScoringStub, first: Made) -> None:
    """All outputs are what scikit-learn computes, and what Score answers for the same visitors."""
    outputs = answers["all"]["outputs"]
    assert (answers["all"]["id"], answers["all"]["model"]) == ("page-1", "shop/1")
    for position, row in enumerate(first.population[:_ROWS]):
        wanted = np.concatenate([np.ravel(scores) for scores in expected(first, row).values()])
        np.testing.assert_allclose(outputs["scores"][position], wanted, rtol=1e-4, atol=1e-4)
        request = scoring_pb2.ScoreRequest(features=by_vector(first, row))
        scored = client.Score(request, timeout=TIMEOUT_S).results[0]
        assert outputs["buys_7d.probability"][position] == [scored.propensities["buys_7d"].probability]
        assert outputs["spend_30d.expected"][position] == [scored.values["spend_30d"].expected]
        assert outputs["value.margin"][position] == [scored.segmentations["value"].margin]


def test_single_outputs_and_callbacks(answers: Any) -> None:
    """One output alone, and the client's asynchronous call, give the same."""
    outputs = answers["all"]["outputs"]
    assert answers["one"]["outputs"] == {"buys_7d.probability": outputs["buys_7d.probability"]}
    assert answers["async"]["outputs"] == outputs


def test_what_the_client_learns(answers: Any, first: Made) -> None:
    """Readiness, metadata, configuration and statistics, as the client reads them."""
    ready = {name: answers[name] for name in ("live", "ready", "model_ready", "other_ready")}
    assert ready == {"live": True, "ready": True, "model_ready": True, "other_ready": False}
    assert answers["server"]["name"] == "audience"
    assert answers["metadata"]["inputs"] == [{"name": "features", "datatype": "FP32", "shape": ["-1", "5"]}]
    assert answers["config"]["max_batch_size"] == 50
    assert answers["config"]["input"] == [{"name": "features", "data_type": "TYPE_FP32", "dims": ["5"]}]
    names = [output["name"] for output in answers["config"]["output"]]
    assert names == [output["name"] for output in answers["metadata"]["outputs"]] == list(answers["all"]["outputs"])
    fingerprint = answers["config"]["parameters"]["schema_fingerprint"]["string_value"]
    assert fingerprint == first.manifest.schema.fingerprint
    assert [model["name"] for model in answers["statistics"]] == ["shop"]


def test_what_the_client_cannot_have(answers: Any) -> None:
    """Everything else that the client offers is refused in words."""
    refused = answers["refused"]
    codes = {name: code for name, (code, _) in refused.items()}
    assert codes.pop("unknown model") == "StatusCode.NOT_FOUND"
    assert codes.pop("wrong shape") == "StatusCode.INVALID_ARGUMENT"
    assert set(codes.values()) == {"StatusCode.UNIMPLEMENTED"}
    assert refused["wrong shape"][1] == "input 'features' has the shape [1, 1]; needed is [rows, 5]"
    assert all(text for _, text in refused.values())


def test_record_is_what_the_client_has() -> None:
    """The fields that our contract is compared with are those of the client of today."""
    theirs = _run("fields")
    record = recorded_fields()
    assert record == {name: theirs[name] for name in record}, "run `python -m tests.protos.published`"
