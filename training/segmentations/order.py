"""A segmentation as it is ordered in the file that describes a model, and its fit."""

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from training.configuration.section import BadConfig, Section
from training.features import Features
from training.heads import NO_SEGMENT, Labels, Segmentation
from training.segmentations import centroids, density, hierarchy
from training.segmentations.centroids import Choice, fit_centroids
from training.segmentations.density import LEAST_EPS, MOST_SEGMENTS, Density, fit_dbscan, fit_hdbscan
from training.segmentations.hierarchy import fit_tree
from training.segmentations.mixture import fit_mixture
from training.segmentations.population import CannotSegment, shape_population
from training.segmentations.shaping import Shaping
from training.segmentations.stability import Refit
from training.table import Table

KMEANS, MINIBATCH, MIXTURE = "kmeans", "minibatch_kmeans", "gaussian_mixture"
HIERARCHY, DBSCAN, HDBSCAN = "hierarchy", "dbscan", "hdbscan"
LEARNED = (KMEANS, MINIBATCH, MIXTURE, HIERARCHY, DBSCAN, HDBSCAN)
RULES = ("rules", "rfm", "lifecycle")

_COUNTED = (KMEANS, MINIBATCH, MIXTURE)
_DENSE = (DBSCAN, HDBSCAN)
_NAME = re.compile(r"[a-z0-9_]{1,64}")  # as in bundle.proto
_LEAST_COUNT, _MOST_COUNT = 2, MOST_SEGMENTS
_LEAST_SAMPLES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationOrder:
    """A segmentation to fit.

    Attributes:
        name: of the head.
        title: of the head, for people.
        method: one of LEARNED or RULES.
        features: names of the features that define it; none: all that are numbers.
        counts: numbers of segments to choose from, ascending, for those methods that are told.
        levels: of a hierarchy, numbers of groups, ascending.
        density: of DBSCAN and HDBSCAN.
        smallest_share: of the visitors, for a segment to be one.
        is_judged: whether each of the counts is judged.
        rules: what rules_order reads, of a method of RULES.
    """

    name: str
    title: str
    method: str
    features: tuple[str, ...] = ()
    counts: tuple[int, ...] = centroids.COUNTS
    levels: tuple[int, ...] = hierarchy.LEVELS
    density: Density = field(default_factory=Density)
    smallest_share: float = centroids.SMALLEST_SHARE
    is_judged: bool = True
    rules: object = None


def read_segmentation(section: Section) -> SegmentationOrder:
    """A segmentation, of a table of [[segmentations]].

    Raises:
        BadConfig: the text says where, what is wrong, and what would be right.
    """
    name = section.text("name")
    section.called(name)
    if not _NAME.fullmatch(name):
        raise section.fault("name has other characters than a to z, 0 to 9 and _, or more than 64 of them")
    title = section.text("title", name)
    method = section.choice("method", (*LEARNED, *RULES))
    if method in RULES:
        rules = _rules_module().read_rules(section, name, title, method)
        return SegmentationOrder(name=name, title=title, method=method, rules=rules)
    order = SegmentationOrder(name=name, title=title, method=method, features=section.texts("features"))
    if method in _COUNTED:
        order = replace(order, counts=_read_counts(section), smallest_share=_read_share(section, order.smallest_share))
    elif method == HIERARCHY:
        order = replace(order, levels=_read_levels(section))
    else:
        order = replace(order, density=_read_density(section, method))
    section.finish()
    return order


def choice_rule(order: SegmentationOrder) -> str | None:
    """How the number of segments, or what decides it, is chosen, a sentence for people; None where it was given."""
    share = f"holds at least {order.smallest_share:.0%} of the visitors"
    if order.method in {KMEANS, MINIBATCH} and len(order.counts) > 1:
        return (
            "the largest number of segments of which each is found again in bootstrap samples (mean Jaccard index of "
            f"at least {centroids.LEAST_STABILITY:g}) and {share}"
        )
    if order.method == MIXTURE and len(order.counts) > 1:
        return f"the number of components with the lowest Bayesian information criterion of which each {share}"
    if order.method == DBSCAN and order.density.eps is None:
        return "eps where the distances to the k-th neighbour, in their order, bend most"
    return None


def fit_segmentation(order: SegmentationOrder, table: Table, seed: int) -> Segmentation:
    """The segmentation that was ordered, of these rows: one for each visitor, as of the newest date.

    Raises:
        CannotSegment: it cannot be fitted to these rows. The text names it, says why, and what to change.
    """
    if order.method in RULES:
        return cast("Segmentation", _rules_module().fit_rules(order.rules, table, seed))
    try:
        shaping = shape_population(table.features, table.specs, order.features)
        return _FITS[order.method](order, shaping, table.features, seed)
    except CannotSegment as error:
        raise CannotSegment(f"segmentation {order.name!r}: {error}") from None


