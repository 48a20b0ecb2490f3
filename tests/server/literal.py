"""Schemas, manifests and models written out, for tests that need no graph."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from protos.audience.v1 import bundle_pb2
from server.bundle import Description
from server.head_reader import read_heads
from server.heads import FloatMatrix
from server.model import Model
from server.schema import CATEGORY, NUMBER, Schema, fingerprint, read_schema

SEGMENT = bundle_pb2.COLUMN_ROLE_SEGMENT
DISTANCE = bundle_pb2.COLUMN_ROLE_DISTANCE
MARGIN = bundle_pb2.COLUMN_ROLE_MARGIN
MEMBERSHIP = bundle_pb2.COLUMN_ROLE_MEMBERSHIP
PROBABILITY = bundle_pb2.COLUMN_ROLE_PROBABILITY
EXPECTED = bundle_pb2.COLUMN_ROLE_EXPECTED
CLASS = bundle_pb2.COLUMN_ROLE_CLASS

Role = tuple[bundle_pb2.ColumnRole.ValueType, int, int]


def number(
    name: str, unit: str = "", default: float = 0.0, minimum: float | None = None, maximum: float | None = None
) -> bundle_pb2.Feature:
    """A number."""
    return bundle_pb2.Feature(
        name=name, kind=NUMBER, unit=unit, default=default, minimum=minimum, maximum=maximum, description="as it says"
    )


def category(name: str, words: Sequence[str], other: str = "", default: float = 0.0) -> bundle_pb2.Feature:
    """A category of these words."""
    return bundle_pb2.Feature(name=name, kind=CATEGORY, vocabulary=words, other=other, default=default)


def message(*features: bundle_pb2.Feature) -> bundle_pb2.FeatureSchema:
    """A schema as a manifest has it."""
    return bundle_pb2.FeatureSchema(fingerprint=fingerprint(features), features=features)


def schema(*features: bundle_pb2.Feature) -> Schema:
    """A schema of these features."""
    return read_schema(message(*features))


def distribution(quantiles: Sequence[float] = tuple(range(101))) -> bundle_pb2.Distribution:
    """What scores are among; 0, 1 … 100 when not said."""
    return bundle_pb2.Distribution(quantiles=quantiles)


def columns(*roles: Role) -> list[bundle_pb2.ScoreColumns]:
    """Columns as (role, first, count)."""
    return [bundle_pb2.ScoreColumns(role=role, first=first, count=count) for role, first, count in roles]


def segmentation(
    *roles: Role, name: str = "value", keys: Sequence[str] = ("a", "b", "c"), first: int = 0
) -> bundle_pb2.Head:
    """A segmentation, with only the column of the segment when no roles are said."""
    return bundle_pb2.Head(
        name=name,
        kind=bundle_pb2.HEAD_KIND_SEGMENTATION,
        columns=columns(*(roles or ((SEGMENT, first, 1),))),
        segments=[bundle_pb2.SegmentFacts(key=key, name=key.upper()) for key in keys],
    )


def propensity(first: int = 0, name: str = "buys_7d") -> bundle_pb2.Head:
    """A propensity with the population's probabilities 0, 0.01 … 1."""
    return bundle_pb2.Head(
        name=name,
        kind=bundle_pb2.HEAD_KIND_PROPENSITY,
        columns=columns((PROBABILITY, first, 1)),
        distribution=distribution([i / 100 for i in range(101)]),
    )


def value(first: int = 0, name: str = "spend_30d") -> bundle_pb2.Head:
    """An amount in USD with the population's amounts 0, 1 … 100."""
    return bundle_pb2.Head(
        name=name,
        kind=bundle_pb2.HEAD_KIND_VALUE,
        columns=columns((EXPECTED, first, 1)),
        unit="USD",
        distribution=distribution(),
    )


def manifest(
    *heads: bundle_pb2.Head, score_count: int = 9, name: str = "shop", version: int = 1
) -> bundle_pb2.Manifest:
    """A manifest with these heads, and a graph of `score_count` columns."""
    return bundle_pb2.Manifest(
        model=name, version=version, graph=bundle_pb2.Graph(score_count=score_count), heads=heads
    )


class Graph:
    """What stands for a graph that ONNX Runtime has loaded.

    Args:
        score: scores for rows.
    """

    def __init__(self, score: Callable[[FloatMatrix], FloatMatrix]) -> None:
        self._score = score

    def run(self, _outputs: Sequence[str], inputs: Mapping[str, FloatMatrix]) -> list[FloatMatrix]:
        """As ONNX Runtime's."""
        (rows,) = inputs.values()
        return [self._score(rows)]


def zeros(rows: FloatMatrix) -> FloatMatrix:
    """Scores of four columns, all of them 0."""
    return np.zeros((len(rows), 4), np.float32)


def model(
    name: str = "shop",
    version: int = 1,
    *features: bundle_pb2.Feature,
    made: bundle_pb2.Manifest | None = None,
    score: Callable[[FloatMatrix], FloatMatrix] = zeros,
) -> Model:
    """A model without a graph: columns 0 segment, 1 distance, 2 probability, 3 amount, when no manifest says else.

    Args:
        name: of the model.
        version: its version.
        features: of its schema; recency_days and visits when none are given.
        made: another manifest.
        score: what stands for the graph.
    """
    heads = (segmentation((SEGMENT, 0, 1), (DISTANCE, 1, 1)), propensity(2), value(3))
    made = made or manifest(*heads, score_count=4, name=name, version=version)
    described = schema(
        *(features or (number("recency_days", "days", minimum=0, maximum=90), number("visits", "visits")))
    )
    return Model(Description(made, described, read_heads(made)), Graph(score))


def classes(first: int = 0, words: Sequence[str] = ("books", "shoes"), shares: Sequence[float] = ()) -> bundle_pb2.Head:
    """Which of these is next."""
    return bundle_pb2.Head(
        name="interest",
        kind=bundle_pb2.HEAD_KIND_CLASSES,
        columns=columns((CLASS, first, len(words))),
        classes=words,
        class_shares=shares,
    )


def levels() -> bundle_pb2.Head:
    """Segments a and b within g, which is within top; c within top alone. A visitor may be in none."""
    head = segmentation()
    head.has_outliers = True
    head.groups.extend(
        [bundle_pb2.SegmentFacts(key="top", name="Top"), bundle_pb2.SegmentFacts(key="g", name="G", parent="top")]
    )
    for segment, parent in zip(head.segments, ("g", "g", "top"), strict=True):
        segment.parent = parent
    return head
