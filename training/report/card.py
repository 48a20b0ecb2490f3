"""The model card: sentences made from facts alone, so that it claims nothing that was not recorded.

Source: M. Mitchell et al., Model Cards for Model Reporting, 2019, for what a card has to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from protos.audience.v1 import bundle_pb2
from training.report.forms import count, date, measure, moment, number, percent
from training.report.part import Part

Entry = tuple[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the manifest knows and the evaluation does not; all of it may be absent.

    Attributes:
        names: of segments, by key, where they are newer than the evaluation's.
        libraries: that made the model, with their versions.
        fingerprint: of the feature schema.
        opset: of ONNX, 0 when not known.
        smallest_runtime: that runs the graph.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    opset: int = 0
    smallest_runtime: str = ""


def facts_of(manifest: bundle_pb2.Manifest) -> Facts:
    """The facts of a version."""
    return Facts(
        names={segment.key: segment.name for head in manifest.heads for segment in head.segments if segment.name},
        libraries=dict(sorted(manifest.training.libraries.items())),
        fingerprint=manifest.schema.fingerprint,
        opset=manifest.graph.opset,
        smallest_runtime=manifest.graph.smallest_runtime,
    )


def card(evaluation: Part, facts: Facts, limits: Sequence[str]) -> list[Entry]:
    """The card's entries, each with its sentences.

    Args:
        evaluation: the whole of it.
        facts: of the manifest.
        limits: what was found wanting, as sentences.
    """
    entries: list[Entry] = [
        ("Model", list(_model(evaluation.part("model"), facts))),
        ("Intended use", list(_use(evaluation))),
        ("Who and what it learnt from", list(_data(evaluation))),
        ("How it was judged", list(_judged(evaluation))),
        ("Figures by group", list(_groups(evaluation))),
        ("Limits", [*limits, *_limits(evaluation)]),
        ("Ethical considerations", list(_ethics(evaluation))),
    ]
    return [(title, sentences) for title, sentences in entries if sentences]


def _model(model: Part, facts: Facts) -> Iterator[str]:
    title = model.text("title", model.text("name", "This model"))
    version = model.number("version")
    named = f" ({model.text('name')})" if model.text("name") and model.text("name") != title else ""
    yield f"{title}{named}" + (f", version {count(version)}." if version is not None else ".")
    if model.number("created_ms"):
        yield f"Made on {moment(model.number('created_ms'))}."
    if previous := model.count("previous_version"):
        yield f"Its segments were matched with those of version {previous}."
    if facts.opset:
        runtime = f", for ONNX Runtime {facts.smallest_runtime} or newer" if facts.smallest_runtime else ""
        yield f"It is one ONNX graph, opset {facts.opset}{runtime}."
    if facts.libraries:
        yield f"Made with {', '.join(f'{name} {version}' for name, version in facts.libraries.items())}."
    if facts.fingerprint:
        yield f"Its feature schema has the fingerprint {facts.fingerprint}."


def _use(evaluation: Part) -> Iterator[str]:
    for name, part in evaluation.named("segmentations"):
        yield f"{name} puts a visitor into one of {part.count('count')} segments by {part.text('title', name)}."
    for name, part in evaluation.named("outcomes"):
        days = part.number("horizon_days")
        within = f", looking {count(days)} days ahead" if days else ""
        yield f"{name} answers: {part.text('title', name)}{within}."
    if evaluation.part("segmentations") or evaluation.part("outcomes"):
        yield (
            "It is made to choose what a page shows while it renders. It was judged for these questions alone; for any "
            "other decision about a person nothing here speaks."
        )


def _data(evaluation: Part) -> Iterator[str]:
    model = evaluation.part("model")
    if data := model.text("data"):
        yield f"{data.rstrip('.')}."
    rows, visitors = model.number("row_count"), model.number("visitor_count")
    if visitors is not None:
        yield f"{count(visitors)} visitors" + (f" in {count(rows)} rows." if rows is not None else ".")
    if model.number("until_ms"):
        yield f"Only records before {date(model.number('until_ms'))} were used."
    if features := model.parts("features"):
        yield f"{len(features)} features: {', '.join(f.text('name', 'one without a name') for f in features)}."


def _judged(evaluation: Part) -> Iterator[str]:
    for name, part in evaluation.named("outcomes"):
        tested = part.part("tested")
        if tested.number("row_count") is not None:
            visitors = tested.number("visitor_count")
            of = f" of {count(visitors)} visitors" if visitors is not None else ""
            dates = (
                f", {date(start)} to {date(end)}"
                if (start := tested.number("from_ms")) and (end := tested.number("to_ms"))
                else ""
            )
            how = f": {split}" if (split := tested.text("split")) else ""
            yield f"{name}: on {count(tested.number('row_count'))} rows{of}{dates}{how}."
    for name, part in evaluation.named("segmentations"):
        samples = part.part("stability").number("samples")
        if samples is not None:
            yield f"{name}: the stability of its segments on {count(samples)} random samples of the visitors."


def _groups(evaluation: Part) -> Iterator[str]:
    for name, part in evaluation.named("outcomes"):
        for fairness in part.parts("fairness"):
            groups = [
                f"{g.text('value', 'no value')}: {number(auc)}"
                for g in fairness.parts("groups")
                if (auc := g.number("roc_auc")) is not None
            ]
            if groups:
                yield f"{name}, ROC AUC by {fairness.text('column', 'group')}: {'; '.join(groups)}."


def _limits(evaluation: Part) -> Iterator[str]:
    yield "The figures speak of visitors like those in the data, at the time of the data."
    for name, part in evaluation.named("segmentations"):
        outside = part.number("outlier_share")
        if outside:
            yield f"{name} leaves {percent(outside)} of the visitors without a segment."
    for name, part in evaluation.named("outcomes"):
        error = part.part("figures").number("calibration_error")
        if error is not None:
            unit = part.text("unit") if part.text("kind") == "value" else ""
            far = measure(error, unit)
            yield f"{name}: what it foretells is {far} from what happens, on average over groups of scores."


def _ethics(evaluation: Part) -> Iterator[str]:
    for name, part in evaluation.named("outcomes"):
        judged = [f.text("column", "a group") for f in part.parts("fairness")]
        if judged:
            yield f"{name} was compared between groups of {', '.join(judged)}."
        else:
            yield f"{name} was not compared between groups of people: whether it treats them differently is not known."
        mitigation = part.part("mitigation")
        if mitigation:
            done = mitigation.text("text", mitigation.text("method", "something was done")).rstrip(".")
            yield f"{name}, against unequal treatment by {mitigation.text('column', 'a column')}: {done}."
    used = {f.text("name") for f in evaluation.part("model").parts("features")}
    columns = {f.text("column") for _, part in evaluation.named("outcomes") for f in part.parts("fairness")}
    if columns:
        both = sorted(used & columns - {""})
        yield (
            f"Of the columns that groups were formed by, {', '.join(both)} is also what it learns from."
            if both
            else "None of the columns that groups were formed by is among what it learns from."
        )
