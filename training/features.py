"""What a feature is for training: how the wire describes it, and how people speak of a segment that has much of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from protos.audience.v1 import bundle_pb2
from server.schema import CATEGORY, NUMBER, fingerprint

__all__ = ["CATEGORY", "NUMBER", "FeatureSpec", "to_schema"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpec:
    """One column of the model's input.

    Attributes:
        name: as in bundle.proto.
        description: a phrase for people.
        unit: unit of a number.
        default: what a missing value becomes.
        minimum: smallest possible value, None for no limit.
        maximum: largest possible value, None for no limit.
        vocabulary: words of a category; none for a number.
        is_skewed: whether segmentations read the logarithm of 1 + the value, as suits counts and money.
        high: words for a segment whose values are high, "" when there are no good ones.
        low: words for a segment whose values are low.
    """

    name: str
    description: str
    unit: str = ""
    default: float = 0.0
    minimum: float | None = 0.0
    maximum: float | None = None
    vocabulary: tuple[str, ...] = ()
    is_skewed: bool = False
    high: str = ""
    low: str = ""

    def to_message(self) -> bundle_pb2.Feature:
        """The feature as the manifest has it."""
        if self.vocabulary:
            return bundle_pb2.Feature(
                name=self.name,
                kind=CATEGORY,
                description=self.description,
                default=self.default,
                vocabulary=self.vocabulary,
            )
        return bundle_pb2.Feature(
            name=self.name,
            kind=NUMBER,
            unit=self.unit,
            description=self.description,
            default=self.default,
            minimum=self.minimum,
            maximum=self.maximum,
        )


def to_schema(specs: Sequence[FeatureSpec]) -> bundle_pb2.FeatureSchema:
    """The schema of these features, in their order."""
    features = [spec.to_message() for spec in specs]
    return bundle_pb2.FeatureSchema(fingerprint=fingerprint(features), features=features)
