import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1 import bundle_pb2, scoring_pb2
from server.errors import InvalidRequest
from server.rows import Block, Reader, Remap
from server.schema import CATEGORY, NUMBER, Schema
from tests.server.conftest import law
from tests.server.literal import category, number, schema

Features = scoring_pb2.Features

# Served: recency_days 0..90, default 30; visits without limits, default 2; device, no word for others, default tablet;
# channel, with one.
SERVED = schema(
    number("recency_days", "days", default=30, minimum=0, maximum=90),
    number("visits", "count", default=2),
    category("device", ("phone", "tablet"), default=1),
    category("channel", ("web", "other"), other="other"),
)
OLDER = schema(
    category("device", ("watch", "tablet", "phone")),
    number("visits", "count"),
    number("recency_days", "hours"),
    number("basket_usd", "USD"),
    category("channel", ("tv", "web")),
)
KNOWN = {one.fingerprint: one for one in (SERVED, OLDER)}
OWN = SERVED.fingerprint
OLD = OLDER.fingerprint


def read(*given: Features, known: dict[str, Schema] = KNOWN) -> Block:
    """The rows of the served schema."""
    return Reader(SERVED, known).read(given)


def vector(
    *values: float, fingerprint: str = OWN, missing: Sequence[int] = (), numbers: dict[str, float] | None = None
) -> Features:
    """Features as a vector, with numbers on top."""
    return Features(vector=values, schema_fingerprint=fingerprint, missing=missing, numbers=numbers or {})


@pytest.mark.parametrize(
    ("features", "row", "missing", "out_of_range"),
    [
        pytest.param(Features(), [30, 2, 1, 0], 4, 0, id="nothing"),
        pytest.param(vector(1, 2, 0, 1), [1, 2, 0, 1], 0, 0, id="vector"),
        pytest.param(vector(1, 2, 0, 1, fingerprint=OWN), [1, 2, 0, 1], 0, 0, id="vector with its fingerprint"),
        pytest.param(vector(1, 2, 0, 1, missing=[0, 2]), [30, 2, 1, 1], 2, 0, id="vector with missing"),
        pytest.param(vector(1, 2, 0, 1, missing=[0, 0]), [30, 2, 0, 1], 1, 0, id="missing said twice"),
        pytest.param(vector(math.nan, 2, 0, 1, missing=[0]), [30, 2, 0, 1], 1, 0, id="NaN behind missing"),
        pytest.param(vector(math.inf, 2, 0.5, 1, missing=[0, 2]), [30, 2, 1, 1], 2, 0, id="anything behind missing"),
        pytest.param(vector(90.5, 2, 0, 1), [30, 2, 0, 1], 0, 1, id="above the range"),
        pytest.param(vector(-1, 2, 0, 1), [30, 2, 0, 1], 0, 1, id="below the range"),
        pytest.param(vector(0, -1e38, 0, 1), [0, -1e38, 0, 1], 0, 0, id="on the edge, and where there is none"),
        pytest.param(vector(90, 1e38, 1, 0), [90, 1e38, 1, 0], 0, 0, id="on the other edge"),
        pytest.param(vector(1, 2, 2, 1), [1, 2, 1, 1], 0, 1, id="code above the vocabulary"),
        pytest.param(vector(1, 2, -1, 1), [1, 2, 1, 1], 0, 1, id="code below the vocabulary"),
        pytest.param(vector(1, 2, 0, 1, numbers={"visits": 9}), [1, 9, 0, 1], 0, 0, id="name on top of a vector"),
        pytest.param(
            vector(1, 2, 0, 1, missing=[1], numbers={"visits": 9}), [1, 9, 0, 1], 0, 0, id="name on top of a missing"
        ),
        pytest.param(
            vector(99, 2, 0, 1, numbers={"recency_days": 9}), [9, 2, 0, 1], 0, 0, id="name on top of an out of range"
        ),
        pytest.param(Features(numbers={"recency_days": 5}), [5, 2, 1, 0], 3, 0, id="number by name"),
        pytest.param(Features(numbers={"recency_days": 95}), [30, 2, 1, 0], 3, 1, id="number out of range by name"),
        pytest.param(Features(numbers={"basket_usd": 5}), [30, 2, 1, 0], 4, 0, id="name of another version"),
        pytest.param(Features(numbers={"basket_usd": math.nan}), [30, 2, 1, 0], 4, 0, id="whatever its value is"),
        pytest.param(Features(categories={"device": "phone"}), [30, 2, 0, 0], 3, 0, id="category by name"),
        pytest.param(Features(categories={"device": "watch"}), [30, 2, 1, 0], 4, 0, id="word of another version"),
        pytest.param(Features(categories={"channel": "radio"}), [30, 2, 1, 1], 3, 0, id="word among the others"),
        pytest.param(
            Features(vector=[1, 2, 0, 1], schema_fingerprint=OWN, categories={"device": "tablet", "channel": "web"}),
            [1, 2, 1, 0],
            0,
            0,
            id="categories on top of a vector",
        ),
    ],
)
def test_read(features: Features, row: list[float], missing: int, out_of_range: int) -> None:
    """What callers send becomes a row; what is not known or out of range takes its default and is counted."""
    block = read(features)
    assert block.rows.dtype == np.float32
    assert block.rows.tolist() == np.array([row], np.float32).tolist()
    assert (block.missing.tolist(), block.out_of_range.tolist()) == ([missing], [out_of_range])
    assert block.remapped == (False,)


