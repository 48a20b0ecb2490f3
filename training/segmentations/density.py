"""Segments where visitors are dense, by DBSCAN and HDBSCAN; who is far from all of them is in none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import DBSCAN, HDBSCAN
from sklearn.neighbors import NearestNeighbors

from training.export.nodes import Nodes
from training.features import Features
from training.heads import NO_SEGMENT, Column, FloatArray, Labels
from training.segmentations.assigner import Assigner
from training.segmentations.population import CannotSegment, by_size, draw
from training.segmentations.radii import calibrated_radii
from training.segmentations.shaping import Shaping
from training.segmentations.thinning import thin

MOST_CENTRES = 2000  # a row is compared with all of them while a page waits
MOST_SEGMENTS = 100
LEAST_EPS = 1e-3  # in standard deviations; rows that differ by less are the same
SMALLEST_SHARE = 0.01  # of the visitors; a smaller dense place is no segment
_FITTED_ROWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dense:
    """Segments where visitors are dense: a visitor is in that of the nearest representative, if it is near enough.

    Attributes: as Segmentation and Approximation, and
        assigner: representatives with their segments and radii.
    """

    name: str
    title: str
    assigner: Assigner
    tried: Sequence[dict[str, float]]
    fidelity: float

    @property
    def shaping(self) -> Shaping:
        """See Segmentation."""
        return self.assigner.shaping

    @property
    def count(self) -> int:
        """Number of segments, the outliers not being one."""
        return self.assigner.count

    @property
    def has_outliers(self) -> bool:
        """Who is far from every segment is in none."""
        return True

    @property
    def columns(self) -> Sequence[Column]:
        """See Head."""
        return self.assigner.columns

    def assign(self, features: Features) -> Labels:
        """Position of each visitor's segment, shape (n,), NO_SEGMENT for an outlier."""
        return self.assigner.assign(features)

    def scores(self, features: Features) -> FloatArray:
        """See Assigner."""
        return self.assigner.scores(features)

    def emit(self, nodes: Nodes, features: str) -> str:
        """See Assigner."""
        return self.assigner.emit(nodes, features)


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """What is dense.

    Attributes:
        eps: of DBSCAN, how near neighbours are, in standard deviations of shaped features; None: found from the data.
        min_samples: how many visitors, with the one itself, make a place dense; None: twice the number of features.
        smallest_share: of the visitors, that every segment has to have.
    """

    eps: float | None = None
    min_samples: int | None = None
    smallest_share: float = SMALLEST_SHARE


def fit_dbscan(  # noqa: PLR0913, PLR0917  # what the head is called, what it is fitted on, and how
    name: str, title: str, shaping: Shaping, features: Features, seed: int, density: Density
) -> Dense:
    """DBSCAN of at most 10,000 visitors chosen by chance, served as: the nearest core sample, if within eps.

    That is the definition of the method, but for two things. A row that is near core samples of two segments is in
    the nearer one. And beyond 2,000 core samples, points that cover them stand for them, and each segment's radius
    is the one that agrees best with the fit (see radii).

    Raises:
        CannotSegment: every row is an outlier, no eps can be found, or there are more than 100 segments.

    Source: M. Ester, H.-P. Kriegel, J. Sander and X. Xu, A density-based algorithm for discovering clusters, 1996;
        twice the number of features: J. Sander and others, Density-based clustering in spatial databases, 1998.
    """
    shaped = shaping.apply(features[draw(len(features), _FITTED_ROWS, seed)])
    min_samples = min(density.min_samples or 2 * shaped.shape[1], len(shaped))
    eps = density.eps or _found_eps(shaped, min_samples)
    model = DBSCAN(eps=eps, min_samples=min_samples).fit(shaped)
    labels = _large(model.labels_, density.smallest_share)
    if labels.max() < 0:
        raise CannotSegment(
            f"dbscan with eps = {eps:.3g} and min_samples = {min_samples} finds no segment with at least "
            f"{density.smallest_share:.1%} of the {len(shaped)} rows, all are outliers; raise eps, lower min_samples "
            f"or smallest_share, or name fewer features"
        )
    core = model.core_sample_indices_[labels[model.core_sample_indices_] >= 0]
    settings = {"eps": float(eps), "min_samples": float(min_samples)}
    return _served(name, title, shaping, shaped, labels, core, settings)