def refitted(order: SegmentationOrder, head: Segmentation, table: Table, seed: int) -> Refit:
    """A function that fits the same method to some rows of the table, and says where it puts each row of it.

    What was chosen from the data for the head stays as it was: the number of segments, eps. Where a sample cannot be
    segmented, nobody is in a segment, so nothing is found again.

    Args:
        order: by which the head was fitted.
        head: as fitted.
        table: the same visitors, or some 10,000 of them.
        seed: of every fit.
    """

    def refit(sample: Labels) -> Labels:
        # HDBSCAN finds nothing denser than several copies of one row.
        rows = np.unique(sample) if order.method == HDBSCAN else sample
        try:
            return fit_segmentation(_fixed(order, head, len(rows)), table.where(rows), seed).assign(table.features)
        except CannotSegment:
            return np.full(len(table), NO_SEGMENT)

    return refit


def _fixed(order: SegmentationOrder, head: Segmentation, row_count: int) -> SegmentationOrder:
    """The order with what was chosen for the head, and the same density among so many rows."""
    if order.method in _COUNTED:
        return replace(order, counts=(head.count,), is_judged=False)
    if order.method not in _DENSE:
        return order
    (found,) = head.tried
    min_samples = max(_LEAST_SAMPLES, round(found["min_samples"] * row_count / found["rows"]))
    return replace(order, density=replace(order.density, eps=found.get("eps"), min_samples=min_samples))


def _centroids(order: SegmentationOrder, shaping: Shaping, features: Features, seed: int) -> Segmentation:
    choice = Choice(
        counts=order.counts,
        smallest_share=order.smallest_share,
        in_batches=order.method == MINIBATCH,
        is_judged=order.is_judged,
    )
    return fit_centroids(order.name, order.title, shaping, features, seed, choice)


def _mixture(order: SegmentationOrder, shaping: Shaping, features: Features, seed: int) -> Segmentation:
    return fit_mixture(order.name, order.title, shaping, features, seed, order.counts, order.smallest_share)


def _tree(order: SegmentationOrder, shaping: Shaping, features: Features, seed: int) -> Segmentation:
    return fit_tree(order.name, order.title, shaping, features, seed, order.levels)


def _dbscan(order: SegmentationOrder, shaping: Shaping, features: Features, seed: int) -> Segmentation:
    return fit_dbscan(order.name, order.title, shaping, features, seed, order.density)


def _hdbscan(order: SegmentationOrder, shaping: Shaping, features: Features, seed: int) -> Segmentation:
    return fit_hdbscan(order.name, order.title, shaping, features, seed, order.density)


_FITS: Mapping[str, Callable[[SegmentationOrder, Shaping, Features, int], Segmentation]] = {
    KMEANS: _centroids,
    MINIBATCH: _centroids,
    MIXTURE: _mixture,
    HIERARCHY: _tree,
    DBSCAN: _dbscan,
    HDBSCAN: _hdbscan,
}


def _rules_module() -> Any:  # noqa: ANN401  # segmentations by rules are a package part of their own
    return importlib.import_module("training.segmentations.rules_order")


def _read_counts(section: Section) -> tuple[int, ...]:
    if not section.has("count"):
        return centroids.COUNTS
    try:
        count = section.whole("count")
        ends = [] if count is None else [count, count]
    except BadConfig:
        ends = _pair(section)
    if len(ends) != 2 or not _LEAST_COUNT <= ends[0] <= ends[1] <= _MOST_COUNT:  # noqa: PLR2004  # lowest and highest
        raise section.fault(
            f"count is needed as a number of segments, such as 5, or as a range, such as [3, 8], from {_LEAST_COUNT} "
            f"to {_MOST_COUNT}"
        )
    return tuple(range(ends[0], ends[1] + 1))


def _pair(section: Section) -> list[int]:
    try:
        return list(section.wholes("count"))
    except BadConfig:
        return []


def _read_levels(section: Section) -> tuple[int, ...]:
    if not section.has("levels"):
        return hierarchy.LEVELS
    levels = section.wholes("levels")
    if not levels or list(levels) != sorted(set(levels)) or not _LEAST_COUNT <= levels[0] <= levels[-1] <= _MOST_COUNT:
        raise section.fault(
            f"levels is needed as ascending numbers of groups from {_LEAST_COUNT} to {_MOST_COUNT}, the last that of "
            f"the segments, such as [3, 8]"
        )
    return levels


def _read_density(section: Section, method: str) -> Density:
    eps = section.number("eps") if method == DBSCAN else None
    if eps is not None and eps < LEAST_EPS:
        raise section.fault(f"eps is in standard deviations of the features, at least {LEAST_EPS:g}, such as 0.5")
    min_samples = section.whole("min_samples")
    if min_samples is not None and min_samples < _LEAST_SAMPLES:
        raise section.fault(f"min_samples counts the visitor itself too; it is needed from {_LEAST_SAMPLES} on")
    share = _read_share(section, density.SMALLEST_SHARE)
    return Density(eps=eps, min_samples=min_samples, smallest_share=share)


def _read_share(section: Section, default: float) -> float:
    share = section.number("smallest_share")
    if share is None:
        return default
    if not 0 <= share < 1:
        raise section.fault("smallest_share is a share of the visitors, needed from 0 to below 1, such as 0.05")
    return share
