"""What a feature is for training: how the wire describes it, and how people speak of a segment that has much of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from protos.audience.v1 import bundle_pb2
from server.schema import CATEGORY, NUMBER, fingerprint

Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpec:
    """One column of the model's input.

    Attributes:
        name: as in bundle.proto.
        description: a phrase for people.
        unit: unit of a number.
        minimum: smallest possible value, None for no limit.
        maximum: largest possible value, None for no limit.
        vocabulary: words of a category; none for a number.
        other: the word of the vocabulary that stands for words outside it, "" when they are missing values.
        is_skewed: whether segmentations read the logarithm of 1 + the value, as suits counts and money.
        high: words for a segment whose values are high, "" when there are no good ones.
        low: words for a segment whose values are low.
        purpose: what a visitor must have consented to for it to be known, "" for what needs no consent of its own.
    """

    name: str
    description: str
    unit: str = ""
    minimum: float | None = 0.0
    maximum: float | None = None
    vocabulary: tuple[str, ...] = ()
    other: str = ""
    is_skewed: bool = False
    high: str = ""
    low: str = ""
    purpose: str = ""

    def to_message(self, default: float) -> bundle_pb2.Feature:
        """The feature as the manifest has it; a missing value becomes the default."""
        if self.vocabulary:
            return bundle_pb2.Feature(
                name=self.name,
                kind=CATEGORY,
                description=self.description,
                default=default,
                vocabulary=self.vocabulary,
                other=self.other,
            )
        return bundle_pb2.Feature(
            name=self.name,
            kind=NUMBER,
            unit=self.unit,
            description=self.description,
            default=default,
            minimum=self.minimum,
            maximum=self.maximum,
        )


def typical(features: Features, specs: Sequence[FeatureSpec]) -> Features:
    """What a missing value becomes, shape (width,): the median of a number, the most frequent word of a category.

    Args:
        features: shape (n, width), the population.
        specs: one for each column.
    """
    columns = zip(features.T, specs, strict=True)
    return np.array([_mode(c) if spec.vocabulary else np.median(c) for c, spec in columns], dtype=np.float32)


def _mode(codes: Features) -> float:
    return float(np.bincount(codes.astype(np.int64)).argmax())


def to_schema(specs: Sequence[FeatureSpec], defaults: Features) -> bundle_pb2.FeatureSchema:
    """The schema of these features, in their order, with their defaults, shape (width,)."""
    features = [spec.to_message(default) for spec, default in zip(specs, defaults.tolist(), strict=True)]
    return bundle_pb2.FeatureSchema(fingerprint=fingerprint(features), features=features)
