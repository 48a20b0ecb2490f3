"""The manifest of a version, from what was fitted."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from protos.audience.v1 import bundle_pb2
from server.bundle import FORMAT_VERSION
from training.export.estimators import OPSET
from training.export.graph import SMALLEST_RUNTIME
from training.export.parity import ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE, Evidence
from training.features import Features, FeatureSpec, to_schema, typical
from training.heads import CLASS, EXPECTED, PROBABILITY, Classified, Column, Head, Outcome, Segmentation, width
from training.judging.order import ApprovalOrder
from training.keys import Keyed
from training.names import Trait, strongest
from training.naming import Segments
from training.texts.fit import TextHead

_LIBRARIES = ("duckdb", "lightgbm", "numpy", "onnx", "onnxmltools", "scikit-learn", "skl2onnx")
_KINDS = {
    PROBABILITY: bundle_pb2.HEAD_KIND_PROPENSITY,
    EXPECTED: bundle_pb2.HEAD_KIND_VALUE,
    CLASS: bundle_pb2.HEAD_KIND_CLASSES,
}
FEATURE_QUANTILES = 101
_NOBODY = ApprovalOrder()
SCORE_QUANTILES = 1001  # audiences are bought by the top per cent, where a coarse table is one straight line


@dataclass(frozen=True, slots=True)
class Identity:
    """Which version this is, and what it was made from; see bundle.proto."""

    model: str
    version: int
    previous_version: int
    created_ms: int
    data: str
    until_ms: int


def build_manifest(  # noqa: PLR0913, PLR0917  # one argument for each part of the manifest
    identity: Identity,
    specs: Sequence[FeatureSpec],
    heads: Sequence[Head],
    segments: Mapping[str, Segments],
    population: Features,
    evidence: Evidence,
    defaults: Features | None = None,
    approval: ApprovalOrder = _NOBODY,
    texts: Sequence[TextHead] = (),
) -> bundle_pb2.Manifest:
    """The manifest.

    Args:
        identity: which version.
        specs: the features, in the order of the columns.
        heads: in the order of their columns.
        segments: by the name of the segmentation.
        population: shape (n, width), the visitors that distributions are taken from.
        evidence: of parity.
        defaults: shape (width,), what a missing value becomes; None for what is typical of the population.
        approval: who has to agree before the version takes a label.
        texts: heads whose graphs are files of the version.
    """
    return bundle_pb2.Manifest(
        format_version=FORMAT_VERSION,
        model=identity.model,
        version=identity.version,
        created_ms=identity.created_ms,
        graph=bundle_pb2.Graph(
            opset=OPSET, smallest_runtime=SMALLEST_RUNTIME, score_count=sum(width(head) for head in heads)
        ),
        schema=to_schema(specs, typical(population, specs) if defaults is None else defaults),
        heads=_heads(heads, segments, population),
        feature_distributions=[distribution(column, FEATURE_QUANTILES) for column in population.T],
        training=bundle_pb2.TrainingFacts(
            data=identity.data,
            until_ms=identity.until_ms,
            visitor_count=len(population),
            previous_version=identity.previous_version,
            libraries={name: importlib.metadata.version(name) for name in _LIBRARIES},
        ),
        parity=bundle_pb2.Parity(
            row_count=evidence.row_count,
            edge_row_count=evidence.edge_row_count,
            absolute_tolerance=ABSOLUTE_TOLERANCE,
            relative_tolerance=RELATIVE_TOLERANCE,
            largest_difference=evidence.largest_difference,
        ),
        texts=[
            bundle_pb2.TextGraph(
                name=head.name, title=head.order.title, file=head.file_name, features=[spec.name for spec in head.specs]
            )
            for head in texts
        ],
        approvals=_approvals(approval),
    )


def _approvals(order: ApprovalOrder) -> bundle_pb2.Approvals | None:
    return bundle_pb2.Approvals(required=True, labels=order.labels, people=order.people) if order.required else None


def _heads(heads: Sequence[Head], segments: Mapping[str, Segments], population: Features) -> list[bundle_pb2.Head]:
    messages = []
    first = 0
    for head in heads:
        if isinstance(head, Segmentation):
            messages.append(_segmentation(head, segments[head.name], first))
        elif isinstance(head, Outcome):
            messages.append(_outcome(head, population, first))
        first += width(head)
    return messages


def _segmentation(head: Segmentation, segments: Segments, first: int) -> bundle_pb2.Head:
    parents = segments.parents or [""] * head.count
    shares = [float((segments.labels == position).mean()) for position in range(head.count)]
    return bundle_pb2.Head(
        name=head.name,
        kind=bundle_pb2.HEAD_KIND_SEGMENTATION,
        title=head.title,
        columns=_columns(head.columns, first),
        segments=[
            _facts(keyed, name, share, found, parent)
            for keyed, name, share, found, parent in zip(
                segments.keys, segments.names, shares, segments.traits, parents, strict=True
            )
        ],
        retired_keys=segments.retired,
        has_outliers=head.has_outliers,
        groups=[_facts(group.keyed, group.name, group.share, group.traits, group.parent) for group in segments.groups],
    )


def _facts(keyed: Keyed, name: str, share: float, found: Sequence[Trait], parent: str) -> bundle_pb2.SegmentFacts:
    return bundle_pb2.SegmentFacts(
        key=keyed.key,
        name=name,
        share=share,
        issued_in_version=keyed.issued_in_version,
        overlap=keyed.overlap,
        traits=[
            bundle_pb2.Trait(
                feature=trait.spec.name,
                mean=trait.mean,
                population_mean=trait.population_mean,
                effect=trait.effect,
            )
            for trait in strongest(found)
        ],
        parent=parent,
    )


def _columns(columns: Sequence[Column], first: int) -> list[bundle_pb2.ScoreColumns]:
    starts = np.cumsum([first, *(count for _, count in columns)])
    return [
        bundle_pb2.ScoreColumns(role=role, first=int(start), count=count)
        for (role, count), start in zip(columns, starts[:-1], strict=True)
    ]


def _outcome(head: Outcome, population: Features, first: int) -> bundle_pb2.Head:
    (role, _), *_ = head.columns
    scores = head.scores(population)
    message = bundle_pb2.Head(
        name=head.name,
        kind=_KINDS[role],
        title=head.question.title,
        columns=_columns(head.columns, first),
        horizon_days=head.question.horizon_days,
    )
    if role == CLASS and isinstance(head, Classified):
        message.classes.extend(head.classes)
        message.class_shares.extend(scores.mean(axis=0).tolist())
    else:
        message.unit = head.question.unit
        message.distribution.CopyFrom(distribution(scores[:, 0], SCORE_QUANTILES))
    return message


def distribution(values: npt.NDArray[np.floating], count: int) -> bundle_pb2.Distribution:
    """How these values, shape (n,), are distributed, by so many quantiles."""
    wide = values.astype(np.float64)
    quantiles = np.quantile(wide, np.linspace(0, 1, count)).astype(np.float32)
    return bundle_pb2.Distribution(quantiles=np.maximum.accumulate(quantiles), mean=float(wide.mean()))