@pytest.mark.parametrize(
    ("features", "row", "missing", "out_of_range"),
    [
        # device, visits, recency_days in another unit, basket_usd, channel
        pytest.param(vector(2, 7, 5, 9, 1, fingerprint=OLD), [30, 7, 0, 0], 1, 0, id="words move"),
        pytest.param(vector(0, 7, 5, 9, 1, fingerprint=OLD), [30, 7, 1, 0], 2, 0, id="word that is gone"),
        pytest.param(vector(2, 7, 5, 9, 0, fingerprint=OLD), [30, 7, 0, 1], 1, 0, id="word for others"),
        pytest.param(vector(3, 7, 5, 9, 1, fingerprint=OLD), [30, 7, 1, 0], 1, 1, id="code out of range"),
        pytest.param(vector(-1, 7, 5, 9, 1, fingerprint=OLD), [30, 7, 1, 0], 1, 1, id="code below"),
        pytest.param(vector(2, 7, 5, 9, 1, fingerprint=OLD, missing=[0, 1]), [30, 2, 1, 0], 3, 0, id="missing"),
        pytest.param(vector(2, 7, 5, 9, 1, fingerprint=OLD, missing=[3]), [30, 7, 0, 0], 1, 0, id="missing, not used"),
        pytest.param(
            vector(2, 7, 5, 9, 1, fingerprint=OLD, numbers={"recency_days": 4}), [4, 7, 0, 0], 0, 0, id="name on top"
        ),
    ],
)
def test_read_of_another_version(features: Features, row: list[float], missing: int, out_of_range: int) -> None:
    """A vector of another version is read by names, where kind and unit are the same, and is counted as remapped."""
    block = read(features)
    assert block.rows.tolist() == [row]
    assert (block.missing.tolist(), block.out_of_range.tolist()) == ([missing], [out_of_range])
    assert block.remapped == (True,)


