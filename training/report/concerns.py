"""What a reader must know before the rest: every figure that is worse than its threshold, as a sentence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from training.report.figures import gate_figure, gate_title, title, write
from training.report.forms import count, number, percent
from training.report.part import Part
from training.report.verdicts import FAIR, FAIR_RATIO, LARGE_DRIFT, PATTERN, POOR

_MUCH_MISSING = 0.2  # of a feature's values, from where its default speaks for many (assumed)
_FEW_ROWS = 1000  # tested, below which intervals are wide (assumed)
_LEAST_LIKE_FITTED = 0.9  # agreement of the served rule with the fitted segments (assumed)
_MOST_SHOWN = 3  # segments of one segmentation, named in a sentence
_TOTAL_OFF = 0.1  # relative, of the total that was foretold (assumed)
_GRADES = (POOR, FAIR)


@dataclass(frozen=True, slots=True)
class Concern:
    """One warning.

    Attributes:
        grade: POOR for what stands against using the version, FAIR for what to keep in mind.
        text: the sentence.
        anchor: of the place on the page where the figure stands.
    """

    grade: str
    text: str
    anchor: str


def concerns(evaluation: Part, names: Mapping[str, str]) -> list[Concern]:
    """All of them, the gravest first.

    Args:
        evaluation: the whole of it.
        names: of segments, by key.
    """
    found = [
        *_gates(evaluation),
        *_leakage(evaluation),
        *(c for name, part in evaluation.named("segmentations") for c in _segmentation(name, part, names)),
        *(c for name, part in evaluation.named("outcomes") for c in _outcome(name, part)),
        *_features(evaluation.part("model")),
    ]
    return sorted(found, key=lambda concern: _GRADES.index(concern.grade))


def stability_of(segment: Part, segmentation: Part) -> float | None:
    """A segment's own Jaccard index, or that of its key among the segmentation's."""
    own = segment.number("jaccard")
    return segmentation.part("stability").part("jaccard").number(segment.text("key")) if own is None else own


def head_anchor(name: str) -> str:
    """Of the section of a head. A name is a plain one in a version; any other character counts as a hyphen."""
    return "head-" + "".join(c if (c.isascii() and c.isalnum()) or c in "_-" else "-" for c in name)


def _gates(evaluation: Part) -> Iterator[Concern]:
    for gate in evaluation.parts("gates"):
        if gate.flag("holds") is False:
            head, figure = gate.text("head"), gate_figure(gate.text("gate"))
            needed, reached = (write(figure, gate.number(key)) for key in ("needed", "reached"))
            where = f" of {head}" if head else ""
            text = f"The gate “{gate_title(gate.text('gate', 'gate'))} {needed}”{where} does not hold: {reached}."
            yield Concern(POOR, text, "gates")


def _leakage(evaluation: Part) -> Iterator[Concern]:
    for finding in evaluation.parts("leakage"):
        grade = POOR if finding.text("severity") == "refuse" else FAIR
        text = finding.text("text", f"{finding.text('feature', 'a feature')} may give the outcome away")
        yield Concern(grade, f"Leakage, {finding.text('outcome', 'an outcome')}: {text}.".replace("..", "."), "leakage")


def _unstable(name: str, part: Part, names: Mapping[str, str]) -> str:
    """Which segments are hardly found again, "" for none: by name where they are few, else how many."""
    found = []
    for segment in part.parts("segments"):
        jaccard = stability_of(segment, part)
        if jaccard is not None and jaccard < PATTERN:
            key = segment.text("key")
            found.append((names.get(key) or key or "without a name", number(jaccard, 2)))
    if not found:
        return ""
    if len(found) == 1:
        ((called, overlap),) = found
        return (
            f"The segment “{called}” ({name}) is not to be trusted: samples of the visitors find it again with an "
            f"overlap of only {overlap}."
        )
    shown = ", ".join(f"“{called}” ({overlap})" for called, overlap in found[:_MOST_SHOWN])
    others = f" and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
    return (
        f"{len(found)} of {len(part.parts('segments'))} segments of {name} are not to be trusted, by how little "
        f"samples of the visitors find them again (overlap): {shown}{others}."
    )


def _segmentation(name: str, part: Part, names: Mapping[str, str]) -> Iterator[Concern]:
    if text := _unstable(name, part, names):
        yield Concern(POOR, text, head_anchor(name))
    fidelity = part.number("fidelity")
    if fidelity is not None and fidelity < _LEAST_LIKE_FITTED:
        text = (
            f"{name} is served by a rule that agrees with the fitted segments for {percent(fidelity)} of the visitors."
        )
        yield Concern(FAIR, text, head_anchor(name))
    if retired := part.texts("retired"):
        text = f"{name} no longer has {', '.join(retired)}: campaigns that refer to it reach nobody."
        yield Concern(FAIR, text, head_anchor(name))


def _outcome(name: str, part: Part) -> Iterator[Concern]:
    anchor = head_anchor(name)
    for fairness in part.parts("fairness"):
        ratio = fairness.number("selection_rate_ratio")
        if ratio is not None and ratio < FAIR_RATIO:
            column = fairness.text("column", "a group")
            text = (
                f"{name} chooses groups of “{column}” unequally: the least chosen is chosen {number(ratio, 2)} times "
                "as often as the most chosen."
            )
            yield Concern(POOR, text, anchor)
    moved = [d.text("feature", "a feature") for d in part.parts("drift") if (d.number("psi") or 0.0) >= LARGE_DRIFT]
    if moved:
        have = "have" if len(moved) > 1 else "has"
        text = f"{name}: {', '.join(moved)} {have} moved between what it learnt from and what it was tested on."
        yield Concern(FAIR, text, anchor)
    yield from _accuracy(name, part)


def _accuracy(name: str, part: Part) -> Iterator[Concern]:
    anchor, figures = head_anchor(name), part.part("figures")
    total = figures.number("total_ratio")
    if total is not None and abs(total - 1) > _TOTAL_OFF:
        yield Concern(FAIR, f"{name} foretells {number(total)} times what happened in all.", anchor)
    worse = _worse_than_baseline(figures, part.part("baseline").part("figures"))
    if worse:
        yield Concern(
            POOR, f"{name} is no better than {part.part('baseline').text('what', 'its baseline')}: {worse}.", anchor
        )
    ends = part.part("intervals").value("qini")
    if isinstance(ends, list) and ends and isinstance(ends[0], int | float) and ends[0] <= 0:
        text = f"{name}: an effect that differs between visitors is not shown; the Qini coefficient's interval holds 0."
        yield Concern(POOR, text, anchor)
    rows = part.part("tested").number("row_count")
    if rows is not None and rows < _FEW_ROWS:
        yield Concern(FAIR, f"{name} was tested on {count(rows)} rows only: its figures are rough.", anchor)


def _worse_than_baseline(figures: Part, baseline: Part) -> str:
    """The first of the figures that decide, where the model does not beat the baseline, "" where it does."""
    for figure, sign in (("roc_auc", 1), ("poisson_deviance", -1), ("qini", 1), ("accuracy", 1), ("spearman", 1)):
        ours, theirs = figures.number(figure), baseline.number(figure)
        if ours is not None and theirs is not None:
            is_worse = sign * (ours - theirs) <= 0
            return f"{title(figure)} {write(figure, ours)} against {write(figure, theirs)}" if is_worse else ""
    return ""


def _features(model: Part) -> Iterator[Concern]:
    for feature in model.parts("features"):
        share = feature.number("missing_share")
        if share is not None and share >= _MUCH_MISSING:
            name = feature.text("name", "A feature")
            text = f"{name} is missing in {percent(share)} of the rows, where its default stands."
            yield Concern(FAIR, text, "features")
