"""A few made visitors."""

import numpy as np

from training.features import FeatureSpec
from training.table import Table

_SPECS = (
    FeatureSpec(name="x", description="x", minimum=None),
    FeatureSpec(name="device", description="device", vocabulary=("phone", "desktop")),
)


def visitors(count: int) -> Table:
    """Visitors of a number around 0, never 0, and a category, with two rows each."""
    generator = np.random.default_rng(0)
    features = np.column_stack([generator.normal(size=count), generator.integers(0, 2, count)]).astype(np.float32)
    return Table(
        specs=_SPECS,
        features=features,
        is_missing=np.zeros(features.shape, np.bool_),
        visitors=np.array([f"v{i // 2}" for i in range(count)]),
        as_of_ms=None,
        outcomes={"spend_90d": np.where(features[:, 0] > 0, features[:, 0], 0).astype(np.float64)},
        columns={},
    )
