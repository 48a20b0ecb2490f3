import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1.scoring_pb2 import Features
from server.errors import InvalidRequest
from server.requests import parse_batch
from server.rows import RowReader
from server.schema import CATEGORY, Schema
from tests.server import encodings
from tests.server.conftest import law
from tests.server.literal import category, number, schema
from tests.server.reading import (
    KNOWN,
    OLD,
    OLDER,
    OWN,
    SERVED,
    Outcome,
    Read,
    careful,
    read,
    read_private,
    vector,
)
from tests.server.visitors import Visitor, reals, schemas, visitors

READER = RowReader(SERVED, KNOWN)


def said(outcome: Outcome) -> Read:
    """What was read, when nothing was wrong."""
    assert isinstance(outcome, Read), outcome
    return outcome


def alone(features: Features) -> Read:
    """A visitor alone in a block; among others in another, where the same comes of it."""
    (outcome,) = read(READER, features)
    others = Features(), vector(1, 2, 0, 1), vector(1, math.nan, 0, 1), vector(95, 2, 0, 1)
    assert read(READER, *others, features, *others)[4] == outcome
    return said(outcome)


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
    one = alone(features)
    assert one.row == np.array(row, np.float32).tolist()
    assert (one.missing, one.out_of_range) == (missing, out_of_range)
    assert not one.is_remapped


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
    one = alone(features)
    assert one.row == row
    assert (one.missing, one.out_of_range) == (missing, out_of_range)
    assert one.is_remapped


def test_rows_stand_for_themselves() -> None:
    """Rows of one block may follow different schemas, and are counted one by one and feature by feature."""
    given_ = vector(95, 2, 0, 1), vector(0, 7, 5, 9, 1, fingerprint=OLD), Features(), vector(1, 2, 0, 1)
    block = [said(one) for one in read(READER, *given_)]
    assert [one.row for one in block] == [[30, 2, 0, 1], [30, 7, 1, 0], [30, 2, 1, 0], [1, 2, 0, 1]]
    assert [one.missing for one in block] == [0, 2, 4, 0]
    assert [one.out_of_range for one in block] == [1, 0, 0, 0]
    assert [one.is_remapped for one in block] == [False, True, False, False]
    assert np.sum([one.defaulted for one in block], axis=0).tolist() == [3, 1, 2, 1]


def test_wrong_rows_do_not_harm_others() -> None:
    """What is wrong is said of the row that it is in, and of it alone."""
    outcomes = read(READER, vector(1, math.nan, 0, 1), vector(1, 2, 0, 1), vector(1, 2, 0.5, 1), vector(1), Features())
    texts = [outcome if isinstance(outcome, str) else "" for outcome in outcomes]
    for text, word in zip(texts, ["(visits) is nan", "", "(device) is 0.5", "has 1 numbers", ""], strict=True):
        assert word in text
        assert bool(word) == bool(text)


def test_served_schema_is_known_by_itself() -> None:
    """A reader knows its own schema, also when nobody listed it."""
    (outcome,) = read(RowReader(SERVED, {}), vector(1, 2, 0, 1, fingerprint=OWN))
    assert said(outcome).row == [1, 2, 0, 1]


@law
@given(encodings.batches((SERVED, OLDER)))
def test_rows_together_are_rows_alone(message: bytes) -> None:
    """Visitors who are read together get the rows, counts and refusals that each of them gets alone."""
    try:
        given_ = parse_batch(message).features
    except InvalidRequest:
        return
    assert read_private(READER, given_) == [read_private(READER, [one])[0] for one in given_]


@law
@given(visitors(), schemas())
def test_vector_of_another_version_reads_as_its_names(visitor: Visitor, served: Schema) -> None:
    """A vector of another schema gives the row, and the counts, that its values give by name."""
    reader = RowReader(served, {visitor.schema.fingerprint: visitor.schema})
    by_vector, by_name = map(said, read(reader, visitor.by_vector(), visitor.by_name(served)))
    assert by_vector.row == by_name.row
    assert by_vector.missing == by_name.missing
    assert by_vector.out_of_range == by_name.out_of_range


@law
@given(visitors(), schemas())
def test_any_schema_is_read_as_is_said_of_it(visitor: Visitor, served: Schema) -> None:
    """Whatever the schemas are, a visitor by vector, by names or by both is what it is value by value."""
    known = {visitor.schema.fingerprint: visitor.schema}
    both = visitor.by_vector()
    both.MergeFrom(visitor.by_name(served))
    given_ = visitor.by_vector(), visitor.by_name(visitor.schema), visitor.by_name(served), both
    assert read(RowReader(served, known), *given_) == [careful(served, known, one) for one in given_]


@law
@given(schemas(), schemas(), st.data())
def test_rows_can_always_be_scored(source: Schema, served: Schema, data: st.DataObject) -> None:
    """Whatever finite vector comes, its row is finite and in range, and the counts add up."""
    values = [data.draw(st.integers(-2, 9) if f.kind == CATEGORY else reals) for f in source.features]
    features = Features(vector=values, schema_fingerprint=source.fingerprint)
    one, nobody = map(said, read(RowReader(served, {source.fingerprint: source}), features, Features()))
    for row in np.array([one.row, nobody.row]):
        assert np.isfinite(row).all()
        assert (row >= served.lowest).all()
        assert (row <= served.highest).all()
        codes = row[served.category_columns]
        assert (codes == np.floor(codes)).all()
    assert nobody.missing == served.width
    for each in (one, nobody):
        assert sum(each.defaulted) == each.missing + each.out_of_range


@pytest.mark.parametrize(("name", "word"), [("a" * 64, "b"), ("c", ""), ("c", "é" * 100), ("c", "x" * 20_000)])
def test_words_of_any_length(name: str, word: str) -> None:
    """A word is found whatever its length, also beyond what one byte of length can say."""
    one = schema(category(name, ["first", word]), number("n" * 64))
    (outcome,) = read(RowReader(one, {}), Features(categories={name: word}, numbers={"n" * 64: 0.0}))
    assert (said(outcome).row, said(outcome).missing) == ([1, 0], 0)
