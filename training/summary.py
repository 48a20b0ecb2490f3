"""What a version holds, as tables for people."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table

from protos.audience.v1 import bundle_pb2
from server.bundle import EVALUATION_FILE, read_description

_KINDS = {bundle_pb2.HEAD_KIND_PROPENSITY, bundle_pb2.HEAD_KIND_VALUE}


def tables(folder: Path) -> Group:
    """Segments of every segmentation, and how well every outcome was foretold, of the version in this folder."""
    manifest = read_description(folder).manifest
    evaluation: Mapping[str, Any] = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
    segmentations = [head for head in manifest.heads if head.kind == bundle_pb2.HEAD_KIND_SEGMENTATION]
    outcomes = [head for head in manifest.heads if head.kind in _KINDS]
    return Group(
        f"\nPublished {folder}: trained on {manifest.training.visitor_count:,} visitors",
        *(_segments(head) for head in segmentations),
        _outcomes(outcomes, evaluation),
    )


def _segments(head: bundle_pb2.Head) -> Table:
    table = Table(title=f"{head.name}: {head.title}", title_justify="left")
    for column in ("segment", "key", "share", "since", "sets it apart"):
        table.add_column(column, justify="right" if column == "share" else "left")
    for segment in head.segments:
        apart = ", ".join(f"{trait.feature} {trait.mean:.3g} (all: {trait.population_mean:.3g})" for trait in segment.traits[:2])
        since = f"version {segment.issued_in_version}"
        table.add_row(segment.name, segment.key, f"{segment.share:.0%}", since, apart)
    if head.retired_keys:
        table.caption = f"retired: {', '.join(head.retired_keys)}"
    return table


def _outcomes(heads: list[bundle_pb2.Head], evaluation: Mapping[str, Any]) -> Table:
    table = Table(title="outcomes, on records from after training", title_justify="left")
    for column in ("head", "how well", "without the model"):
        table.add_column(column)
    for head in heads:
        figures = evaluation[head.name]
        table.add_row(f"{head.name}: {head.title}", _how_well(figures), _how_well(figures["baseline"]))
    return table


def _how_well(figures: Mapping[str, Any]) -> str:
    if "roc_auc" in figures:
        return (
            f"AUC {figures['roc_auc']:.3f}, lift in top 10 % {figures['lift_top_decile']:.2f}, "
            f"calibration error {figures['calibration_error']:.3f} (base rate {figures['base_rate']:.3f})"
        )
    return (
        f"mean error {figures['mean_absolute_error']:.0f}, rank correlation {figures['spearman']:.3f}, "
        f"total {figures['total_ratio']:.2f} of the true one"
    )
