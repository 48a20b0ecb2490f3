"""What a vector of features means: names, kinds, units, vocabularies, defaults, ranges, and the fingerprint of it."""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from protos.audience.v1 import bundle_pb2
from server.errors import BadBundle

FloatVector = npt.NDArray[np.float32]
PositionVector = npt.NDArray[np.intp]

NUMBER = bundle_pb2.FEATURE_KIND_NUMBER
CATEGORY = bundle_pb2.FEATURE_KIND_CATEGORY
_KIND_WORDS = {NUMBER: "number", CATEGORY: "category"}
_NAME = re.compile(r"[a-z0-9_]{1,64}")
_KNOWN_SCHEMAS = 16  # that are kept: a model's next version mostly has the one that the last had


@dataclass(frozen=True)
class Schema:
    """The columns of `features`, in order, ready for reading rows.

    Attributes:
        fingerprint: 32 hexadecimal digits, as bundle.proto defines it.
        features: one bundle.proto Feature for each column.
    """

    fingerprint: str
    features: tuple[bundle_pb2.Feature, ...]

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.features)

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Column of each feature, by name."""
        return {feature.name: position for position, feature in enumerate(self.features)}

    @cached_property
    def codes(self) -> Mapping[str, Mapping[str, int]]:
        """Position of each word in its vocabulary, by the category's name."""
        return {
            feature.name: {word: code for code, word in enumerate(feature.vocabulary)}
            for feature in self.features
            if feature.kind == CATEGORY
        }

    @cached_property
    def category_columns(self) -> PositionVector:
        """Columns that hold categories."""
        return np.array([i for i, feature in enumerate(self.features) if feature.kind == CATEGORY], dtype=np.intp)

    @cached_property
    def defaults(self) -> FloatVector:
        """What a missing value becomes, shape (width,)."""
        return np.array([feature.default for feature in self.features], dtype=np.float32)

    @cached_property
    def lowest(self) -> FloatVector:
        """Smallest value in range, shape (width,); the smallest finite one where there is no limit."""
        return np.nan_to_num(np.array([_lowest(feature) for feature in self.features], dtype=np.float32))

    @cached_property
    def highest(self) -> FloatVector:
        """Largest value in range, shape (width,); the largest finite one where there is no limit."""
        return np.nan_to_num(np.array([_highest(feature) for feature in self.features], dtype=np.float32))

    def code(self, feature: bundle_pb2.Feature, word: str) -> int | None:
        """Position of the word in the category's vocabulary, that of `other` if it has one, else None."""
        codes = self.codes[feature.name]
        return codes.get(word, codes[feature.other] if feature.other else None)


def fingerprint(features: Iterable[bundle_pb2.Feature]) -> str:
    """The fingerprint of a schema, as bundle.proto defines it at FeatureSchema.fingerprint.

    >>> fingerprint([bundle_pb2.Feature(name="recency_days", kind=NUMBER, unit="days")])
    'e0bf9dd9977b4e90f2de657a7467e429'
    """
    lines = ["audience-schema-1"]
    lines += ["\t".join((f.name, _KIND_WORDS[f.kind], f.unit, *f.vocabulary)) for f in features]
    text = "".join(f"{line}\n" for line in lines)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def read_schema(message: bundle_pb2.FeatureSchema) -> Schema:
    """The schema of a manifest, checked: the same object for the same message, so that readers of it are made once.

    Raises:
        BadBundle: it contradicts itself. The text names the feature.
    """
    return _read(message.SerializeToString())


@lru_cache(_KNOWN_SCHEMAS)
def _read(serialized: bytes) -> Schema:
    message = bundle_pb2.FeatureSchema.FromString(serialized)
    if not message.features:
        raise BadBundle("the schema has no features; it needs at least one")
    for feature in message.features:
        _check_feature(feature)
    names = [feature.name for feature in message.features]
    if len(set(names)) != len(names):
        raise BadBundle(f"the schema names a feature twice: {sorted({n for n in names if names.count(n) > 1})}")
    actual = fingerprint(message.features)
    if actual != message.fingerprint:
        raise BadBundle(f"the schema's fingerprint is {message.fingerprint!r}, but its features give {actual!r}")
    return Schema(actual, tuple(message.features))


def _check_feature(feature: bundle_pb2.Feature) -> None:
    if not _NAME.fullmatch(feature.name):
        raise BadBundle(f"feature {feature.name!r} must be 1 to 64 of a-z, 0-9 and _")
    if feature.kind not in _KIND_WORDS:
        raise BadBundle(f"feature {feature.name!r} is neither a number nor a category")
    _check_words(feature)
    if not math.isfinite(feature.default) or not _lowest(feature) <= feature.default <= _highest(feature):
        raise BadBundle(
            f"feature {feature.name!r} has the default {feature.default:g}, "
            f"outside its range {_lowest(feature):g} to {_highest(feature):g}"
        )
    if feature.kind == CATEGORY and not feature.default.is_integer():
        raise BadBundle(f"category {feature.name!r} has the default {feature.default:g}, which is no position")


def _check_words(feature: bundle_pb2.Feature) -> None:
    words: Sequence[str] = feature.vocabulary
    if (feature.kind == CATEGORY) != bool(words):
        raise BadBundle(f"feature {feature.name!r}: a category has a vocabulary, and a number has none")
    if len(set(words)) != len(words):
        raise BadBundle(f"the vocabulary of {feature.name!r} has a word twice")
    if feature.other and feature.other not in words:
        raise BadBundle(f"the word for others of {feature.name!r}, {feature.other!r}, is not in its vocabulary")
    for text in (feature.unit, *words):
        if any(ord(character) < ord(" ") for character in text):
            raise BadBundle(f"feature {feature.name!r} has a control character in {text!r}")


def _lowest(feature: bundle_pb2.Feature) -> float:
    if feature.kind == CATEGORY:
        return 0.0
    return feature.minimum if feature.HasField("minimum") else -math.inf


def _highest(feature: bundle_pb2.Feature) -> float:
    if feature.kind == CATEGORY:
        return float(len(feature.vocabulary) - 1)
    return feature.maximum if feature.HasField("maximum") else math.inf
