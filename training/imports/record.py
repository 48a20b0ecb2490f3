"""The manifest and the evaluation of an imported version."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx
import onnxruntime

from protos.audience.v1 import bundle_pb2
from server.bundle import FORMAT_VERSION
from server.schema import fingerprint
from training.export.graph import SMALLEST_RUNTIME
from training.export.parity import ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE, Evidence
from training.features import Features
from training.imports.columns import Column
from training.imports.original import nodes_of, opset_of
from training.imports.parts import HeadParts
from training.imports.rows import Rows
from training.imports.segments import KeyedHead, segment_messages
from training.keys import Labels
from training.manifest import FEATURE_QUANTILES, SCORE_QUANTILES, distribution

LEAST_POPULATION = 100  # rows; of fewer a percentile says nothing
# What the oldest ONNX Runtime that the server allows runs: default operator set, ai.onnx.ml, and the format.
_SMALLEST_KNOWS = (22, 5, 10)
_KINDS = {
    "segmentation": bundle_pb2.HEAD_KIND_SEGMENTATION,
    "propensity": bundle_pb2.HEAD_KIND_PROPENSITY,
    "value": bundle_pb2.HEAD_KIND_VALUE,
}


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of an imported model beside its files.

    Attributes:
        columns: the features.
        defaults: of them, shape (features,).
        heads: in the order of their columns.
        keyed: the segmentations' keys, by head.
        rows: that were tried.
        expected: shape (n, score_count), the scores of those rows.
        evidence: of parity.
    """

    columns: Sequence[Column]
    defaults: Features
    heads: Sequence[HeadParts]
    keyed: Mapping[str, KeyedHead]
    rows: Rows
    expected: Features
    evidence: Evidence

    @property
    def is_population(self) -> bool:
        """Whether there are enough real rows to say how visitors are distributed."""
        return self.rows.real_count >= LEAST_POPULATION

    def labels(self, first: int) -> Labels | None:
        """Where the real rows are, by the segmentation whose first column this is; None when they are too few."""
        return self.expected[: self.rows.real_count, first].astype("int64") if self.is_population else None


def schema_of(columns: Sequence[Column], defaults: Features) -> bundle_pb2.FeatureSchema:
    """The schema of these features with these defaults."""
    features = []
    for column, default in zip(columns, defaults.tolist(), strict=True):
        feature = bundle_pb2.Feature()
        feature.CopyFrom(column.feature)
        feature.default = default
        features.append(feature)
    return bundle_pb2.FeatureSchema(fingerprint=fingerprint(features), features=features)


def manifest_of(
    identity: tuple[str, int, int],
    findings: Findings,
    graph: onnx.ModelProto,
    facts: bundle_pb2.TrainingFacts | None,
) -> bundle_pb2.Manifest:
    """The manifest.

    Args:
        identity: the model's name, the version, and the one before, 0 for none.
        findings: what is known.
        graph: as it will be served.
        facts: what the model was trained on, None when nobody said.
    """
    model, version, previous_version = identity
    evidence, real = findings.evidence, findings.rows.real
    manifest = bundle_pb2.Manifest(
        format_version=FORMAT_VERSION,
        model=model,
        version=version,
        created_ms=time.time_ns() // 1_000_000,
        graph=bundle_pb2.Graph(
            opset=opset_of(graph), smallest_runtime=_runtime(graph), score_count=findings.expected.shape[1]
        ),
        schema=schema_of(findings.columns, findings.defaults),
        heads=_heads(findings),
        feature_distributions=[distribution(c, FEATURE_QUANTILES) for c in real.T] if findings.is_population else [],
        parity=bundle_pb2.Parity(
            row_count=evidence.row_count,
            edge_row_count=evidence.edge_row_count,
            absolute_tolerance=ABSOLUTE_TOLERANCE,
            relative_tolerance=RELATIVE_TOLERANCE,
            largest_difference=evidence.largest_difference,
        ),
    )
    if facts is not None:
        manifest.training.CopyFrom(facts)
        manifest.training.previous_version = previous_version
    return manifest


def _runtime(graph: onnx.ModelProto) -> str:
    """The oldest ONNX Runtime that surely runs the graph: the oldest at all for what it knows, else this one."""
    needs = (opset_of(graph), opset_of(graph, "ai.onnx.ml"), graph.ir_version)
    is_old = all(needed <= known for needed, known in zip(needs, _SMALLEST_KNOWS, strict=True))
    is_standard = all(node.domain != "com.microsoft" for node in nodes_of(graph.graph))
    return SMALLEST_RUNTIME if is_old and is_standard else onnxruntime.__version__


def _heads(findings: Findings) -> list[bundle_pb2.Head]:
    messages = []
    first = 0
    for head in findings.heads:
        order = head.order
        message = bundle_pb2.Head(
            name=order.name, kind=_KINDS[order.kind], title=order.title, columns=_score_columns(head, first)
        )
        if order.kind == "segmentation":
            _add_segments(message, head, first, findings)
        else:
            message.horizon_days, message.unit = order.horizon_days, order.unit
            if findings.is_population:
                scores = findings.expected[: findings.rows.real_count, first]
                message.distribution.CopyFrom(distribution(scores, SCORE_QUANTILES))
        messages.append(message)
        first += head.width
    return messages


def _score_columns(head: HeadParts, first: int) -> list[bundle_pb2.ScoreColumns]:
    messages = []
    for part in head.parts:
        messages.append(bundle_pb2.ScoreColumns(role=part.role, first=first, count=part.width))
        first += part.width
    return messages


def _add_segments(message: bundle_pb2.Head, head: HeadParts, first: int, findings: Findings) -> None:
    keyed = findings.keyed[head.order.name]
    labels = findings.labels(first)
    message.segments.extend(segment_messages(head.order, keyed, labels, findings.rows.real, findings.columns))
    message.retired_keys.extend(keyed.retired)


def evaluation_of(findings: Findings, source: str) -> dict[str, object]:
    """For evaluation.json: nothing about how good the model is, which its makers know, but what was tried."""
    evidence, rows = findings.evidence, findings.rows
    figures: dict[str, object] = {
        "import": {
            "file": source,
            "rows": rows.real_count,
            "drawn_or_edge_rows": evidence.edge_row_count,
            "rows_are_drawn": rows.real_count == 0,
            "replaced_values": dict(rows.replaced),
            "has_distributions": findings.is_population,
        },
        "parity": {"largest_difference": dict(evidence.largest_difference)},
    }
    for name, keyed in findings.keyed.items():
        figures[name] = {
            "kept": list(keyed.kept),
            "overlaps": dict(keyed.overlaps),
            "retired": list(keyed.retired),
        }
    return figures
