"""Made visitors whose truth is known, for heads that learn what is never seen."""

import numpy as np

from training.features import FeatureSpec
from training.heads import BoolArray, FloatArray
from training.learners import Sample

SPECS = (
    FeatureSpec(name="x", description="x", minimum=None),
    FeatureSpec(name="y", description="y", minimum=None),
    FeatureSpec(name="device", description="device", vocabulary=("phone", "tablet", "desktop")),
)


def visitors(count: int, seed: int) -> Sample:
    """Visitors of two numbers and a category, to whom nothing happened."""
    generator = np.random.default_rng(seed)
    features = np.column_stack([generator.normal(size=(count, 2)), generator.integers(0, 3, count)])
    names = np.array([f"v{i:05}" for i in range(count)])
    return Sample(specs=SPECS, features=features.astype(np.float32), happened=np.zeros(count), visitors=names)


def campaign(count: int, seed: int) -> tuple[Sample, BoolArray, FloatArray]:
    """A campaign with half of the visitors treated at random, and the effect on each: +0.4 where x > 0, else -0.1."""
    sample, generator = visitors(count, seed), np.random.default_rng(seed + 1)
    treated = generator.random(count) < 0.5
    effect = np.where(sample.features[:, 0] > 0, 0.4, -0.1)
    happened = (generator.random(count) < 0.3 + treated * effect).astype(np.float64)
    made = Sample(specs=SPECS, features=sample.features, happened=happened, visitors=sample.visitors)
    return made, treated, effect


def audience(count: int, seed: int, listed: float) -> tuple[Sample, BoolArray]:
    """Visitors of whom those with x + y > 1 belong; so many of them are listed, regardless of who they are."""
    sample, generator = visitors(count, seed), np.random.default_rng(seed + 1)
    belongs = sample.features[:, 0] + sample.features[:, 1] > 1
    happened = (belongs & (generator.random(count) < listed)).astype(np.float64)
    return Sample(specs=SPECS, features=sample.features, happened=happened, visitors=sample.visitors), belongs
