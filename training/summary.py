"""What a version holds, as tables for people."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table

from protos.audience.v1 import bundle_pb2
from server.bundle import EVALUATION_FILE, read_description

_FIGURES = {
    "base_rate": "base rate",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "lift_top_decile": "lift in top 10 %",
    "calibration_error": "calibration error",
    "accuracy": "accuracy",
    "top3": "among the top three",
    "spearman": "rank correlation",
    "poisson_deviance": "Poisson deviance",
    "mean_absolute_error": "mean absolute error",
    "total_ratio": "total / true total",
    "qini": "Qini",
}


def tables(folder: Path) -> Group:
    """Segments of every segmentation, and how well every outcome was foretold, of the version in this folder."""
    manifest = read_description(folder).manifest
    evaluation: Mapping[str, Any] = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
    segmentations = [head for head in manifest.heads if head.kind == bundle_pb2.HEAD_KIND_SEGMENTATION]
    return Group(
        f"\nPublished {folder}: trained on {manifest.training.visitor_count:,} visitors",
        *(_segments(head) for head in segmentations),
        _outcomes(evaluation["outcomes"]),
        *(f"Warning, {finding['outcome']}: {finding['text']}" for finding in evaluation["leakage"]),
    )


def _segments(head: bundle_pb2.Head) -> Table:
    table = Table(title=f"{head.name}: {head.title}", title_justify="left")
    table.add_column("segment")
    table.add_column("key", no_wrap=True)
    table.add_column("share", justify="right")
    table.add_column("mean (all visitors)")
    names = {group.key: group.name for group in head.groups}
    for segment in head.segments:
        key = segment.key if segment.HasField("overlap") else f"{segment.key} new"
        within = f" (within {names[segment.parent]})" if segment.parent else ""
        table.add_row(
            segment.name + within, key, f"{segment.share:.0%}", "\n".join(_apart(t) for t in segment.traits[:2])
        )
    if head.retired_keys:
        table.caption = f"retired: {', '.join(head.retired_keys)}"
    return table


def _apart(trait: bundle_pb2.Trait) -> str:
    return f"{trait.feature} {trait.mean:.3g} ({trait.population_mean:.3g})"


def _outcomes(outcomes: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(title="outcomes, on rows that were not learnt from", title_justify="left")
    for column in ("head", "figure", "model", "baseline"):
        table.add_column(column, no_wrap=column == "head")
    for name, outcome in outcomes.items():
        figures, baseline = outcome["figures"], (outcome["baseline"] or {}).get("figures", {})
        known = [figure for figure in _FIGURES if figures.get(figure) is not None]
        cells = ["\n".join(_written(source.get(figure)) for figure in known) for source in (figures, baseline)]
        method = f"\n{outcome['method']}" if outcome["method"] else ""
        table.add_row(name + method, "\n".join(_FIGURES[figure] for figure in known), *cells)
    return table


def _written(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.3g}"