@pytest.mark.parametrize(
    ("features", "reason"),
    [
        pytest.param(vector(1, 2, 0), f"has 3 numbers; the schema {OWN} has 4", id="short"),
        pytest.param(vector(1, 2, 0, 1, 5), f"has 5 numbers; the schema {OWN} has 4", id="long"),
        pytest.param(vector(1, 2, 0, 1, fingerprint=OLD), f"has 4 numbers; the schema {OLD} has 5", id="width of one"),
        pytest.param(vector(1, 2, 0, 1, fingerprint="0" * 32), f"'{'0' * 32}' is that of no version", id="unknown"),
        pytest.param(vector(1, 2, 0, 1, fingerprint="x" * 9999), f"'{'x' * 64}' is that of no version", id="endless"),
        pytest.param(vector(1, math.nan, 0, 1), "vector[1] (visits) is nan", id="NaN"),
        pytest.param(vector(1, math.inf, 0, 1), "vector[1] (visits) is inf", id="infinity"),
        pytest.param(vector(1, 2, -math.inf, 1), "vector[2] (device) is -inf", id="infinite code"),
        pytest.param(vector(1, math.nan, 0, 1, missing=[0]), "vector[1] (visits) is nan", id="NaN beside missing"),
        pytest.param(
            vector(2, math.nan, 5, 9, 1, fingerprint=OLD), "vector[1] (visits) is nan", id="NaN of another version"
        ),
        pytest.param(
            vector(2, 7, 5, math.nan, 1, fingerprint=OLD), "vector[3] (basket_usd) is nan", id="NaN that is not used"
        ),
        pytest.param(vector(1, 2, 0.5, 1), "vector[2] (device) is 0.5; a category", id="code is not whole"),
        pytest.param(vector(0.5, 2, 0, 9, 1, fingerprint=OLD), "vector[0] (device) is 0.5", id="nor of another"),
        pytest.param(vector(1, 2, 0, 1, missing=[4]), "names position 4; the vector's last is 3", id="missing beyond"),
        pytest.param(vector(1, 2, 0, 1, missing=[2**32 - 1]), "names position 4294967295", id="missing far beyond"),
        pytest.param(Features(missing=[0]), "say something of a vector; none came", id="missing of nothing"),
        pytest.param(Features(schema_fingerprint=OWN), "say something of a vector", id="fingerprint of nothing"),
        pytest.param(Features(numbers={"recency_day": 1}), "did you mean 'recency_days'?", id="misspelt"),
        pytest.param(Features(numbers={"q": 1}), "no version knows a feature 'q'", id="unknown name"),
        pytest.param(Features(categories={"q" * 9999: "x"}), f"feature '{'q' * 64}'", id="endless name"),
        pytest.param(Features(numbers={"device": 1}), "'device' belongs in features.categories", id="wrong place"),
        pytest.param(Features(categories={"visits": "1"}), "'visits' belongs in features.numbers", id="other place"),
        pytest.param(Features(numbers={"visits": math.nan}), "feature 'visits' is nan", id="NaN by name"),
        pytest.param(Features(numbers={"visits": -math.inf}), "feature 'visits' is -inf", id="infinity by name"),
        pytest.param(
            Features(categories={"device": "Phone"}),
            "'Phone' is no word of the category 'device'; its words are phone, tablet",
            id="unknown word",
        ),
        pytest.param(Features(categories={"device": ""}), "'' is no word", id="empty word"),
        pytest.param(Features(categories={"device": "y" * 9999}), f"'{'y' * 64}' is no word", id="endless word"),
    ],
)
def test_wrong_features_are_refused(features: Features, reason: str) -> None:
    """Wrong features are refused with a short text that names the feature and what would be right."""
    with pytest.raises(InvalidRequest) as caught:
        read(features)
    assert reason in str(caught.value)
    assert not str(caught.value).startswith("rows")
    assert len(str(caught.value)) < 300


def test_error_names_the_row() -> None:
    """Among several rows, the error says which one was wrong."""
    with pytest.raises(InvalidRequest, match=r"^rows\[2\]: features.vector has 1 numbers"):
        read(Features(), Features(), vector(1), vector(1))


def test_rows_stand_for_themselves() -> None:
    """Rows of one block may follow different schemas, and are counted one by one and feature by feature."""
    block = read(vector(95, 2, 0, 1), vector(0, 7, 5, 9, 1, fingerprint=OLD), Features(), vector(1, 2, 0, 1))
    assert block.rows.tolist() == [[30, 2, 0, 1], [30, 7, 1, 0], [30, 2, 1, 0], [1, 2, 0, 1]]
    assert block.missing.tolist() == [0, 2, 4, 0]
    assert block.out_of_range.tolist() == [1, 0, 0, 0]
    assert block.remapped == (False, True, False, False)
    assert block.defaulted.tolist() == [3, 1, 2, 1]


def test_served_schema_is_known_by_itself() -> None:
    """A reader knows its own schema, also when nobody listed it."""
    assert read(vector(1, 2, 0, 1, fingerprint=OWN), known={}).rows.tolist() == [[1, 2, 0, 1]]


# --- laws, over two versions of one model: features come, go, move, change unit, and words likewise ---

