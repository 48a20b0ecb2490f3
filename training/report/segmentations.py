"""What the page shows of a segmentation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.report import forms
from training.report.charts.bars import Estimate, bar, diverging, interval
from training.report.charts.markup import Markup
from training.report.concerns import head_anchor, stability_of
from training.report.drawings import Drawing, Heat
from training.report.forms import NOTHING, measure, percent
from training.report.part import Part
from training.report.trials import trials_of
from training.report.verdicts import GOOD, Verdict, stability

OUTSIDE = "in no segment"
_WITHOUT_UNIT = {"count", "ratio"}  # units that only say that there is none
_LEAST_LARGEST = 1.0  # standard deviations at the end of the bars, so that small effects look small


@dataclass(frozen=True, slots=True)
class Trait:
    """One row of what sets a segment apart."""

    feature: str
    description: str
    bar: Markup
    effect: str
    mean: str
    population: str


@dataclass(frozen=True, slots=True)
class Result:
    """One row of what a segment's visitors did."""

    title: str
    bar: Markup
    value: str
    interval: str
    population: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One card."""

    anchor: str
    key: str
    name: str
    size: float | None
    share: float | None
    bar: Markup
    stability: Verdict
    jaccard: float | None
    silhouette: float | None
    is_kept: bool | None
    parent: str
    traits: Sequence[Trait]
    results: Sequence[Result]


@dataclass(frozen=True, slots=True)
class Segmentation:
    """One segmentation, as its part of the page."""

    name: str
    anchor: str
    headline: str
    part: Part
    segments: Sequence[Segment]
    groups: Sequence[Part]
    figures: Sequence[tuple[str, float]]
    trials: Sequence[Drawing]
    migration: Heat | None
    names: Mapping[str, str]


def segmentation(name: str, part: Part, names: Mapping[str, str]) -> Segmentation:
    """Everything of one segmentation.

    Args:
        name: of the head.
        part: of evaluation.json.
        names: of segments, by key.
    """
    anchor = head_anchor(name)
    parts = part.parts("segments")
    scales = _Scales.of(parts)
    own = {key: part.number(key) for key in ("silhouette", "davies_bouldin", "calinski_harabasz")}
    own |= {"adjusted_rand": part.part("stability").number("adjusted_rand")}
    own |= {key: part.number(key) for key in ("outlier_share", "fidelity")}
    segments = [_segment(f"{anchor}-{i}", s, part, names, scales) for i, s in enumerate(parts, 1)]
    return Segmentation(
        name=name,
        anchor=anchor,
        headline=_headline(segments),
        part=part,
        segments=segments,
        groups=part.parts("groups"),
        figures=[(key, value) for key, value in own.items() if value is not None],
        trials=trials_of(part),
        migration=_migration(part.part("migration"), names),
        names=names,
    )


def _headline(segments: Sequence[Segment]) -> str:
    """How many segments can be trusted, of those of which it is known."""
    known = [s for s in segments if s.jaccard is not None]
    stable = sum(s.stability.grade == GOOD for s in known)
    return f"{stable} of {len(known)} valid or highly stable" if known else "stability not known"


@dataclass(frozen=True, slots=True)
class _Scales:
    """The ends of bars, common to all cards, so that cards compare."""

    effect: float
    results: Mapping[str, float]

    @classmethod
    def of(cls, segments: Sequence[Part]) -> "_Scales":
        effects = [abs(t.number("effect") or 0.0) for s in segments for t in s.parts("traits")]
        results: dict[str, float] = {}
        for result in (r for s in segments for r in s.parts("outcomes")):
            name = result.text("outcome")
            ends = [result.number(key) or 0.0 for key in ("rate", "mean", "high", "population")]
            results[name] = max(results.get(name, 0.0), *ends)
        return cls(
            effect=max([*effects, _LEAST_LARGEST]),
            results=results,
        )


def _segment(anchor: str, segment: Part, whole: Part, names: Mapping[str, str], scales: _Scales) -> Segment:
    key = segment.text("key")
    jaccard = stability_of(segment, whole)
    parent = segment.text("parent")
    share = segment.number("share")
    return Segment(
        anchor=anchor,
        key=key,
        name=names.get(key) or key or "a segment without a name",
        size=segment.number("size"),
        share=share,
        bar=bar(share, 1.0),
        stability=stability(jaccard),
        jaccard=jaccard,
        silhouette=segment.number("silhouette"),
        is_kept=segment.flag("kept"),
        parent=names.get(parent, parent),
        traits=[_trait(trait, scales.effect) for trait in segment.parts("traits")],
        results=[_result(result, scales.results) for result in segment.parts("outcomes")],
    )


def _trait(trait: Part, largest: float) -> Trait:
    effect = trait.number("effect")
    unit = _unit(trait)
    name = trait.text("feature", NOTHING)
    description = trait.text("description")
    return Trait(
        feature=name,
        description=description or name,
        bar=diverging(effect, largest),
        effect=forms.effect(effect),
        mean=measure(trait.number("mean"), unit),
        population=measure(trait.number("population_mean"), unit),
    )


def _result(result: Part, largest: Mapping[str, float]) -> Result:
    rate, mean = result.number("rate"), result.number("mean")
    unit = _unit(result)
    value = rate if rate is not None else mean
    is_rate = rate is not None or (mean is None and not unit)
    low, high, population = (result.number(key) for key in ("low", "high", "population"))
    form = percent if is_rate else lambda v: measure(v, unit)
    name = result.text("outcome")
    return Result(
        title=result.text("title", name or NOTHING),
        bar=interval(Estimate(value, low, high), (0.0, largest.get(name, 0.0)), population),
        value=form(value),
        interval=""
        if low is None or high is None
        else f"{form(low).removesuffix(f' {unit}')} to {form(high).removesuffix(f' {unit}')}",
        population=form(population),
    )


def _unit(part: Part) -> str:
    unit = part.text("unit")
    return "" if unit in _WITHOUT_UNIT else unit


def _migration(part: Part, names: Mapping[str, str]) -> Heat | None:
    rows = part.rows("shares")
    keys = part.value("keys")
    if not rows or not isinstance(keys, list):
        return None
    titles = [names.get(key, key) if isinstance(key, str) and key else OUTSIDE for key in keys]
    kept = [i for i, called in enumerate(titles) if called != OUTSIDE or _is_used(rows, i)]
    cells = [[row[j] if j < len(row) else None for j in kept] for row in rows]
    shown = [(i + 1, titles[i], row) for i, row in enumerate(cells) if i in kept]
    return Heat([str(i + 1) for i in kept], shown) if shown else None


def _is_used(rows: Sequence[Sequence[float | None]], position: int) -> bool:
    """Whether anybody went to or came from there."""
    there = [row[position] for row in rows if position < len(row)]
    return any(there) or (position < len(rows) and any(rows[position]))
