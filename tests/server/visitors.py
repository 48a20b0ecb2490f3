"""Any two versions of one model: features come, go, move, change unit, and words likewise; and their visitors."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from protos.audience.v1 import bundle_pb2
from protos.audience.v1.scoring_pb2 import Features
from server.schema import CATEGORY, NUMBER, Schema
from tests.server.literal import category, number, schema

_WORDS = ("a", "b", "c", "d")
reals = st.floats(-1e6, 1e6, width=32)
_vocabularies = st.permutations(_WORDS).flatmap(lambda words: st.integers(1, len(words)).map(lambda n: words[:n]))


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """A schema of some of six names, in any order."""
    features = []
    for name in draw(st.permutations(["f1", "f2", "f3", "c1", "c2", "x"]).map(lambda names: names[:4])):
        if name.startswith("c") or (name == "x" and draw(st.booleans())):
            words = draw(_vocabularies)
            features.append(category(name, words, draw(st.sampled_from(["", *words])), len(words) - 1))
        else:
            unit = draw(st.sampled_from(["days", "hours"]))
            features.append(number(name, unit, draw(st.sampled_from([0, 5])), draw(st.sampled_from([None, -5])), 1000))
    return schema(*features)


@dataclass(frozen=True)
class Visitor:
    """Values of a schema's features, None where one is not known."""

    schema: Schema
    values: Sequence[float | None]

    def by_vector(self) -> Features:
        """As a vector."""
        missing = [i for i, value in enumerate(self.values) if value is None]
        return Features(
            vector=[value or 0.0 for value in self.values], missing=missing, schema_fingerprint=self.schema.fingerprint
        )

    def by_name(self, reader: Schema) -> Features:
        """By name, without the features that mean something else to the reader."""
        features = Features()
        for feature, value in zip(self.schema.features, self.values, strict=True):
            if value is None or not is_shared(feature, reader):
                continue
            if feature.kind == NUMBER:
                features.numbers[feature.name] = value
            else:
                features.categories[feature.name] = feature.vocabulary[int(value)]
        return features


def is_shared(feature: bundle_pb2.Feature, reader: Schema) -> bool:
    """Whether the reader has a feature of this name, kind and unit."""
    return any((one.name, one.kind, one.unit) == (feature.name, feature.kind, feature.unit) for one in reader.features)


@st.composite
def visitors(draw: st.DrawFn) -> Visitor:
    """A visitor, with codes within the vocabulary."""
    of = draw(schemas())
    values = [
        draw(st.none() | (st.integers(0, len(f.vocabulary) - 1) if f.kind == CATEGORY else reals)) for f in of.features
    ]
    return Visitor(of, values)
