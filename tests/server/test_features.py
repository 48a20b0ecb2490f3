import math

import numpy as np
import pytest

from protos.audience.v1.scoring_pb2 import Features
from server.errors import InvalidRequest
from server.features import Reader
from server.rows import RowReader
from server.schema import Schema
from tests.server.literal import category, number, schema
from tests.server.reading import KNOWN, OLD, OWN, SERVED, Read, read, vector

NAN = math.nan


def refusal(features: Features, served: Schema = SERVED) -> str:
    """What is wrong with the features: the same text on the fast way, alone and among others."""
    known = KNOWN if served is SERVED else {}
    with pytest.raises(InvalidRequest) as caught:
        Reader(served, known).read(features)
    text = str(caught.value)
    reader = RowReader(served, known)
    assert list(read(reader, features)) == [text]
    assert read(reader, Features(), features, Features(), features)[1::2] == [text, text]
    return text


@pytest.mark.parametrize(
    ("features", "row"),
    [
        pytest.param(Features(), [NAN, NAN, NAN, NAN], id="nothing"),
        pytest.param(vector(1, 2, 0, 1, missing=[0]), [NAN, 2, 0, 1], id="vector with a missing one"),
        pytest.param(vector(95, 2, 7, 1), [95, 2, 7, 1], id="out of range is for the block to find"),
        pytest.param(Features(numbers={"visits": 9}, categories={"device": "watch"}), [NAN, 9, NAN, NAN], id="names"),
        pytest.param(vector(2, 7, 5, 9, 2, fingerprint=OLD), [NAN, 7, 0, math.inf], id="another version's vector"),
    ],
)
def test_what_is_said(features: Features, row: list[float]) -> None:
    """The numbers as they were given, in the served columns; NaN for what is not said."""
    said = Reader(SERVED, KNOWN).read(features)
    assert said.dtype == np.float32
    np.testing.assert_array_equal(said, np.array(row, np.float32))


def test_foreign_schemas() -> None:
    """Another known schema is foreign; the served one and unknown ones are not."""
    reader = Reader(SERVED, KNOWN)
    assert [reader.is_foreign(one) for one in (OLD, OWN, "0" * 32, "")] == [True, False, False, False]


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
    text = refusal(features)
    assert reason in text
    assert not text.startswith("rows")
    assert len(text) < 300


def test_name_whose_kind_another_version_changed() -> None:
    """A caller who names it as the other version has it is not refused; the value is of no use here and is missing."""
    now = schema(category("age", ["young", "old"]))
    before = schema(number("age"))
    features = Features(numbers={"age": 33.0})
    known = {before.fingerprint: before}
    np.testing.assert_array_equal(Reader(now, known).read(features), [NAN])
    assert [one.missing for one in read(RowReader(now, known), features) if isinstance(one, Read)] == [1]
    assert "belongs in features.categories" in refusal(features, now)


def test_vector_without_a_fingerprint() -> None:
    """It is refused with the fingerprint that the served schema has, since after a swap it could be misread."""
    assert f"the model that serves has {OWN}" in refusal(Features(vector=[1, 2, 0, 1]))


def test_endless_missing() -> None:
    """More positions than columns are refused before they are looked at."""
    assert "has 1000 positions; the schema 4" in refusal(vector(1, 2, 0, 1, missing=[0] * 1000))
