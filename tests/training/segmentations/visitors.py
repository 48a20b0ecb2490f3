"""Visitors whose segments are known or real, and what a head's graph answers about them."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from server.model import INPUT, OUTPUT, open_graph
from training.export.graph import build_graph
from training.features import Features, FeatureSpec
from training.heads import Head
from training.segmentations.shaping import Shaping
from training.table import Table

SESSIONS = Path(__file__).parents[4] / "shared/data/online_shoppers_intention.csv"

SPECS = (
    FeatureSpec(name="x", description="x", minimum=None),
    FeatureSpec(name="y", description="y", minimum=None),
    FeatureSpec(name="money", description="money", is_skewed=True),
)


def blobs(sizes: tuple[int, ...], seed: int = 0) -> Features:
    """Blobs far apart on a circle, one for each size."""
    generator = np.random.default_rng(seed)
    angles = 2 * np.pi * np.arange(len(sizes)) / len(sizes)
    centres = 10 * np.column_stack([np.cos(angles), np.sin(angles)])
    points = [generator.normal(centre, 0.3, (size, 2)) for centre, size in zip(centres, sizes, strict=True)]
    return np.concatenate(points).astype(np.float32)


def plane(features: Features) -> Shaping:
    """The shaping of x and y."""
    return Shaping.fit(features, SPECS[:2], ["x", "y"])


def table(features: Features, specs: Sequence[FeatureSpec] = SPECS[:2]) -> Table:
    """Rows of as many visitors."""
    return Table(
        specs=specs,
        features=features,
        is_missing=np.zeros(features.shape, dtype=bool),
        visitors=np.arange(len(features)).astype(str),
        as_of_ms=None,
        outcomes={},
        columns={},
    )


def answers(head: Head, features: Features) -> Features:
    """What the head's graph says of these rows."""
    graph = build_graph([head], features.shape[1])
    scores: Features = open_graph(graph).run([OUTPUT], {INPUT: features})[0]
    return scores


def sessions() -> Table:
    """12,330 real sessions in a shop, in an order by chance; skipped by name where the file is missing."""
    if not SESSIONS.is_file():
        pytest.skip(f"{SESSIONS.name} is not there")
    with SESSIONS.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])[:10]  # the columns that are numbers: pages, seconds, rates, value, nearness of a holiday
    plain = {"BounceRates", "ExitRates", "SpecialDay"}
    specs = [FeatureSpec(name=name, description=name, is_skewed=name not in plain) for name in names]
    features = np.array([[float(row[name]) for name in names] for row in rows], dtype=np.float32)
    return table(features[np.random.default_rng(0).permutation(len(features))], specs)
