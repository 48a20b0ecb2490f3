"""What the page shows of an outcome: figures beside the baseline's, charts, and the comparisons it was chosen by."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.report.charts.bars import Estimate, bar, interval
from training.report.charts.canvas import span
from training.report.charts.markup import Markup
from training.report.concerns import head_anchor
from training.report.drawings import Drawing, Heat, confusion
from training.report.figures import Line, lines, title, write
from training.report.forms import NOTHING, decimals, seconds
from training.report.part import Part
from training.report.performance import drawings_of
from training.report.verdicts import FAIR_RATIO, LARGE_DRIFT, SMALL_DRIFT, Verdict, drift, fairness

_KINDS = {
    "propensity": "how likely it is",
    "classes": "which of several",
    "value": "how much is expected",
    "lookalike": "how alike an audience",
    "uplift": "how much a treatment changes it",
}
HEADLINES = ("roc_auc", "qini", "accuracy", "spearman", "mean_absolute_error")  # by the first that there is
_MOST_SHOWN = 20  # features in a table
_LEAST_DRIFT_BAR = 0.3  # the end of drift's bars, so that both marks are seen


@dataclass(frozen=True, slots=True)
class Measured:
    """A row with a bar: a feature, a method or a group."""

    name: str
    bar: Markup
    value: str
    note: str = ""
    verdict: Verdict | None = None
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Groups:
    """Fairness by one column."""

    part: Part
    verdict: Verdict
    rows: Sequence[tuple[Part, Markup]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome, as its part of the page."""

    name: str
    anchor: str
    part: Part
    kind: str
    headline: str
    unit: str
    columns: Sequence[str]
    figures: Sequence[Line]
    drawings: Sequence[Drawing]
    methods: Sequence[Measured]
    importance: Sequence[Measured]
    importance_left_out: int
    drift: Sequence[Measured]
    fairness: Sequence[Groups]
    mitigation: Sequence[Line]
    confusion: Heat | None


def outcome(name: str, part: Part) -> Outcome:
    """Everything of one outcome.

    Args:
        name: of the head.
        part: of evaluation.json.
    """
    unit = part.text("unit")
    baseline, without = part.part("baseline"), [w for w in part.parts("without") if w.part("figures")]
    others = ([baseline.part("figures")] if baseline.part("figures") else []) + [w.part("figures") for w in without]
    columns = [f"baseline: {baseline.text('what', 'not named')}"] if baseline.part("figures") else []
    columns += [f"without {', '.join(w.texts('features')) or 'some features'}" for w in without]
    importance = _importance(part)
    mitigation = part.part("mitigation")
    return Outcome(
        name=name,
        anchor=head_anchor(name),
        part=part,
        kind=_KINDS.get(part.text("kind"), part.text("kind")),
        headline=_headline(part),
        unit=unit,
        columns=columns,
        figures=lines(part.part("figures"), others, part.part("intervals"), unit),
        drawings=list(drawings_of(part, "" if unit == "probability" else unit)),
        methods=_methods(part),
        importance=importance[:_MOST_SHOWN],
        importance_left_out=max(len(importance) - _MOST_SHOWN, 0),
        drift=_drift(part)[:_MOST_SHOWN],
        fairness=[_groups(f) for f in part.parts("fairness")],
        mitigation=lines(mitigation.part("before"), [mitigation.part("after")], Part(), ""),
        confusion=confusion(part.part("confusion")),
    )


def _headline(part: Part) -> str:
    """The figure that decides, beside the baseline's."""
    figures, baseline = part.part("figures"), part.part("baseline").part("figures")
    name = next((name for name in HEADLINES if figures.number(name) is not None), None)
    if name is None:
        return NOTHING
    other = baseline.number(name)
    beside = "" if other is None else f", baseline {write(name, other)}"
    return f"{title(name)} {write(name, figures.number(name))}{beside}"


def _methods(part: Part) -> list[Measured]:
    methods = part.parts("methods")
    means = [m.number("mean") if m.number("mean") is not None else m.number("figure") for m in methods]
    sds = [m.number("sd") or 0.0 for m in methods]
    reach = [end for mean, sd in zip(means, sds, strict=True) if mean is not None for end in (mean - sd, mean + sd)]
    ends, largest = span(reach), max([abs(end) for end in reach], default=0.0)
    return [
        Measured(
            name=method.text("method", "a method"),
            bar=_spread(mean, sd, ends),
            value=decimals(mean, largest) + (f" ± {decimals(sd, largest)}" if sd else ""),
            note=seconds(method.number("seconds")),
            is_chosen=method.text("method") == part.text("method"),
        )
        for method, mean, sd in zip(methods, means, sds, strict=True)
    ]


def _spread(mean: float | None, sd: float, ends: tuple[float, float]) -> Markup:
    estimate = Estimate(None) if mean is None else Estimate(mean, mean - sd, mean + sd)
    return interval(estimate, ends)


def _importance(part: Part) -> list[Measured]:
    rows = sorted(part.parts("importance"), key=lambda row: -(row.number("mean") or 0.0))
    largest = max([row.number("mean") or 0.0 for row in rows], default=0.0)
    return [
        Measured(
            name=row.text("feature", "a feature"),
            bar=bar(row.number("mean"), largest),
            value=decimals(row.number("mean"), largest),
            note=f"± {decimals(sd, largest)}" if (sd := row.number("sd")) is not None else "",
        )
        for row in rows
    ]


def _drift(part: Part) -> list[Measured]:
    rows = sorted(part.parts("drift"), key=lambda row: -(row.number("psi") or 0.0))
    largest = max([row.number("psi") or 0.0 for row in rows] + [_LEAST_DRIFT_BAR])
    return [
        Measured(
            name=row.text("feature", "a feature"),
            bar=bar(row.number("psi"), largest, (SMALL_DRIFT, LARGE_DRIFT)),
            value=decimals(row.number("psi"), 1.0),
            verdict=drift(row.number("psi")),
        )
        for row in rows
    ]


def _groups(part: Part) -> Groups:
    groups = part.parts("groups")
    judged = [g.number("selection_rate") or 0.0 for g in groups if not g.flag("is_small")]
    highest = max(judged or [g.number("selection_rate") or 0.0 for g in groups], default=0.0)
    bars = [_relative(group, highest) for group in groups]
    return Groups(part, fairness(part.number("selection_rate_ratio")), list(zip(groups, bars, strict=True)))


def _relative(group: Part, highest: float) -> Markup:
    """How often the group is chosen, beside the most chosen, with a line at four fifths."""
    rate = group.number("selection_rate")
    style = "less" if rate is not None and highest and rate < FAIR_RATIO * highest else ""
    return bar(rate, highest, (FAIR_RATIO * highest,), style)
