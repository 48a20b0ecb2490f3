"""The page, from evaluation.json and what the manifest knows."""

import functools
from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined

from training.report.card import Facts, card
from training.report.concerns import Concern, concerns, head_anchor
from training.report.figures import FORMS, gate_figure, gate_title, kind, method, title, write
from training.report.forms import NOTHING, date, moment, short_percent
from training.report.listings import listings
from training.report.outcomes import outcome
from training.report.overlap import overlap
from training.report.part import Part
from training.report.segmentations import segmentation
from training.report.texts import text
from training.report.verdicts import FAIR, GOOD, PARITY_TOLERANCE, POOR, UNKNOWN, Verdict, gate

FORMAT = 1


def render(evaluation: Mapping[str, object], facts: Facts | None = None) -> str:
    """The page as HTML, which needs nothing else: the same bytes for the same evaluation and facts.

    Args:
        evaluation: as evaluation.json has it. What is absent or null is left out of the page.
        facts: of the manifest, None when there is none.
    """
    facts = Facts() if facts is None else facts
    whole = Part(evaluation)
    names = {**_names(whole), **facts.names}
    found = concerns(whole, names)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            evaluation=whole,
            model=whole.part("model"),
            verdict=_verdict(whole, found),
            concerns=found,
            segmentations=[segmentation(name, part, names) for name, part in whole.named("segmentations")],
            overlap=overlap(whole.part("overlap")),
            outcomes=[outcome(name, part) for name, part in whole.named("outcomes")],
            journeys=listings(whole.parts("journeys")),
            texts=[text(name, part) for name, part in whole.named("texts")],
            parity=_parity(whole.part("parity")),
            gates=whole.parts("gates"),
            card=card(whole, facts, [concern.text for concern in found]),
        )
    )


@functools.cache  # compiling the templates takes longer than a page; they are the package's own and never change
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("training.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FORMS)
    environment.filters.update(
        date=date,
        moment=moment,
        title_of=title,
        gate_figure=gate_figure,
        gate_title=gate_title,
        method=method,
        anchor=head_anchor,
    )
    environment.globals.update(write=write, explain=lambda name: kind(name).explained, gate_verdict=gate)
    environment.globals.update(NOTHING=NOTHING, short_percent=short_percent)
    return environment


def _names(evaluation: Part) -> dict[str, str]:
    """Names of segments and of the groups above them, by key."""
    named = [
        record
        for _, part in evaluation.named("segmentations")
        for kind in ("groups", "segments")
        for record in part.parts(kind)
    ]
    return {record.text("key"): record.text("name") for record in named if record.text("name")}


def _verdict(evaluation: Part, found: list[Concern]) -> Verdict:
    """What the gates say, in a sentence; without gates, that there are none."""
    held = [g.flag("holds") for g in evaluation.parts("gates")]
    if False in held:
        return Verdict(f"{held.count(False)} of {len(held)} gates do not hold", POOR)
    if not held:
        return Verdict("No gates were set: nobody has said what would be good enough", UNKNOWN)
    if None in held:
        return Verdict(f"{held.count(None)} of {len(held)} gates could not be judged", FAIR)
    grave = sum(concern.grade == POOR for concern in found)
    text = "The gate holds" if len(held) == 1 else f"All {len(held)} gates hold"
    return Verdict(f"{text}, but read the warnings", FAIR) if grave else Verdict(text, GOOD)


def _parity(part: Part) -> list[tuple[str, float, bool]]:
    """Each head's largest difference, and whether it is within the tolerance whatever the value's size."""
    return [
        (head, difference, difference <= PARITY_TOLERANCE)
        for head, difference in part.numbers("largest_difference").items()
    ]
