"""Features that are columns of records: what the configuration says of each, and the column that it becomes."""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from training.configuration.section import Section
from training.features import Features, FeatureSpec
from training.quality.refusal import BadData
from training.sources.values import CATEGORY, KINDS, NUMBER, TRUTH, Bools, Column, Floats

_NAME = re.compile(r"[a-z0-9_]{1,64}")
OTHER = "other"
_MOST_WORDS = 30  # of a category; more are seldom frequent enough to learn from (assumed)
_LARGEST = float(np.finfo(np.float32).max)
_INFERRED = "inferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureOrder:
    """One feature.

    Attributes:
        name: as in bundle.proto.
        column: of the records.
        kind: "number", "truth", "category", or "" when the values are to say.
        description: a phrase for people.
        unit: of a number.
        minimum: values below are missing; None: 0 when no value is below 0, else no limit.
        maximum: values above are missing, None for no limit.
        vocabulary: words of a category, none when they are to be taken from the values.
        other: the word for words outside the vocabulary, "" for none unless words are left over.
        most_words: how many words are taken from the values.
        is_skewed: see FeatureSpec.
        high: see FeatureSpec.
        low: see FeatureSpec.
        place: the table that says all this, for errors; None for none.
    """

    name: str
    column: str
    kind: str = ""
    description: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    vocabulary: tuple[str, ...] = ()
    other: str = ""
    most_words: int = _MOST_WORDS
    is_skewed: bool = False
    high: str = ""
    low: str = ""
    place: Section | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feature:
    """One column of the model's input, with what was found on the way.

    Attributes:
        spec: of the feature.
        values: shape (n,), float32; where nothing is known, the median or the most frequent word.
        is_missing: shape (n,), where nothing is known.
        outside: shape (n,), where a value was outside the range or the vocabulary.
        other_count: how many values became the word for others.
    """

    spec: FeatureSpec
    values: Features
    is_missing: Bools
    outside: Bools
    other_count: int


def read_feature(section: Section) -> FeatureOrder:
    """One [[features]].

    Raises:
        BadConfig: something in it is absent, wrong or unknown.
    """
    name = section.text("name")
    section.called(name)
    if not _NAME.fullmatch(name):
        raise section.fault(f"name is {name!r}; needed is 1 to 64 of a-z, 0-9 and _, such as 'page_values'")
    kind = section.choice("kind", KINDS, _INFERRED)
    order = FeatureOrder(
        name=name,
        column=section.text("column", name),
        kind="" if kind == _INFERRED else kind,
        description=section.text("description", name.replace("_", " ")),
        unit=section.text("unit", ""),
        minimum=section.number("minimum"),
        maximum=section.number("maximum"),
        vocabulary=section.texts("vocabulary"),
        other=section.text("other", ""),
        most_words=section.whole("most_words") or _MOST_WORDS,
        is_skewed=section.truth("skewed"),
        high=section.text("high", ""),
        low=section.text("low", ""),
        place=section,
    )
    section.finish()
    _check(section, order)
    return order


def _check(section: Section, order: FeatureOrder) -> None:
    if order.kind == CATEGORY and (order.minimum is not None or order.maximum is not None or order.is_skewed):
        raise section.fault("kind is 'category', which has no minimum or maximum, and is not skewed")
    if order.kind in {NUMBER, TRUTH} and (order.vocabulary or order.other):
        raise section.fault(f"kind is {order.kind!r}, which has no vocabulary and no other")
    if order.minimum is not None and order.maximum is not None and order.minimum > order.maximum:
        raise section.fault(f"minimum is {order.minimum:g}, above maximum, {order.maximum:g}")
    if len(set(order.vocabulary)) != len(order.vocabulary):
        raise section.fault("vocabulary has a word twice")
    if any(not word.isprintable() for word in (*order.vocabulary, order.other, order.unit)):
        raise section.fault("vocabulary, other or unit has a control character")


