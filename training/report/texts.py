"""What the page shows of a text head: how often it is right, beside the simplest answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.report.concerns import head_anchor
from training.report.drawings import Heat, confusion
from training.report.figures import Line, lines, write
from training.report.forms import count
from training.report.part import Part

_KINDS = {"sentiment": "how likely a text is positive", "topic": "how likely a text is of each class"}


@dataclass(frozen=True, slots=True)
class Text:
    """One text head, as its part of the page."""

    name: str
    anchor: str
    title: str
    about: Sequence[str]
    baseline: str
    figures: Sequence[Line]
    confusion: Heat | None


def text(name: str, part: Part) -> Text:
    """Everything of one text head.

    Args:
        name: of the head.
        part: of evaluation.json.
    """
    baseline = part.part("baseline")
    figures = baseline.part("figures")
    return Text(
        name=name,
        anchor=head_anchor(name),
        title=part.text("title", name),
        about=list(_about(part)),
        baseline=f"baseline: {baseline.text('what', 'not named')}" if figures else "",
        figures=lines(part.part("figures"), [figures] if figures else [], Part(), ""),
        confusion=confusion(part.part("confusion")),
    )


def _about(part: Part) -> Sequence[str]:
    """Sentences."""
    sentences = []
    if kind := _KINDS.get(part.text("kind")):
        sentences.append(f"It says {kind}, by {part.text('method', 'a method without a name')}.")
    if (learnt := part.number("sentence_count")) is not None:
        terms = part.number("term_count")
        known = "" if terms is None else f" with {count(terms)} terms that are in more than one of them"
        split = f", by models that were not fitted on them ({part.text('split')})" if part.text("split") else ""
        sentences.append(f"Learnt from {count(learnt)} texts{known}; judged on the same{split}.")
    parity = part.part("parity")
    if (difference := parity.number("largest_difference")) is not None:
        tried = (parity.number("rows") or 0) + (parity.number("edge_rows") or 0)
        sentences.append(
            f"What is served differs from what was fitted by at most {write('largest_difference', difference)} on "
            f"{count(tried)} texts."
        )
    return sentences
