"""What came of each row, read from a column: whether something happened, an amount, or one of several classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.configuration.section import Section
from training.quality.refusal import BadData
from training.sources.values import CATEGORY, NUMBER, TRUTH, Column, Floats, Values

EVENT, AMOUNT, CLASSES = "event", "amount", "classes"
_FORMS = {"value": AMOUNT, "classes": CLASSES}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelOrder:
    """Where the answers of an outcome are.

    Attributes:
        place: the table of the outcome, for errors.
        name: of the outcome's head.
        column: of the records.
        form: EVENT, AMOUNT or CLASSES.
        positive: the word or number that means that it happened, "" for a column of truths.
        classes: the words in their order, none when they are to be taken from the values.
    """

    place: Section
    name: str
    column: str
    form: str
    positive: str = ""
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Label:
    """What came of each row.

    Attributes:
        name: of the outcome's head.
        column: as it was read.
        form: EVENT, AMOUNT or CLASSES.
        values: shape (n,), as in Table.outcomes.
        classes: words of the classes, in the order of their positions.
    """

    name: str
    column: Column
    form: str
    values: Floats
    classes: tuple[str, ...] = ()


def read_label(section: Section) -> LabelOrder | None:
    """The keys `label`, `positive` and `classes` of an [[outcomes]], None when it has no label of a column.

    The other keys are for the outcome's own reader, which finishes the section.

    Raises:
        BadConfig: something in them is wrong.
    """
    name = section.text("name")
    section.called(name)
    if not section.has("label"):
        return None
    if section.is_table("label"):
        raise section.fault('label is a table, which is for shape = "events"; needed is a column, such as label = "y"')
    form = _FORMS.get(section.text("kind", ""), EVENT)
    if form != EVENT and section.has("positive"):
        raise section.fault("positive means something only for what happens or does not")
    return LabelOrder(
        place=section,
        name=name,
        column=section.text("label"),
        form=form,
        positive=_read_positive(section),
        classes=section.texts("classes") if form == CLASSES else (),
    )


def _read_positive(section: Section) -> str:
    value = section.label("positive")
    return "" if value is None else str(value)


def make_label(order: LabelOrder, values: Values) -> Label:
    """The answers of an outcome.

    Raises:
        BadConfig: the positive word, or a class, does not occur. The text names those that do.
    """
    try:
        return _make(order, values)
    except BadData as error:
        raise order.place.fault(str(error)) from None


def _make(order: LabelOrder, values: Values) -> Label:
    if order.form == AMOUNT:
        column = values.read(order.column, NUMBER)
        return Label(name=order.name, column=column, form=AMOUNT, values=amounts(column))
    if order.form == EVENT and not order.positive:
        column = values.read(order.column, TRUTH)
        return Label(name=order.name, column=column, form=EVENT, values=column.values)
    column = values.read(order.column, CATEGORY)
    if order.form == EVENT:
        return Label(name=order.name, column=column, form=EVENT, values=event_labels(column, order.positive))
    positions, words = class_labels(column, order.classes)
    return Label(name=order.name, column=column, form=CLASSES, values=positions, classes=words)


def event_labels(column: Column, positive: str) -> Floats:
    """1 where the word is this one, 0 for every other word, NaN where it is missing, shape (n,).

    Numbers are compared as numbers: 1 is 1.0.

    Raises:
        BadData: no row has the word.
    """
    chosen = [position for position, word in enumerate(column.words) if _is_same(word, positive)]
    if not chosen:
        raise BadData(f"positive is {positive!r}, which no row has as {column.name!r}; {_there_are(column.words)}")
    return np.where(np.isnan(column.values), np.nan, np.isin(column.values, chosen).astype(np.float64))


def amounts(column: Column) -> Floats:
    """The numbers, NaN where one is missing, shape (n,)."""
    return column.values


def class_labels(column: Column, classes: Sequence[str] = ()) -> tuple[Floats, tuple[str, ...]]:
    """The position of each row's class, NaN where it is missing or of none, shape (n,), and the classes' words.

    Args:
        column: of words.
        classes: words in their order; none for all there are, in alphabetical order.

    Raises:
        BadData: no row has one of these classes.
    """
    words = tuple(classes) or column.words
    for word in words:
        if word not in column.words:
            raise BadData(f"classes has {word!r}, which no row has as {column.name!r}; {_there_are(column.words)}")
    codes = {word: float(code) for code, word in enumerate(words)}
    positions = np.array([codes.get(word, np.nan) for word in column.words] + [np.nan])
    return positions[np.nan_to_num(column.values, nan=len(column.words)).astype(np.int64)], words


def _is_same(word: str, positive: str) -> bool:
    if word == positive:
        return True
    try:
        return float(word) == float(positive)
    except ValueError:
        return False


def _there_are(words: Sequence[str]) -> str:
    shown = ", ".join(repr(word) for word in words[:10])
    return f"there are {shown}" + (", …" if len(words) > 10 else "")  # noqa: PLR2004
