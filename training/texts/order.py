"""A text head as the configuration asks for it: one table of [[texts]]."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from training.configuration.section import Section
from training.sources.order import SourceOrder, read_sources

SENTIMENT: Final = "sentiment"
TOPIC: Final = "topic"
_NAME: Final = re.compile(r"[a-z0-9_]{1,40}")  # with a class of up to 20 letters it is a feature's name
_CLASS: Final = re.compile(r"[a-z0-9_]{1,20}")
_FEWEST_CLASSES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextOrder:
    """What to learn of texts.

    Attributes:
        name: of the head, and of the features that it makes.
        title: of the head, for people.
        kind: sentiment, one probability, or topic, one for each class.
        place: of the table that asks for it, for errors.
        sources: files of labelled texts, each by the name that the query gives it; none where the records themselves
            are labelled.
        query: SQL over them, "" for the records of the only one as they are.
        text: the column of texts.
        label: the column of labels.
        positive: the label of what a sentiment's probability is of.
        classes: the labels of topics, in the order of their columns; "" is never one.
        column: column of the records whose texts become features, and are learnt from where they are labelled; ""
            where none do.
    """

    name: str
    title: str
    kind: str
    place: Section
    sources: Mapping[str, SourceOrder]
    query: str
    text: str
    label: str
    positive: str
    classes: tuple[str, ...]
    column: str

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the features, one for each column of scores."""
        if self.kind == SENTIMENT:
            return (self.name,)
        return tuple(f"{self.name}_{word}" for word in self.classes)


def read_text(section: Section) -> TextOrder:
    """The order of one table of [[texts]].

    Raises:
        BadConfig: a key is missing, wrong, or means nothing.
    """
    name = section.text("name")
    section.called(name)
    if not _NAME.fullmatch(name):
        raise section.fault(f"name is {name!r}; needed are 1 to 40 of a-z, 0-9 and _")
    kind = section.choice("kind", (SENTIMENT, TOPIC))
    has_files = section.has("path") or section.has("files")
    sources, query = read_sources(section) if has_files else ({}, "")
    column = section.text("column", "")
    if not has_files and not column:
        raise section.fault('path is needed, a file of labelled texts, or column = "…", one of the records')
    order = TextOrder(
        name=name,
        title=section.text("title", name),
        kind=kind,
        place=section,
        sources=sources,
        query=query,
        text=section.text("text", "text") if has_files else column,
        label=section.text("label", "label"),
        positive=str(section.label("positive") or "1") if kind == SENTIMENT else "",
        classes=section.texts("classes") if kind == TOPIC else (),
        column=column,
    )
    section.finish()
    if kind == TOPIC:
        _check_classes(section, order.classes)
    return order


def _check_classes(section: Section, classes: tuple[str, ...]) -> None:
    if len(set(classes)) < max(_FEWEST_CLASSES, len(classes)):
        raise section.fault(f"classes are {', '.join(classes) or 'none'}; needed are two or more distinct labels")
    odd = [word for word in classes if not _CLASS.fullmatch(word)]
    if odd:
        raise section.fault(f"classes has {odd[0]!r}; a class is 1 to 20 of a-z, 0-9 and _, for features have its name")
