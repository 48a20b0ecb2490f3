"""From a configuration to a published version, stage by stage."""

import importlib.metadata
import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

from training.configuration.configuration import read_configuration
from training.configuration.section import BadConfig
from training.evaluation import Fitted, evaluate, leaks
from training.export.graph import build_graph
from training.export.parity import Evidence, prove
from training.features import to_schema
from training.heads import CheckedOutcome, Head, Segmentation
from training.judging.document import Entry
from training.judging.gates import check_gates
from training.judging.leakage import check_leaks
from training.judging.mitigation import compared, reweighing
from training.judging.order import REWEIGHING
from training.manifest import Identity, build_manifest
from training.material import Material, fingerprint, read_material
from training.naming import Naming, Segments
from training.orders import AnyOutcome, Orders, read_orders
from training.outcomes.fit import fit_outcome
from training.outcomes.order import CLASSES, PROPENSITY, OutcomeOrder
from training.previous import Previous, find_previous, next_version
from training.publish import bundle_files, publish
from training.quality.set_aside import write_set_aside
from training.report.card import facts_of
from training.report.command import REPORT_FILE
from training.report.page import render
from training.segmentations.order import SegmentationOrder, fit_segmentation
from training.signature import SigningKey
from training.special_order import fit_special
from training.stages import Show, Stages
from training.texts.columns import learn

