"""Small real versions of one model, made once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from prometheus_client import CollectorRegistry

from server.counters import Counters, Shape
from server.lifecycle import Lifecycle
from server.metrics import Metrics
from server.registry import Registry
from server.scoring import Scoring
from server.scrape import CountersCollector
from tests import bundles
from tests.server import asking, damage
from tests.server.literal import model, number

law = settings(derandomize=True, deadline=None)  # the same examples on every machine, however slow it is


@dataclass(frozen=True, slots=True)
class Versions:
    """Published versions to copy from."""

    folders: Sequence[Path]

    def put(self, repository: Path, version: int, model: str = bundles.MODEL) -> Path:
        """Copies the version into another repository."""
        return next(
            damage.copy(folder, repository)
            for folder in self.folders
            if (folder.parent.name, folder.name) == (model, str(version))
        )


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    """Versions 1, 2 and 3 of "shop", the first with the features in another order, and version 1 of "app"."""
    root = tmp_path_factory.mktemp("published")
    made = (
        bundles.make(1, specs=bundles.SPECS[::-1]),
        bundles.make(2),
        bundles.make(3),
        bundles.make(1, model="app", seed=4),
    )
    return Versions([one.publish(root) for one in made])


@pytest.fixture
def folder(versions: Versions, tmp_path: Path) -> Path:
    """A good version 2 of "shop", to be spoilt."""
    return versions.put(tmp_path / "repository", 2)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a server counts, and where it can be read."""

    counters: Counters
    registry: CollectorRegistry
    metrics: Metrics
    lifecycle: Lifecycle

    def sample(self, name: str, **labels: str) -> float:
        """A metric's value; 0 before it exists."""
        return self.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    """Counters of a server of one worker."""
    counters = Counters.create(tmp_path / "counters", Shape(rows=2))
    registry = CollectorRegistry()
    registry.register(CountersCollector(counters))
    return Measured(counters, registry, Metrics(counters.row(0)), Lifecycle(counters.row(1), registry))


@pytest.fixture
def metrics(measured: Measured) -> Metrics:
    """A worker's metrics."""
    return measured.metrics


@pytest.fixture
def registry(metrics: Metrics) -> Registry:
    """Version 3 of "shop", which has recency_days and visits, alone."""
    registry = Registry(metrics)
    registry.publish([model("shop", 3)], {}, frozenset({"soon"}))
    return registry


@pytest.fixture
def scoring(registry: Registry) -> Scoring:
    """The methods."""
    return Scoring(registry, most_rows=asking.MOST_ROWS, error_code=lambda error: asking.CODES[type(error)])


@pytest.fixture
def with_app(registry: Registry) -> None:
    """Adds version 1 of "app", which has visits alone."""
    shop, app = model("shop", 3), model("app", 1, number("visits", "visits"))
    schemas = {one.description.schema.fingerprint: one.description.schema for one in (shop, app)}
    registry.publish([shop, app], schemas, frozenset({"soon"}))