def fit_hdbscan(  # noqa: PLR0913, PLR0917  # what the head is called, what it is fitted on, and how
    name: str, title: str, shaping: Shaping, features: Features, seed: int, density: Density
) -> Dense:
    """HDBSCAN of at most 10,000 visitors chosen by chance, served as: the nearest member, if within a radius.

    Its segments have densities of their own, so each has a radius of its own, the one that agrees best with the fit
    (see radii); beyond 2,000 members, points that cover them stand for them.

    Raises:
        CannotSegment: every row is an outlier, or there are more than 100 segments.

    Source: R. J. G. B. Campello, D. Moulavi and J. Sander, Density-based clustering based on hierarchical density
        estimates, 2013.
    """
    shaped = shaping.apply(features[draw(len(features), _FITTED_ROWS, seed)])
    least = max(2, int(np.ceil(density.smallest_share * len(shaped))))
    min_samples = min(density.min_samples or 2 * shaped.shape[1], len(shaped))
    if len(shaped) > least:
        model = HDBSCAN(min_cluster_size=least, min_samples=min_samples, copy=True).fit(shaped)
        labels = _large(model.labels_, density.smallest_share)
    else:
        labels = np.full(len(shaped), NO_SEGMENT)
    if labels.max() < 0:
        raise CannotSegment(
            f"hdbscan with min_samples = {min_samples} finds no segments of at least {least} of the {len(shaped)} "
            f"rows, all are outliers; lower smallest_share or min_samples, or name fewer features"
        )
    settings = {"min_samples": float(min_samples)}
    return _served(name, title, shaping, shaped, labels, np.flatnonzero(labels >= 0), settings)


def knee(ascending: FloatArray) -> float:
    """The value where a curve that bends upwards does so most: farthest below the line between its ends.

    >>> knee(np.array([1.0, 1.0, 1.1, 1.2, 5.0]))
    1.2

    Source: V. Satopää and others, Finding a "kneedle" in a haystack, 2011, without smoothing.
    """
    span = ascending[-1] - ascending[0]
    if span <= 0:
        return float(ascending[-1])
    below = np.linspace(0, 1, len(ascending)) - (ascending - ascending[0]) / span
    return float(ascending[below.argmax()])


def _found_eps(shaped: FloatArray, min_samples: int) -> float:
    """The knee of the distances from each row to its min_samples-th nearest, itself being the first."""
    farthest = NearestNeighbors(n_neighbors=min_samples).fit(shaped).kneighbors(shaped)[0][:, -1]
    apart = np.sort(farthest[farthest >= LEAST_EPS])
    if not len(apart):
        raise CannotSegment(
            f"eps cannot be found: every row is one of {min_samples} or more that are the same; give eps in standard "
            f"deviations, such as eps = 0.5, or name more features"
        )
    return knee(apart)


def _large(labels: Labels, smallest_share: float) -> Labels:
    """Segments in the order of their size; smaller ones than wanted, and all that is in none, as NO_SEGMENT."""
    found = labels.astype(np.int64)
    sizes = np.bincount(found[found >= 0], minlength=1)
    order = by_size(found[found >= 0], len(sizes))
    order = order[sizes[order] >= max(1, smallest_share * len(found))]
    position = np.full(len(sizes) + 1, NO_SEGMENT)  # the last is for no segment
    position[order] = np.arange(len(order))
    return position[np.where(found >= 0, found, len(sizes))]


def _served(  # noqa: PLR0913, PLR0917  # the head's name and title, and what was fitted
    name: str,
    title: str,
    shaping: Shaping,
    shaped: FloatArray,
    labels: Labels,
    members: Labels,
    settings: dict[str, float],
) -> Dense:
    """The head of a fit.

    Args:
        name: of the head.
        title: of the head.
        shaping: of the features.
        shaped: shape (n, d).
        labels: shape (n,), as fitted.
        members: positions of the rows that centres are chosen from.
        settings: of the fit, for the evaluation; eps is the radius where every member is a centre.

    Raises:
        CannotSegment: there are more segments than anybody can tell apart.
    """
    if labels.max() >= MOST_SEGMENTS:
        raise CannotSegment(
            f"there are {labels.max() + 1} dense places, and a segmentation has at most {MOST_SEGMENTS} segments; "
            f"raise smallest_share or min_samples"
        )
    chosen = members[thin(shaped[members], labels[members], MOST_CENTRES)]
    assigner = Assigner(shaping, shaped[chosen], labels[chosen])
    if "eps" in settings and len(chosen) < MOST_CENTRES:
        assigner = replace(assigner, radii=np.full(assigner.count, settings["eps"]))
        decided = assigner.decide(cdist(shaped, assigner.centres))[:, 0]
    else:
        distances = _to_others(shaped, chosen)
        nearest = labels[chosen][distances.argmin(axis=1)]
        radii = calibrated_radii(distances.min(axis=1), nearest, labels, assigner.count)
        assigner = replace(assigner, radii=radii)
        decided = assigner.decide(distances)[:, 0]
    figures = {
        "k": float(assigner.count),
        "rows": float(len(shaped)),
        "outlier_share": float((labels == NO_SEGMENT).mean()),
        "centres": float(len(chosen)),
    }
    return Dense(
        name=name,
        title=title,
        assigner=assigner,
        tried=[{**figures, **settings}],
        fidelity=float((decided == labels).mean()),
    )


def _to_others(shaped: FloatArray, chosen: Labels) -> FloatArray:
    """Distances of all rows to the chosen ones, shape (n, m), infinite from each to itself.

    So a radius, and how well it agrees, is that of rows that the fit has not seen. (measured: see the tests)
    """
    distances: FloatArray = cdist(shaped, shaped[chosen])
    distances[chosen, np.arange(len(chosen))] = np.inf
    return distances
