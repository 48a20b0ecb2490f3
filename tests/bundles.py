"""Small versions made by the real exporter, in well under a second, for tests that need one to load."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.mixture import GaussianMixture

from protos.audience.v1 import bundle_pb2
from tests.heads import Propensity, Value
from training.export.graph import build_graph
from training.export.parity import Evidence, prove
from training.features import Features, FeatureSpec
from training.heads import Head, Question
from training.keys import issue_keys
from training.manifest import Identity, build_manifest
from training.names import traits
from training.naming import Segments
from training.publish import bundle_files, publish
from training.segmentations.centroids import Centroids
from training.segmentations.mixture import Mixture
from training.segmentations.shaping import Shaping

MODEL = "shop"
SPECS = (
    FeatureSpec(name="recency_days", description="days since the last visit", unit="days", maximum=90.0),
    FeatureSpec(name="visits", description="visits", unit="visits", is_skewed=True),
    FeatureSpec(name="spend", description="money spent", unit="USD", is_skewed=True),
    FeatureSpec(name="discount_share", description="share saved by discounts", unit="share", maximum=1.0),
    FeatureSpec(name="device", description="device used most", vocabulary=("phone", "tablet", "desktop")),
)


@dataclass(frozen=True, slots=True)
class Made:
    """A version before it is published: what it is made of, and its files' contents."""

    specs: Sequence[FeatureSpec]
    heads: Sequence[Head]
    population: Features
    manifest: bundle_pb2.Manifest
    graph: bytes
    evidence: Evidence

    def files(self) -> dict[str, bytes]:
        """The version's files, with their hashes."""
        reference = (self.evidence.reference_features, self.evidence.reference_scores)
        return dict(bundle_files(self.manifest, self.graph, reference, {"made": "for tests"}))

    def publish(self, repository: Path) -> Path:
        """Puts the version into the repository."""
        repository.mkdir(parents=True, exist_ok=True)
        return publish(repository, self.manifest.model, self.manifest.version, self.files())


def make(
    version: int = 1, *, model: str = MODEL, specs: Sequence[FeatureSpec] = SPECS, seed: int | None = None
) -> Made:
    """A version with two segmentations, a propensity and a value, on features of these specs.

    Args:
        version: its number, also the seed when none is given, so that versions differ in their scores.
        model: name of the model.
        specs: features; those of SPECS have a sensible population, others are uniform in [0, 1].
        seed: of the population and of every fit.
    """
    generator = np.random.default_rng(version if seed is None else seed)
    population = make_population(specs, 400, generator)
    heads = _fit(specs, population, generator)
    graph = build_graph(heads, len(specs), population)
    evidence = prove(graph, heads, population, specs)
    identity = Identity(model, version, 0, 1_700_000_000_000, "made for tests", 1_700_000_000_000)
    manifest = build_manifest(
        identity, specs, heads, _segments(heads, specs, population, version), population, evidence
    )
    return Made(specs, heads, population, manifest, graph, evidence)


def make_population(specs: Sequence[FeatureSpec], count: int, generator: np.random.Generator) -> Features:
    """Visitors' features, shape (count, len(specs)), float32."""
    columns = {
        "recency_days": generator.uniform(0, 90, count),
        "visits": generator.poisson(8, count),
        "spend": generator.gamma(2, 60, count),
        "device": generator.integers(0, 3, count),
    }
    return np.column_stack([columns.get(spec.name, generator.uniform(0, 1, count)) for spec in specs]).astype(
        np.float32
    )


def _fit(specs: Sequence[FeatureSpec], population: Features, generator: np.random.Generator) -> list[Head]:
    seed = int(generator.integers(1 << 30))
    shaping = Shaping.fit(population, specs, [spec.name for spec in specs if not spec.vocabulary])
    shaped = shaping.apply(population)
    score = population[:, 1] / 8 + generator.normal(0, 1, len(population))
    bought = (score > np.median(score)).astype(float)
    trees = HistGradientBoostingClassifier(max_iter=20, random_state=seed)
    calibrated = CalibratedClassifierCV(trees, method="sigmoid", cv=3, ensemble=False).fit(population, bought)
    amounts = HistGradientBoostingRegressor(loss="poisson", max_iter=20, random_state=seed)
    return [
        Centroids("value", "how valuable", shaping, KMeans(3, n_init=1, random_state=seed).fit(shaped), []),
        Mixture("style", "how they buy", shaping, GaussianMixture(2, random_state=seed).fit(shaped), []),
        Propensity(Question("buys_7d", "buys within 7 days", 7), calibrated, {}),
        Value(Question("spend_30d", "spend in 30 days", 30, "USD"), amounts.fit(population, population[:, 2]), {}),
    ]


def _segments(
    heads: Sequence[Head], specs: Sequence[FeatureSpec], population: Features, version: int
) -> dict[str, Segments]:
    segmentations = [head for head in heads if isinstance(head, Centroids | Mixture)]
    return {
        head.name: Segments(
            keys=issue_keys(head.name, version, head.count),
            names=[f"{head.name} {position}" for position in range(head.count)],
            traits=[traits(population, head.assign(population), i, head.shaping, specs) for i in range(head.count)],
            labels=head.assign(population),
            retired=[],
        )
        for head in segmentations
    }
