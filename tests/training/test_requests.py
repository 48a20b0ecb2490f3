import pytest
from google.protobuf import json_format

from protos.audience.v1 import scoring_pb2
from tests.training import shop
from tests.training.test_command import TINY
from training.requests import main


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a configuration; of the visitor v0003 it is not known how often they came."""
    folder = tmp_path_factory.mktemp("requests")
    rows = shop.records(count=150)
    rows[3] = {**rows[3], "visits": ""}
    shop.write_records(folder / "shop.csv", rows)
    (folder / "shop.toml").write_text(TINY)
    return str(folder / "shop.toml")


def _written(config: str, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, scoring_pb2.ScoreRequest]:
    assert main(["--config", config, *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    found = [json_format.Parse(line, scoring_pb2.ScoreRequest()) for line in out.splitlines()]
    return {request.visitor.id: request for request in found}


def test_requests(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is a Score request of another visitor, with what the file says of them, by name."""
    requests = _written(config, capsys, "--count", "1000")
    assert len(requests) == 150
    for row in shop.records(count=150):
        request = requests[str(row["customer"])]
        assert request.request_id == f"visitor-{row['customer']}"
        assert dict(request.features.categories) == {"country": row["country"]}
        numbers = {name: row[name] for name in shop.FEATURES if name != "country"}
        if row["customer"] == "v0003":
            del numbers["visits"]
        assert dict(request.features.numbers) == pytest.approx(numbers, rel=1e-6)


def test_the_seed_draws(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The same seed draws the same visitors in the same order, another one others."""
    one, again, other = (list(_written(config, capsys, "--count", "5", "--seed", seed)) for seed in ("3", "3", "4"))
    assert one == again != other
    assert len(one) == len(other) == 5


def test_none(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is written where nobody is asked for."""
    assert _written(config, capsys, "--count", "0") == {}
