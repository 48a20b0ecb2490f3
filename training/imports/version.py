"""From a foreign file to a published version, step by step."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protos.audience.v1 import bundle_pb2
from training.imports.order import ImportOrder
from training.imports.original import load_original
from training.imports.parts import outputs_of, parts_of
from training.imports.proof import prove
from training.imports.record import Findings, evaluation_of, manifest_of, schema_of
from training.imports.rows import make_rows
from training.imports.segments import KeyedHead, key_segments
from training.imports.wrap import wrap
from training.previous import Previous, find_previous, next_version
from training.publish import bundle_files, publish
from training.signature import SigningKey


@dataclass(frozen=True, slots=True)
class Imported:
    """What was published.

    Attributes:
        folder: of the new version.
        manifest: of it.
        findings: what was seen on the way.
    """

    folder: Path
    manifest: bundle_pb2.Manifest
    findings: Findings


def import_model(
    path: Path, order: ImportOrder, repository: Path, seed: int, signing_key: SigningKey | None = None
) -> Imported:
    """Wraps the graph, compares it with itself as it came, and publishes it as the model's next version.

    Args:
        path: the ONNX file; weights may be in others beside it.
        order: what its inputs and outputs mean.
        repository: where to publish.
        seed: of the rows that are drawn when the order names none.
        signing_key: whose signature the version gets; None for none.

    Raises:
        BadConfig, NotImportable, BadBundle, NotPublished: the text says why; nothing was published.
    """
    original = load_original(path, order.columns)
    wanted = outputs_of(original, order.heads)
    rows, defaults = make_rows(order.rows, order.columns, seed)
    outputs = original.run(rows.values, wanted)
    heads = parts_of(order.heads, outputs, len(rows.values))
    expected = np.concatenate([head.scores(outputs) for head in heads], axis=1)
    wrapped = wrap(original, heads)
    graph = wrapped.SerializeToString(deterministic=True)
    evidence = prove(graph, heads, rows, expected, is_single=original.is_single)

    findings = Findings(order.columns, defaults, heads, {}, rows, expected, evidence)
    asked = rows.real if findings.is_population else rows.values
    previous = find_previous(repository, order.model, schema_of(order.columns, defaults), asked)
    version = next_version(repository, order.model)
    findings = Findings(order.columns, defaults, heads, _keys(findings, version, previous), rows, expected, evidence)
    identity = (order.model, version, previous.model.version if previous else 0)
    manifest = manifest_of(identity, findings, wrapped, order.facts)
    reference = (evidence.reference_features, evidence.reference_scores)
    files = bundle_files(manifest, graph, reference, evaluation_of(findings, path.name))
    return Imported(publish(repository, order.model, version, files, signing_key), manifest, findings)


def _keys(findings: Findings, version: int, previous: Previous | None) -> dict[str, KeyedHead]:
    """Of every segmentation, by name."""
    keyed = {}
    first = 0
    for head in findings.heads:
        if head.order.kind == "segmentation":
            keyed[head.order.name] = key_segments(head.order, version, findings.labels(first), previous)
        first += head.width
    return keyed
