"""What the parts of a condition are while it is read, before each has found the other that it needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from training.features import Features, FeatureSpec
from training.segmentations.expressions import Constant, Feature, Number, Truth, amounts

_NEAR = 2.0  # far beyond 0 and 1, and no number for which float32 is too small


@dataclass(frozen=True, slots=True)
class Word:
    """A word in quotes."""

    text: str
    what = "a word"


@dataclass(frozen=True, slots=True)
class Category:
    """A feature whose values are words."""

    spec: FeatureSpec
    column: Feature
    what = "a category"


@dataclass(frozen=True, slots=True)
class Numeric:
    """A number."""

    number: Number
    what = "a number"


@dataclass(frozen=True, slots=True)
class Logical:
    """A condition."""

    truth: Truth
    what = "a condition"


@dataclass(frozen=True, slots=True)
class Share:
    """Where a share of the population ends: top(10%) at 0.9."""

    text: str
    share: float
    what = "a threshold, which can only be compared with a number, as in spend > top(10%)"


@dataclass(frozen=True, slots=True)
class Percentile:
    """The percentile of a number."""

    of: Number
    text: str
    what = "a percentile, which can only be compared with a number from 0 to 100, as in percentile(spend) >= 90"


Operand = Word | Category | Numeric | Logical | Share | Percentile


def numeric(number: Number, *operands: Number) -> Numeric:
    """A number as an operand, computed at once where all that it is made of is constant.

    A constant that float32 cannot tell from 0 or 1 is that: ONNX Runtime's optimizer leaves out what adds such a 0 or
    multiplies by such a 1, of float64 too. (measured with onnxruntime 1.31)
    """
    if not all(isinstance(operand, Constant) for operand in operands):
        return Numeric(number)
    value = float(amounts(number, np.empty((1, 0), dtype=np.float32))[0])
    near = float(np.float32(value)) if abs(value) < _NEAR else value
    return Numeric(Constant(near if near in {0.0, 1.0} else value))


@dataclass(frozen=True, slots=True)
class Population:
    """Whom the thresholds are taken of.

    Attributes:
        features: shape (n, width), n > 0; None where a text is only checked, and all thresholds are 0.
        thresholds: in words, each that was taken; a dict for its order.
    """

    features: Features | None
    thresholds: dict[str, None] = field(default_factory=dict)

    def quantile(self, number: Number, share: float, text: str) -> Constant:
        """The smallest value that this share of the population does not exceed."""
        threshold = self.quantiles(number, [share])[0]
        self.thresholds[f"{text} = {threshold:g}"] = None
        return Constant(threshold)

    def bands(self, number: Number, count: int, text: str) -> tuple[float, ...]:
        """Where all bands but the last end, each with as much of the population as ties allow."""
        thresholds = self.quantiles(number, [band / count for band in range(1, count)])
        self.thresholds[f"{text} ends at {', '.join(f'{threshold:g}' for threshold in thresholds)}"] = None
        return tuple(thresholds)

    def quantiles(self, number: Number, shares: Sequence[float]) -> list[float]:
        """Values of the population, one for each share."""
        if self.features is None:
            return [0.0] * len(shares)
        values: list[float] = np.quantile(amounts(number, self.features), shares, method="inverted_cdf").tolist()
        return values
