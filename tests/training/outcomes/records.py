"""Generated visitors whose outcomes follow a known law, and real ones where the records are at hand."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from training.features import Features, FeatureSpec
from training.table import Table

SPECS = (
    FeatureSpec(name="spend", description="money spent", unit="EUR", is_skewed=True),
    FeatureSpec(name="visits", description="visits", is_skewed=True),
    FeatureSpec(name="drift", description="change of interest", minimum=None),
    FeatureSpec(name="device", description="device", vocabulary=("phone", "tablet", "desktop")),
    FeatureSpec(name="share", description="share of evenings", maximum=1.0),
    FeatureSpec(name="balance", description="many, nearly equal", minimum=None),
)
WORDS = ("shoes", "books", "garden", "toys")
DAY_MS = 86_400_000
DATA = Path(__file__).parents[4] / "shared" / "data"


def draw(count: int, seed: int) -> Features:
    """Features; those of the last column are a few float32 steps apart, where rounding a threshold tells."""
    generator = np.random.default_rng(seed)
    columns = (
        generator.gamma(1, 50, count),
        generator.poisson(3, count),
        generator.normal(size=count),
        generator.integers(0, 3, count),
        generator.uniform(size=count).round(2),
        1e6 + generator.normal(0, 0.2, count),
    )
    return np.column_stack(columns).astype(np.float32)


def leaning(features: Features) -> npt.NDArray[np.float64]:
    """The log odds of buying, shape (n,)."""
    wide = features.astype(np.float64)
    lean: npt.NDArray[np.float64] = np.log1p(wide[:, 0]) / 2 + wide[:, 2] - (wide[:, 3] == 1) - 3 + (wide[:, 5] > 1e6)
    return lean


def table(count: int, seed: int = 0, *, rows_each: int = 2) -> Table:
    """Rows without times, so many of each visitor, with an event, a class and an amount."""
    generator = np.random.default_rng(seed + 1000)
    features = draw(count, seed)
    lean = leaning(features)
    return Table(
        specs=SPECS,
        features=features,
        is_missing=np.zeros(features.shape, dtype=bool),
        visitors=np.array([f"v{i // rows_each}" for i in range(count)]),
        as_of_ms=None,
        outcomes={
            "buys": (generator.random(count) < 1 / (1 + np.exp(-lean))).astype(np.float64),
            "next": np.digitize(lean + generator.normal(size=count), [-2.0, -1.0, 0.0]).astype(np.float64),
            "spends": generator.gamma(2, 1, count) * np.exp(lean),
        },
        columns={},
    )


def weekly(count: int, weeks: int, seed: int = 0) -> Table:
    """The same, each visitor in every one of so many weeks."""
    made = table(count * weeks, seed, rows_each=weeks)
    return replace(made, as_of_ms=np.tile(np.arange(weeks) * 7 * DAY_MS, count))


def of_file(name: str, label: str, *, left_out: tuple[str, ...] = ()) -> Table:
    """The records of a file with a header; texts are categories, blanks the median. Skips where it is missing."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not at hand")
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    specs, columns = [], []
    for column in rows[0]:
        if column == label or column in left_out:
            continue
        spec, values = _column(column, [row[column].strip() for row in rows])
        specs.append(spec)
        columns.append(values)
    features = np.column_stack(columns).astype(np.float32)
    return Table(
        specs=specs,
        features=features,
        is_missing=np.zeros(features.shape, dtype=bool),
        visitors=np.array([f"v{i}" for i in range(len(rows))]),
        as_of_ms=None,
        outcomes={"buys": np.array([row[label].lower() in {"true", "yes"} for row in rows], dtype=np.float64)},
        columns={},
    )


def _column(name: str, texts: list[str]) -> tuple[FeatureSpec, npt.NDArray[np.float64]]:
    try:
        values = np.array([float(text) if text else np.nan for text in texts])
    except ValueError:
        words = sorted(set(texts))
        codes = np.array([words.index(text) for text in texts], dtype=np.float64)
        return FeatureSpec(name=name.lower(), description=name, vocabulary=tuple(words)), codes
    values = np.where(np.isnan(values), np.nanmedian(values), values)
    is_skewed = bool(values.min() >= 0 and values.max() > 20)
    return FeatureSpec(name=name.lower(), description=name, minimum=None, is_skewed=is_skewed), values
