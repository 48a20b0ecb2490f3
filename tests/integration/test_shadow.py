"""A shadow version on a server that runs: everybody is answered by the other, and metrics say how they differ."""

from pathlib import Path

import numpy as np
import pytest

from demo.server import Server, scoring
from protos.audience.v1 import policy_pb2, scoring_pb2
from server.policy_file import replace_policy
from server.repository import POLICY_FILE
from tests.bundles import MODEL, Made
from tests.integration.answers import TIMEOUT_S, assert_same, by_vector, expected
from tests.integration.conftest import Start
from tests.integration.pages import read_page
from tests.integration.processes import total
from tests.integration.waiting import wait_until
from training.features import Features

COUNT = 40


def start_with_shadow(repository: Path, start: Start, first: Made, second: Made, *flags: str) -> Server:
    """A server on which the first version answers everybody, and the second scores all of it too."""
    for made in (first, second):
        made.publish(repository)
    shadow = policy_pb2.Shadow(label="next", basis_points=10_000)
    policy = policy_pb2.Policy(labels={"stable": 1, "next": 2}, shadow=shadow)
    replace_policy(repository / MODEL / POLICY_FILE, policy)
    server = start(*flags)
    server.log.wait_for("version serves", version=1)
    series = f'audience_shadow_rows_total{{model="{MODEL}",version="2"}} 0.0'
    wait_until(lambda: series in read_page(server, "/metrics"), "the shadow is there")
    return server


def shown(server: Server, name: str, **labels: str) -> float:
    """A metric of version 2 as the shadow."""
    return total(server, f"audience_shadow_{name}_total", model=MODEL, version="2", **labels)


def numbers(made: Made, rows: Features, head: str) -> Features:
    """What scikit-learn says of each row, by one head."""
    return np.array([expected(made, row)[head][0] for row in rows])


@pytest.mark.parametrize("transport", ["inline", "core", "threads"])
def test_shadow(repository: Path, start: Start, first: Made, second: Made, transport: str) -> None:
    """Everybody is answered as without it; it scores every request too, and what differs is what differs in truth."""
    server = start_with_shadow(repository, start, first, second, "--transport", transport)
    rows = first.population[:COUNT]
    with scoring(server.target) as client:
        for row in rows:
            request = scoring_pb2.ScoreRequest(features=by_vector(first, row))
            (result,) = client.Score(request, timeout=TIMEOUT_S).results
            assert (result.version, result.label) == (1, "stable")
            assert_same(first, row, result)
    wait_until(lambda: shown(server, "rows") == COUNT, "the shadow has scored all")
    assert (shown(server, "dropped"), shown(server, "failures")) == (0, 0)
    answered = [total(server, "audience_rows_total", model=MODEL, version=version) for version in ("1", "2")]
    assert answered == [COUNT, 0]
    assert [shown(server, "compared", head=head.name) for head in first.heads] == [COUNT] * len(first.heads)
    for head in ("buys_7d", "spend_30d"):
        apart = np.abs(numbers(first, rows, head) - numbers(second, rows, head)).sum()
        assert shown(server, "deviation", head=head) == pytest.approx(apart, rel=1e-3)
    assert shown(server, "differences", head="value") == COUNT  # each version of the test has keys of its own
