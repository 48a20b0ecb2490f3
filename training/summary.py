"""What a version holds, as tables for people."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table

from protos.audience.v1 import bundle_pb2
from server.bundle import EVALUATION_FILE, read_description

_OUTCOMES = {bundle_pb2.HEAD_KIND_PROPENSITY, bundle_pb2.HEAD_KIND_VALUE}
_FIGURES = {
    "base_rate": "base rate",
    "roc_auc": "ROC AUC",
    "lift_top_decile": "lift in top 10 %",
    "calibration_error": "calibration error",
    "spearman": "rank correlation",
    "poisson_deviance": "Poisson deviance",
    "mean_absolute_error": "mean absolute error",
    "total_ratio": "total / true total",
}


def tables(folder: Path) -> Group:
    """Segments of every segmentation, and how well every outcome was foretold, of the version in this folder."""
    manifest = read_description(folder).manifest
    evaluation: Mapping[str, Any] = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
    segmentations = [head for head in manifest.heads if head.kind == bundle_pb2.HEAD_KIND_SEGMENTATION]
    outcomes = [head for head in manifest.heads if head.kind in _OUTCOMES]
    return Group(
        f"\nPublished {folder}: trained on {manifest.training.visitor_count:,} visitors",
        *(_segments(head) for head in segmentations),
        _outcomes(outcomes, evaluation),
    )


def _segments(head: bundle_pb2.Head) -> Table:
    table = Table(title=f"{head.name}: {head.title}", title_justify="left")
    table.add_column("segment")
    table.add_column("key", no_wrap=True)
    table.add_column("share", justify="right")
    table.add_column("mean (all visitors)")
    for segment in head.segments:
        key = segment.key if segment.HasField("overlap") else f"{segment.key} new"
        table.add_row(segment.name, key, f"{segment.share:.0%}", "\n".join(_apart(t) for t in segment.traits[:2]))
    if head.retired_keys:
        table.caption = f"retired: {', '.join(head.retired_keys)}"
    return table


def _apart(trait: bundle_pb2.Trait) -> str:
    return f"{trait.feature} {trait.mean:.3g} ({trait.population_mean:.3g})"


def _outcomes(heads: list[bundle_pb2.Head], evaluation: Mapping[str, Any]) -> Table:
    table = Table(title="outcomes, on records from after training", title_justify="left")
    for column in ("head", "figure", "model", "baseline"):
        table.add_column(column, no_wrap=column == "head")
    for head in heads:
        figures = evaluation[head.name]
        names = [name for name in _FIGURES if name in figures]
        cells = ["\n".join(f"{source[name]:.3g}" for name in names) for source in (figures, figures["baseline"])]
        table.add_row(head.name, "\n".join(_FIGURES[name] for name in names), *cells)
    return table
