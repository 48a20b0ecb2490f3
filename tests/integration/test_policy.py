"""Shares of the visitors and labels, by a policy that is written by hand."""

import json
from collections.abc import Mapping
from pathlib import Path

import grpc
import pytest

from demo.server import Server, scoring
from protos.audience.v1 import scoring_pb2
from server.traffic import bucket
from tests.bundles import MODEL, Made, make
from tests.integration.answers import TIMEOUT_S, by_vector, status_of
from tests.integration.conftest import Start
from tests.integration.pages import read_page
from tests.integration.processes import connected
from tests.integration.test_versions import load
from tests.integration.waiting import wait_until

VISITORS = [f"visitor-{number}" for number in range(200)]
LABELS = {"stable": 1, "canary": 2}


def write_policy(repository: Path, **policy: object) -> None:
    """As an operator does."""
    (repository / MODEL / "policy.json").write_text(json.dumps(policy, indent=2), encoding="utf-8")


def split(basis_points: int) -> list[dict[str, object]]:
    """A share for the canary."""
    return [{"label": "canary", "basis_points": basis_points}]


def canaries(basis_points: int) -> set[str]:
    """The visitors who are to be in such a share."""
    return {visitor for visitor in VISITORS if bucket(f"{MODEL}/split", visitor.encode()) < basis_points}


def versions(server: Server) -> Mapping[str, tuple[int, str]]:
    """The version and the label that each visitor gets, one by one, on several connections in turn."""
    seen = {}
    for begin in range(0, len(VISITORS), 50):
        with connected(server) as client:
            for visitor in VISITORS[begin : begin + 50]:
                request = scoring_pb2.ScoreRequest(visitor=scoring_pb2.Visitor(id=visitor))
                (result,) = client.Score(request, timeout=TIMEOUT_S).results
                seen[visitor] = (result.version, result.label)
    return seen


def expected(basis_points: int, canary: int = 2) -> Mapping[str, tuple[int, str]]:
    """What they are to get."""
    chosen = canaries(basis_points)
    return {visitor: (canary, "canary") if visitor in chosen else (1, "stable") for visitor in VISITORS}


def by_label(server: Server, label: str) -> int | str:
    """The version with a label, or the status of the refusal."""
    request = scoring_pb2.ScoreRequest(selectors=[scoring_pb2.Selector(label=label)])
    with connected(server) as client:
        try:
            return client.Score(request, timeout=TIMEOUT_S).results[0].version
        except grpc.RpcError as error:
            return status_of(error)[0].name


@pytest.fixture
def split_server(repository: Path, start: Start, first: Made, second: Made) -> Server:
    """A server of two versions, of which the second gets 5 % of the visitors."""
    first.publish(repository)
    second.publish(repository)
    write_policy(repository, labels=LABELS, split=split(500))
    server = start()
    server.log.wait_for("version serves", version=1)
    return server


def test_canary_from_its_first_visitors_on(repository: Path, split_server: Server, first: Made) -> None:
    """5 % get the canary, always the same; with 50 % they still do; meanwhile no call fails."""
    assert 2 < len(canaries(500)) < 25
    assert canaries(500) < canaries(5000)
    wait_until(lambda: versions(split_server) == expected(500), "5 % get the canary")
    assert versions(split_server) == expected(500)
    with load(split_server, scoring_pb2.ScoreRequest(features=by_vector(first, first.population[0]))) as seen:
        write_policy(repository, labels=LABELS, split=split(5000))
        wait_until(lambda: versions(split_server) == expected(5000), "50 % get the canary")
    assert (set(seen.versions), seen.errors) == ({1}, [])


def test_many_at_once(split_server: Server) -> None:
    """A batch is shared as its visitors are one by one, and each result says which rows it is of."""
    wait_until(lambda: versions(split_server) == expected(500), "5 % get the canary")
    rows = [scoring_pb2.Row(visitor=scoring_pb2.Visitor(id=visitor)) for visitor in VISITORS]
    with scoring(split_server.target) as client:
        reply = client.ScoreBatch(scoring_pb2.ScoreBatchRequest(rows=rows), timeout=TIMEOUT_S)
    seen = {VISITORS[row]: (one.version, one.label) for one in reply.results for row in one.rows}
    assert seen == expected(500)
    assert all(len(one.propensities["buys_7d"].probabilities) == len(one.rows) for one in reply.results)


def test_labels(repository: Path, split_server: Server) -> None:
    """A label is asked for by name, moves to a version that was published since, and goes with the policy."""
    wait_until(lambda: by_label(split_server, "canary") == 2, "the canary is there")
    assert (by_label(split_server, "stable"), by_label(split_server, "next")) == (1, "NOT_FOUND")
    make(3).publish(repository)
    write_policy(repository, labels={**LABELS, "canary": 3}, split=split(500))
    wait_until(lambda: by_label(split_server, "canary") == 3, "the label moves")
    wait_until(lambda: versions(split_server) == expected(500, canary=3), "its share moves with it")
    (repository / MODEL / "policy.json").unlink()
    split_server.log.wait_for("version serves", version=3, replaces=1)
    assert set(versions(split_server).values()) == {(3, "")}
    wait_until(lambda: by_label(split_server, "stable") == "NOT_FOUND", "no label is left")


def test_holdout(repository: Path, split_server: Server) -> None:
    """Visitors who are held out get what is known of anybody, and are counted."""
    write_policy(repository, labels=LABELS, holdout={"basis_points": 10_000})
    request = scoring_pb2.ScoreRequest(visitor=scoring_pb2.Visitor(id="v1"))

    def degraded() -> scoring_pb2.Degradation.ValueType:
        with connected(split_server) as client:
            return client.Score(request, timeout=TIMEOUT_S).results[0].degraded

    wait_until(lambda: degraded() == scoring_pb2.DEGRADATION_HOLDOUT, "everybody is held out")
    assert f'audience_rows_held_out_total{{model="{MODEL}",version="1"}}' in read_page(split_server, "/metrics")


def test_policy_that_is_none(repository: Path, split_server: Server) -> None:
    """The one before stays, and the log says what is wrong."""
    wait_until(lambda: versions(split_server) == expected(500), "5 % get the canary")
    write_policy(repository, lables=LABELS)
    line = split_server.log.wait_for("policy refused; the one before stays", model=MODEL)
    assert "lables" in str(line["reason"])
    assert versions(split_server) == expected(500)
