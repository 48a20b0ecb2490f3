"""ModelInfer on the models of tests/server/literal.py."""

import pytest

from server.counters import Counters, Shape
from server.inference.infer import Inference
from server.metrics import Metrics
from server.registry import Registry
from tests.server import asking
from tests.server.literal import model

NOW_MS = 1_700_000_000_123


@pytest.fixture
def inference(registry: Registry) -> Inference:
    """The method, for "shop", which has recency_days and visits; its clock stands still."""
    return Inference(registry, most_rows=asking.MOST_ROWS, clock=lambda: NOW_MS * 1_000_000)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A registry of the same for many examples."""
    counters = Counters.create(tmp_path_factory.mktemp("lasting") / "counters", Shape(rows=1))
    registry = Registry(Metrics(counters.row(0)))
    registry.publish([model("shop", 3)], {}, frozenset())
    return registry
