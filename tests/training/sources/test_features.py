"""A column becomes a feature: range, vocabulary, and what stands where nothing is known."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.features import typical
from training.quality.refusal import BadData
from training.sources.features import Feature, FeatureOrder, make_feature
from training.sources.order import NULL_WORDS
from training.sources.values import CATEGORY, NUMBER, TRUTH, Column, Values


def _feature(column: list[object], kind: str, purpose: str = "", **order: object) -> Feature:
    values = Values(pa.table({"x": column}), NULL_WORDS, "records")
    full = FeatureOrder(name="f", column="x", kind=kind, description="what it is", **order)  # type: ignore[arg-type]
    return make_feature(full, values.read("x", kind), purpose)


def test_number() -> None:
    """Values out of range and missing ones become the median of the others, and are known as such."""
    feature = _feature([5.0, -1.0, None, 7.0, 100.0, 6.0], NUMBER, minimum=0.0, maximum=10.0, unit="pages")
    assert feature.values.dtype == np.float32
    assert feature.values.tolist() == [5, 6, 6, 7, 6, 6]
    assert feature.is_missing.tolist() == [False, True, True, False, True, False]
    assert feature.outside.tolist() == [False, True, False, False, True, False]
    assert (feature.spec.minimum, feature.spec.maximum, feature.spec.unit) == (0, 10, "pages")


@pytest.mark.parametrize(("column", "minimum"), [([1.0, 2.0], 0.0), ([0.0], 0.0), ([-1.0, 2.0], None)])
def test_minimum_of_the_data(column: list[object], minimum: float | None) -> None:
    """Without a stated minimum it is 0 where no value is below, else there is none."""
    assert _feature(column, NUMBER).spec.minimum == minimum


def test_too_large_for_the_wire() -> None:
    """A number that float32 cannot hold is outside."""
    assert _feature([1.0, 1e300], NUMBER).outside.tolist() == [False, True]


def test_truth() -> None:
    """Truths are numbers from 0 to 1."""
    feature = _feature(["yes", "no", "no"], TRUTH)
    assert feature.values.tolist() == [1, 0, 0]
    assert (feature.spec.minimum, feature.spec.maximum, feature.spec.vocabulary) == (0, 1, ())


def test_words_of_the_data() -> None:
    """All words in alphabetical order while they are few; a missing one becomes the most frequent."""
    feature = _feature(["b", "a", "b", None, "c"], CATEGORY)
    assert (feature.spec.vocabulary, feature.spec.other) == (("a", "b", "c"), "")
    assert feature.values.tolist() == [1, 0, 1, 1, 2]


def test_rare_words() -> None:
    """Of many words the most frequent are kept, of equally frequent ones the first; the rest become one, the last."""
    feature = _feature(["d", "d", "c", "b", "a", "c"], CATEGORY, most_words=3)
    assert (feature.spec.vocabulary, feature.spec.other) == (("a", "c", "d", "other"), "other")
    assert feature.values.tolist() == [2, 2, 1, 3, 0, 1]
    assert feature.other_count == 1


def test_numbers_as_words() -> None:
    """Words that are whole numbers stand in the order of the numbers."""
    assert _feature(["10", "2", "1"], CATEGORY).spec.vocabulary == ("1", "2", "10")


def test_stated_words() -> None:
    """A stated vocabulary keeps its order; other words become the other one, or are set aside when there is none."""
    words = ("small", "large")
    feature = _feature(["large", "huge", "small", "large"], CATEGORY, vocabulary=words)
    assert feature.spec.vocabulary == words
    assert feature.outside.tolist() == [False, True, False, False]
    assert feature.values.tolist() == [1, 1, 0, 1]
    feature = _feature(["large", "huge", "small"], CATEGORY, vocabulary=words, other="rest")
    assert (feature.spec.vocabulary, feature.spec.other) == ((*words, "rest"), "rest")
    assert feature.values.tolist() == [1, 2, 0]
    assert _feature(["large", "huge"], CATEGORY, vocabulary=words, other="small").values.tolist() == [1, 0]


def test_other_among_the_words() -> None:
    """A word of the data that is called like the one for others is that one."""
    feature = _feature(["other", "a", "a", "b"], CATEGORY, most_words=1, other="other")
    assert feature.spec.vocabulary == ("a", "other")
    assert feature.values.tolist() == [1, 0, 0, 1]


def test_purpose() -> None:
    """What needs consent says so, in a field of its own and in its description."""
    spec = _feature([1.0], NUMBER, "personalization").spec
    assert spec.purpose == "personalization"
    assert spec.description == "what it is (with consent to personalization)"


def test_nothing_left() -> None:
    """A column without one value that can be used is refused by name."""
    with pytest.raises(BadData, match="feature 'f': no value of the column 'x' is left; leave the feature out"):
        _feature(["x", ""], NUMBER)


def _default(kind: str, column: list[float], words: tuple[str, ...] = ()) -> tuple[Feature, float]:
    read = Column(name="x", kind=kind, values=np.array(column), words=words, unreadable=None)
    feature = make_feature(FeatureOrder(name="f", column="x"), read)
    (default,) = typical(feature.values[:, None], [feature.spec]).tolist()
    return feature, default


@settings(derandomize=True, deadline=None)
@given(st.lists(st.one_of(st.just(np.nan), st.floats(-1e6, 1e6, width=32)), min_size=1), st.floats(-1, 1, width=32))
def test_default_is_typical(column: list[float], known: float) -> None:
    """What stands for a missing number is what the manifest's default becomes: filling in does not move the median."""
    feature, default = _default(NUMBER, [*column, known])
    assert set(feature.values[feature.is_missing].tolist()) <= {default}


@settings(derandomize=True, deadline=None)
@given(st.lists(st.sampled_from((np.nan, 0.0, 1.0, 2.0)), min_size=1), st.sampled_from((0.0, 1.0, 2.0)))
def test_default_word_is_typical(column: list[float], known: float) -> None:
    """What stands for a missing word is what the manifest's default becomes."""
    feature, default = _default(CATEGORY, [*column, known], ("a", "b", "c"))
    assert set(feature.values[feature.is_missing].tolist()) <= {default}