_LIBRARIES = ("duckdb", "lightgbm", "numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to train, and where to.

    Attributes:
        configuration: the file that says what.
        data: where its relative paths are looked up, None for beside it.
        repository: where to publish.
        model: name of the model, None for the configuration's.
        until_ms: only records before this moment are used, None for all.
        without: features to leave out.
        names: names that people gave to segments, by key.
        seed: of every random number, None for the configuration's.
        signing_key: whose signature the version gets; None for none.
        work: where stages keep their results, and the report is written before anything is published.
        is_resumed: whether results of an earlier run may be taken.
    """

    configuration: Path
    data: Path | None
    repository: Path
    model: str | None
    until_ms: int | None
    without: frozenset[str]
    names: Mapping[str, str]
    seed: int | None
    signing_key: SigningKey | None
    work: Path
    is_resumed: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What was published, and what it was made from.

    Attributes:
        folder: of the new version.
        heads: as fitted, in the order of their columns.
        material: to what.
    """

    folder: Path
    heads: list[Head]
    material: Material


def train(order: Order, show: Show) -> Trained:
    """Trains every head, judges them, proves the graph, and publishes.

    Args:
        order: what to train.
        show: is told of each stage.

    Raises:
        NotTrained: the text says why; nothing was published.
    """
    configuration = read_configuration(order.configuration)
    orders = read_orders(configuration)
    seed = configuration.model.seed if order.seed is None else order.seed
    stages = Stages(order.work if order.is_resumed else None, _made_from(order, orders, seed), show)
    fitted = _fitted(order, orders, seed, stages)
    heads: list[Head] = [*fitted.segmentations, *fitted.outcomes]
    title = "One ONNX graph, compared with what was fitted"
    graph, evidence = stages.run("graph", title, lambda: _proved(heads, fitted.material))
    identity, fitted = _identified(order, order.model or configuration.model.name, fitted)
    leakage = stages.run("leaks", "Looking for leaks", lambda: leaks(fitted, seed))
    judged = stages.run(
        f"judged-{identity.version}",
        "Judging every head",
        lambda: evaluate(fitted, identity, evidence, leakage, seed),
    )
    files = _files(fitted, identity, graph, evidence, judged)
    _write_drafts(order.work, judged, files[REPORT_FILE], fitted.segments)
    check_leaks(leakage)
    check_gates(judged["gates"])
    title = f"Publishing {identity.model}/{identity.version}"
    show.begin(title)
    started_s = time.monotonic()
    folder = publish(order.repository, identity.model, identity.version, files, order.signing_key)
    show.end(title, time.monotonic() - started_s, is_kept=False)
    return Trained(folder, heads, fitted.material)


def _fitted(order: Order, orders: Orders, seed: int, stages: Stages) -> Fitted:
    """The records, and every head that was fitted to them."""
    folders = orders.configuration.folders(order.data)
    material = stages.run("records", "Reading the records", lambda: read_material(orders, order.data, order.until_ms))
    write_set_aside(order.work, material.asides)
    material.quality.refuse()
    texts = [
        stages.run(f"text-{one.name}", f"Text: {one.title}", partial(learn, one, material.table.columns, folders, seed))
        for one in orders.texts
    ]
    material = material.with_texts(texts, to_learn=True).without(order.without)
    orders = _fitting(orders, material, order.without)
    segmentations = [
        stages.run(f"segmentation-{one.name}", f"Segmentation: {one.title}", _segmentation(one, material, seed))
        for one in orders.segmentations
    ]
    outcomes, mitigations = _outcomes(orders, material, seed, stages, folders[0])
    return Fitted(
        orders=orders,
        material=material,
        segmentations=segmentations,
        outcomes=outcomes,
        segments={},
        mitigations=mitigations,
        texts=texts,
    )


def _identified(order: Order, model: str, fitted: Fitted) -> tuple[Identity, Fitted]:
    """Which version it becomes, with its segments' keys and names."""
    material, newest = fitted.material, fitted.material.newest
    previous, version = _previous(order, model, material)
    naming = Naming(version, newest.features, newest.specs, previous, order.names)
    identity = Identity(
        model=model,
        version=version,
        previous_version=previous.model.version if previous else 0,
        created_ms=time.time_ns() // 1_000_000,
        data=material.data,
        until_ms=material.until_ms,
    )
    return identity, replace(fitted, segments={head.name: naming.segments(head) for head in fitted.segmentations})


def _files(
    fitted: Fitted, identity: Identity, graph: bytes, evidence: Evidence, evaluation: Entry
) -> Mapping[str, bytes]:
    """Everything that a version holds, by the files' names."""
    newest = fitted.material.newest
    manifest = build_manifest(
        identity,
        newest.specs,
        [*fitted.segmentations, *fitted.outcomes],
        fitted.segments,
        newest.features,
        evidence,
        fitted.material.defaults,
        fitted.orders.approval,
        fitted.texts,
    )
    report = render(evaluation, facts_of(manifest)).encode()
    others = {REPORT_FILE: report, **{head.file_name: head.graph for head in fitted.texts}}
    reference = (evidence.reference_features, evidence.reference_scores)
    return bundle_files(manifest, graph, reference, evaluation, others)


def stage_count(orders: Orders) -> int:
    """How many stages there will be."""
    return 5 + len(orders.texts) + len(orders.segmentations) + len(orders.outcomes)


def _made_from(order: Order, orders: Orders, seed: int) -> bytes:
    versions = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    place = [str(order.repository), order.model, dict(order.names), sorted(order.without)]
    facts = [versions, seed, order.until_ms, place]
    return fingerprint(orders, order.data) + json.dumps(facts, sort_keys=True).encode()


def _fitting(orders: Orders, material: Material, without: Collection[str]) -> Orders:
    """Without features that are left out, and with the words of classes where the configuration names none."""
    segmentations = [_with_features(one, without) for one in orders.segmentations]
    outcomes = [
        replace(one, classes=material.classes[one.name])
        if isinstance(one, OutcomeOrder) and one.kind == CLASSES and one.name in material.classes
        else one
        for one in orders.outcomes
    ]
    return replace(orders, segmentations=segmentations, outcomes=outcomes)


def _with_features(order: SegmentationOrder, without: Collection[str]) -> SegmentationOrder:
    """Of the features that are not left out.

    Raises:
        BadConfig: none of those that it names is left.
    """
    left = tuple(name for name in order.features if name not in without)
    if order.features and not left:
        raise BadConfig(f"segmentation {order.name!r}: --without leaves out all of its features; leave one of them in")
    return replace(order, features=left)


def _segmentation(order: SegmentationOrder, material: Material, seed: int) -> Callable[[], Segmentation]:
    return lambda: fit_segmentation(order, material.newest, seed)


def _outcomes(
    orders: Orders, material: Material, seed: int, stages: Stages, folder: Path
) -> tuple[list[CheckedOutcome], dict[str, Entry]]:
    """Every outcome's head, and what reducing a bias changed."""
    heads, mitigations = [], {}
    for order in orders.outcomes:
        head, mitigation = stages.run(
            f"outcome-{order.name}", f"Outcome: {order.title}", _outcome(order, orders, material, seed, folder)
        )
        heads.append(head)
        if mitigation is not None:
            mitigations[order.name] = mitigation
    return heads, mitigations


def _outcome(
    order: AnyOutcome, orders: Orders, material: Material, seed: int, folder: Path
) -> Callable[[], tuple[CheckedOutcome, Entry | None]]:
    def fit() -> tuple[CheckedOutcome, Entry | None]:
        table, judging = material.table, orders.judging
        if not isinstance(order, OutcomeOrder):
            return cast("CheckedOutcome", fit_special(order, table, seed, folder)), None
        plain = fit_outcome(order, table, seed)
        mitigation = judging.mitigation
        if mitigation is None or mitigation.method != REWEIGHING or order.kind != PROPENSITY:
            return plain, None
        weighed = fit_outcome(order, table, seed, reweighing(table, mitigation.column, order.name))
        changed = compared(
            mitigation.column, table, plain.tested, weighed.tested, judging.threshold, judging.smallest_group
        )
        return weighed, changed

    return fit


def _proved(heads: list[Head], material: Material) -> tuple[bytes, Evidence]:
    newest = material.newest
    graph = build_graph(heads, len(newest.specs), newest.features)
    return graph, prove(graph, heads, newest.features, newest.specs)


def _previous(order: Order, model: str, material: Material) -> tuple[Previous | None, int]:
    newest = material.newest
    schema = to_schema(newest.specs, material.defaults)
    return find_previous(order.repository, model, schema, newest.features), next_version(order.repository, model)


def _write_drafts(work: Path, evaluation: Entry, report: bytes, segments: Mapping[str, Segments]) -> None:
    """What the gates decide on, to be looked at also where they refuse; and the names, for people to change."""
    work.mkdir(parents=True, exist_ok=True)
    (work / "evaluation.json").write_text(json.dumps(evaluation, indent=1), encoding="utf-8")
    (work / REPORT_FILE).write_bytes(report)
    named = [
        (key, name)
        for one in segments.values()
        for key, name in (
            *((group.keyed.key, group.name) for group in one.groups),
            *zip((keyed.key for keyed in one.keys), one.names, strict=True),
        )
    ]
    lines = "".join(f"{json.dumps(key)} = {json.dumps(name, ensure_ascii=False)}\n" for key, name in named)
    (work / "names.toml").write_text(lines, encoding="utf-8")
