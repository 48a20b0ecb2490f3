"""The features of a model that is imported: what the TOML file says of each."""

import math
from dataclasses import dataclass

from protos.audience.v1 import bundle_pb2
from server.schema import CATEGORY, NUMBER
from training.configuration.section import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A feature: one column of `features`.

    Attributes:
        feature: as bundle.proto has it; its default is meant only when has_default says so.
        has_default: whether the file gives the default, which is else taken from the rows.
        tensor: the graph's input that takes it, "" when there is only one.
    """

    feature: bundle_pb2.Feature
    has_default: bool
    tensor: str

    @property
    def is_category(self) -> bool:
        """Whether it is a word of a vocabulary."""
        return self.feature.kind == CATEGORY

    @property
    def lowest(self) -> float:
        """Smallest value in range, -inf for no limit."""
        if self.is_category:
            return 0.0
        return self.feature.minimum if self.feature.HasField("minimum") else -math.inf

    @property
    def highest(self) -> float:
        """Largest value in range, inf for no limit."""
        if self.is_category:
            return len(self.feature.vocabulary) - 1.0
        return self.feature.maximum if self.feature.HasField("maximum") else math.inf


def read_column(table: Section) -> Column:
    """One [[features]].

    Raises:
        BadConfig: something in it is absent, wrong or unknown.
    """
    name = table.text("name")
    table.called(name)
    is_category = table.choice("kind", ("number", "category"), "number") == "category"
    feature = bundle_pb2.Feature(
        name=name,
        kind=CATEGORY if is_category else NUMBER,
        description=table.text("description", ""),
    )
    _read_words(table, feature) if is_category else _read_range(table, feature)
    has_default = table.has("default")
    feature.default = _read_default(table, feature)
    column = Column(feature=feature, has_default=has_default, tensor=table.text("input", ""))
    table.finish()
    return column


def _read_words(table: Section, feature: bundle_pb2.Feature) -> None:
    feature.vocabulary.extend(table.texts("vocabulary"))
    feature.other = table.text("other", "")
    if not feature.vocabulary:
        raise table.fault('vocabulary is needed, such as vocabulary = ["phone", "desktop"]: its words, in the order '
                          "of the numbers 0, 1, 2 … that the model was trained on")  # fmt: skip


def _read_range(table: Section, feature: bundle_pb2.Feature) -> None:
    feature.unit = table.text("unit", "")
    for key in ("minimum", "maximum"):
        value = table.number(key)
        if value is not None:
            setattr(feature, key, value)
    if feature.HasField("minimum") and feature.HasField("maximum") and feature.minimum > feature.maximum:
        raise table.fault(f"minimum is {feature.minimum:g}, above maximum, {feature.maximum:g}")


def _read_default(table: Section, feature: bundle_pb2.Feature) -> float:
    """The default; when the file has none, one in range that stands there until the rows' is known."""
    if feature.kind == NUMBER:
        value = table.number("default")
        return value if value is not None else _in_range(feature)
    word = table.text("default", feature.vocabulary[0])
    if word not in feature.vocabulary:
        raise table.fault(f"default is {word!r}; needed is a word of the vocabulary")
    return float(list(feature.vocabulary).index(word))


def _in_range(feature: bundle_pb2.Feature) -> float:
    lowest = feature.minimum if feature.HasField("minimum") else -math.inf
    highest = feature.maximum if feature.HasField("maximum") else math.inf
    return min(max(0.0, lowest), highest)
