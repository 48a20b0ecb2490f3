"""What came of each row: events by a word, amounts, and classes."""

import numpy as np
import pyarrow as pa
import pytest

from training.configuration.section import BadConfig, Section
from training.sources.labels import AMOUNT, CLASSES, EVENT, Label, make_label, read_label
from training.sources.order import NULL_WORDS
from training.sources.values import Values


def _section(**keys: object) -> Section:
    return Section({"name": "o", "kind": "propensity", "label": "x", **keys}, "outcomes[0]")


def _label(column: list[object], **keys: object) -> Label:
    order = read_label(_section(**keys))
    assert order is not None
    return make_label(order, Values(pa.table({"x": column}), NULL_WORDS, "records"))


def test_event_by_a_word() -> None:
    """1 where the word is the positive one, 0 for every other, and not known where it is missing."""
    label = _label(["yes", "no", "?", "later"], positive="yes")
    np.testing.assert_array_equal(label.values, [1, 0, np.nan, 0])
    assert label.form == EVENT


@pytest.mark.parametrize("column", [[1, 0], [1.0, 0.0], ["1", "0"], ["1.0", "0.0"]])
@pytest.mark.parametrize("positive", [1, "1", "1.0"])
def test_event_by_a_number(column: list[object], positive: object) -> None:
    """Numbers are compared as numbers, however they are written."""
    assert _label(column, positive=positive).values.tolist() == [1, 0]


def test_event_of_truths() -> None:
    """Without a positive word the column says yes or no; what says neither is not known, and set aside."""
    label = _label(["TRUE", "false", "perhaps"])
    np.testing.assert_array_equal(label.values, [1, 0, np.nan])
    assert label.column.unreadable is not None
    assert label.column.unreadable.values.to_pylist() == ["perhaps"]
    assert _label([True, False]).values.tolist() == [1, 0]


@pytest.mark.parametrize("kind", ["propensity", "lookalike", "uplift"])
def test_kinds_of_events(kind: str) -> None:
    """A lookalike's members and an uplift's answers are events too."""
    assert _label(["yes", "no"], kind=kind, positive="yes").form == EVENT


def test_amount() -> None:
    """Amounts are numbers, and not known where they are none."""
    label = _label(["2.5", "", "much"], kind="value")
    np.testing.assert_array_equal(label.values, [2.5, np.nan, np.nan])
    assert label.form == AMOUNT


def test_classes() -> None:
    """Positions among the classes as they are stated, or in alphabetical order; others are not known."""
    label = _label(["b", "a", "", "c"], kind="classes", classes=["c", "b"])
    np.testing.assert_array_equal(label.values, [1, np.nan, np.nan, 0])
    assert (label.form, label.classes) == (CLASSES, ("c", "b"))
    label = _label(["b", "a", "", "c"], kind="classes")
    np.testing.assert_array_equal(label.values, [1, 0, np.nan, 2])
    assert label.classes == ("a", "b", "c")


def test_word_that_does_not_occur() -> None:
    """A positive word or class that no row has is refused with those that there are."""
    with pytest.raises(
        BadConfig, match=r"outcomes\[0\] \('o'\): positive is 'Yes', which no row has as 'x'; there are"
    ):
        _label(["yes", "no"], positive="Yes")
    with pytest.raises(BadConfig, match=r"classes has 'z', which no row has as 'x'; there are 'a', 'b'$"):
        _label(["a", "b"], kind="classes", classes=["a", "z"])


def test_no_label() -> None:
    """An outcome without a label has none of a column, and the rest of its table is left to its own reader."""
    assert read_label(Section({"name": "o", "kind": "lookalike", "audience": "x.csv"})) is None
