"""Small tables of visitors for segmentations."""

import numpy as np
import numpy.typing as npt

from training.features import Features, FeatureSpec
from training.table import Table

SPECS = (
    FeatureSpec(name="recency_days", description="days since the last basket", unit="days"),
    FeatureSpec(name="tenure_days", description="days since the first basket", unit="days"),
    FeatureSpec(name="baskets", description="baskets", unit="baskets", is_skewed=True),
    FeatureSpec(name="spend", description="spend", unit="USD", is_skewed=True),
    FeatureSpec(name="gap_days", description="mean days between baskets", unit="days"),
    FeatureSpec(name="daypart", description="part of the day", vocabulary=("morning", "noon", "evening")),
)


def table_of(features: Features | npt.NDArray[np.float64]) -> Table:
    """Visitors with these features, of whom nothing else is known."""
    return Table(
        specs=SPECS,
        features=features.astype(np.float32),
        is_missing=np.zeros(features.shape, dtype=bool),
        visitors=np.arange(len(features)).astype(np.str_),
        as_of_ms=None,
        outcomes={},
        columns={},
    )


def shoppers(count: int = 500, seed: int = 0) -> Table:
    """Shoppers as they come: few who buy much, many who buy little."""
    generator = np.random.default_rng(seed)
    baskets = generator.geometric(0.15, count)
    tenure = generator.uniform(0, 365, count)
    columns = [
        tenure * generator.beta(1, 4, count),
        tenure,
        baskets,
        np.round(baskets * generator.lognormal(3, 0.6, count), 2),
        tenure / baskets,
        generator.integers(0, 3, count),
    ]
    return table_of(np.column_stack(columns))