WORDS = ("a", "b", "c", "d")
reals = st.floats(-1e6, 1e6, width=32)
vocabularies = st.permutations(WORDS).flatmap(lambda words: st.integers(1, len(words)).map(lambda n: words[:n]))


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """A schema of some of six names, in any order."""
    features = []
    for name in draw(st.permutations(["f1", "f2", "f3", "c1", "c2", "x"]).map(lambda names: names[:4])):
        if name.startswith("c") or (name == "x" and draw(st.booleans())):
            words = draw(vocabularies)
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


@law
@given(visitors(), schemas())
def test_vector_of_another_version_reads_as_its_names(visitor: Visitor, served: Schema) -> None:
    """A vector of another schema gives the row, and the counts, that its values give by name."""
    reader = Reader(served, {visitor.schema.fingerprint: visitor.schema})
    block = reader.read([visitor.by_vector(), visitor.by_name(served)])
    assert block.rows[0].tolist() == block.rows[1].tolist()
    assert block.missing[0] == block.missing[1]
    assert block.out_of_range[0] == block.out_of_range[1]


@law
@given(schemas(), schemas(), st.data())
def test_rows_can_always_be_scored(source: Schema, served: Schema, data: st.DataObject) -> None:
    """Whatever finite vector comes, its row is finite and in range, and the counts add up."""
    values = [data.draw(st.integers(-2, 9) if f.kind == CATEGORY else reals) for f in source.features]
    features = Features(vector=values, schema_fingerprint=source.fingerprint)
    block = Reader(served, {source.fingerprint: source}).read([features, Features()])
    assert np.isfinite(block.rows).all()
    assert (block.rows >= served.lowest).all()
    assert (block.rows <= served.highest).all()
    codes = block.rows[:, served.category_columns]
    assert (codes == np.floor(codes)).all()
    assert block.missing[1] == served.width
    assert block.defaulted.sum() == block.missing.sum() + block.out_of_range.sum()


@law
@given(visitors())
def test_remap_to_the_same_schema_changes_nothing(visitor: Visitor) -> None:
    """Between a schema and itself the remap is the identity, on values and on what is not known."""
    row = np.array([math.nan if value is None else value for value in visitor.values], np.float32)
    same = Remap.between(visitor.schema, visitor.schema)
    np.testing.assert_array_equal(same.apply(row), row)


@law
@given(visitors(), st.data())
def test_remap_there_and_back(visitor: Visitor, data: st.DataObject) -> None:
    """Moving features and words about and back gives the same row."""
    shuffled = [bundle_pb2.Feature.FromString(feature.SerializeToString()) for feature in visitor.schema.features]
    for feature in shuffled:
        feature.vocabulary[:] = data.draw(st.permutations(list(feature.vocabulary)))
    other = schema(*data.draw(st.permutations(shuffled)))
    row = np.array([math.nan if value is None else value for value in visitor.values], np.float32)
    there = Remap.between(visitor.schema, other).apply(row)
    np.testing.assert_array_equal(Remap.between(other, visitor.schema).apply(there), row)


def test_name_whose_kind_another_version_changed() -> None:
    """A caller who names it as the other version has it is not refused; the value is of no use here and is missing."""
    now = schema(category("age", ["young", "old"]))
    before = schema(number("age"))
    reader = Reader(now, {before.fingerprint: before})
    block = reader.read([scoring_pb2.Features(numbers={"age": 33.0})])
    assert block.missing.tolist() == [1]
    with pytest.raises(InvalidRequest, match=r"belongs in features\.categories"):
        Reader(now, {}).read([scoring_pb2.Features(numbers={"age": 33.0})])


def test_vector_without_a_fingerprint() -> None:
    """It is refused with the fingerprint that the served schema has, since after a swap it could be misread."""
    with pytest.raises(InvalidRequest, match=f"the model that serves has {OWN}"):
        read(Features(vector=[1, 2, 0, 1]))


def test_endless_missing() -> None:
    """More positions than columns are refused before they are looked at."""
    with pytest.raises(InvalidRequest, match="has 1000 positions; the schema 4"):
        read(vector(1, 2, 0, 1, missing=[0] * 1000))