def make_feature(order: FeatureOrder, column: Column, purpose: str = "") -> Feature:
    """The feature of these values.

    Args:
        order: what it is to be; its kind, where it has one, is the column's.
        column: the values, of the rows that are used.
        purpose: see FeatureSpec.

    Raises:
        BadData: no value is left to take the default from.
    """
    known = ~np.isnan(column.values)
    if column.kind == CATEGORY:
        spec, values, other_count = _category(order, column, known)
    else:
        spec, values, other_count = _number(order, column, known), column.values, 0
        values = np.where(_is_within(values, spec), values, np.nan)
    is_missing = np.isnan(values)
    spec = _with_purpose(spec, purpose)
    if is_missing.all():
        raise BadData(
            f"feature {order.name!r}: no value of the column {column.name!r} is left; leave the feature out, or look "
            "at its kind and range"
        )
    default = _default(values[~is_missing], column.kind)
    return Feature(
        spec=spec,
        values=np.where(is_missing, default, values).astype(np.float32),
        is_missing=is_missing,
        outside=known & is_missing,
        other_count=other_count,
    )


def _default(values: Floats, kind: str) -> float:
    """As training.features.typical has it, which sees the values as float32."""
    if kind == CATEGORY:
        return float(np.bincount(values.astype(np.int64)).argmax())
    return float(np.median(values.astype(np.float32)))


def _is_within(values: Floats, spec: FeatureSpec) -> Bools:
    lowest = -_LARGEST if spec.minimum is None else spec.minimum
    highest = _LARGEST if spec.maximum is None else spec.maximum
    within: Bools = (values >= lowest) & (values <= highest)
    return within


def _number(order: FeatureOrder, column: Column, known: Bools) -> FeatureSpec:
    minimum, maximum = order.minimum, order.maximum
    if column.kind == TRUTH:
        minimum, maximum = 0.0, 1.0
    elif minimum is None and known.any() and column.values[known].min() >= 0:
        minimum = 0.0
    return FeatureSpec(
        name=order.name,
        description=order.description,
        unit=order.unit,
        minimum=minimum,
        maximum=maximum,
        is_skewed=order.is_skewed,
        high=order.high,
        low=order.low,
    )


def _category(order: FeatureOrder, column: Column, known: Bools) -> tuple[FeatureSpec, Floats, int]:
    """The specification, positions in its vocabulary with NaN for what is missing, and how many became the other."""
    counts = np.bincount(column.values[known].astype(np.int64), minlength=len(column.words))
    vocabulary, other = _vocabulary(order, column.words, counts)
    codes = {word: float(code) for code, word in enumerate(vocabulary)}
    rest = codes[other] if other else np.nan
    positions = np.array([codes.get(word, rest) for word in column.words] + [np.nan])
    in_words = np.array([word in codes for word in column.words], dtype=np.bool_)
    values = positions[np.where(known, column.values, len(column.words)).astype(np.int64)]
    spec = FeatureSpec(
        name=order.name,
        description=order.description,
        vocabulary=vocabulary,
        other=other,
        high=order.high,
        low=order.low,
    )
    return spec, values, int(counts[~in_words].sum()) if other else 0


def _vocabulary(
    order: FeatureOrder, words: Sequence[str], counts: npt.NDArray[np.int64]
) -> tuple[tuple[str, ...], str]:
    """The words in their order, and the one for others.

    As the configuration has them; else the most frequent words, of equally frequent ones those first in the alphabet,
    in alphabetical order, or that of the numbers when all are, so that they keep their places when frequencies change.
    The word for others is the last.
    """
    if order.vocabulary:
        has_other = not order.other or order.other in order.vocabulary
        return order.vocabulary if has_other else (*order.vocabulary, order.other), order.other
    present = [i for i in range(len(words)) if counts[i]]
    chosen = sorted(present, key=lambda i: (-counts[i], words[i]))[: order.most_words]
    other = order.other or (OTHER if len(chosen) < len(present) else "")
    named = _in_order([words[i] for i in chosen if words[i] != other])
    return (*named, other) if other else tuple(named), other


def _in_order(words: Sequence[str]) -> list[str]:
    """2 stands before 10 where all are numbers."""
    if all(word.isdecimal() for word in words):
        return sorted(words, key=lambda word: (int(word), word))
    return sorted(words)


def _with_purpose(spec: FeatureSpec, purpose: str) -> FeatureSpec:
    """The description of what needs consent says so."""
    if not purpose:
        return spec
    return dataclasses.replace(spec, purpose=purpose, description=f"{spec.description} (with consent to {purpose})")
