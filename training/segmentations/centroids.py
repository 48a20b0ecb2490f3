"""k-means: a visitor is in the segment of the nearest centre."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from training.export.nodes import Nodes
from training.features import Features
from training.heads import DISTANCE, MARGIN, SEGMENT, Column, FloatArray, Labels
from training.keys import jaccard
from training.segmentations.shaping import Shaping

COUNTS = tuple(range(3, 9))  # fewer say too little, more than a team can write for (assumed)
SMALLEST_SHARE = 0.05  # of visitors, for a segment to be worth a campaign (assumed)
LEAST_STABILITY = 0.75  # of the least stable segment, over bootstrap samples (Hennig 2007: below it, in doubt)
_BOOTSTRAPS = 8
_RESTARTS = 10


@dataclass(frozen=True, slots=True)
class Centroids:
    """k-means: a visitor is in the segment of the nearest centre.

    Attributes:
        name: of the head.
        title: of the head, for people.
        shaping: of the features.
        model: fitted on shaped features; its clusters stand in the order of their size, largest first.
        tried: what each number of segments gave, for the evaluation.
    """

    name: str
    title: str
    shaping: Shaping
    model: KMeans
    tried: Sequence[dict[str, float]]

    @property
    def count(self) -> int:
        """Number of segments."""
        return len(self.model.cluster_centers_)

    def assign(self, features: Features) -> Labels:
        """Position of each visitor's segment, shape (n,)."""
        labels: Labels = self.model.predict(self.shaping.apply(features)).astype(np.int64)
        return labels

    def scores(self, features: Features) -> FloatArray:
        """Segment, distance and margin as scikit-learn gives them, shape (n, 3)."""
        shaped = self.shaping.apply(features)
        distances = np.sort(self.model.transform(shaped), axis=1)
        return np.column_stack([self.assign(features), distances[:, 0], distances[:, 1] - distances[:, 0]])

    @property
    def columns(self) -> Sequence[Column]:
        """See Head."""
        return [(SEGMENT, 1), (DISTANCE, 1), (MARGIN, 1)]

    def emit(self, nodes: Nodes, features: str) -> str:
        """The roots of |x|² - 2 x·c + |c|², and the smallest two of them."""
        centres = self.model.cluster_centers_
        x = self.shaping.emit(nodes, features)
        square = nodes.add("ReduceSumSquare", x, nodes.constant([1]))
        cross = nodes.add("MatMul", x, nodes.constant(-2.0 * centres.T))
        squares = nodes.add("Add", nodes.add("Add", square, cross), nodes.constant((centres**2).sum(axis=1)))
        distances = nodes.add("Sqrt", nodes.add("Max", squares, nodes.constant(0.0)))
        two, positions = nodes.largest(distances, 2, smallest=True)
        nearest, second = nodes.add_many("Split", 2, two, axis=1, num_outputs=2)
        segment = nodes.cast(nodes.gather(positions, (0,), 2), np.float64)
        return nodes.beside(segment, nearest, nodes.add("Sub", second, nearest))


def fit_centroids(name: str, title: str, shaping: Shaping, features: Features, seed: int) -> Centroids:
    """k-means with the number of segments by this rule.

    The largest k whose every segment is stable and has at least 5 % of the visitors. A segment is stable when
    clusterings of bootstrap samples find it again with a mean Jaccard index of at least 0.75. If no k is, the one whose
    least stable segment is most so. Reported, without a say: the silhouette, which favours few and coarse segments, and
    the adjusted Rand index, which stays above 0.8 when one of four clear groups is cut in two by chance. (measured)

    Source: C. Hennig, Cluster-wise assessment of cluster stability, 2007.
    """
    shaped = shaping.apply(features)
    models = {k: KMeans(k, n_init=_RESTARTS, random_state=seed).fit(shaped) for k in COUNTS}
    tried = [_judge_centroids(model, shaped, seed) for model in models.values()]
    fit = [t for t in tried if t["stability"] >= LEAST_STABILITY and t["smallest_share"] >= SMALLEST_SHARE]
    best = max(fit, key=lambda t: t["k"]) if fit else max(tried, key=lambda t: t["stability"])
    model = models[int(best["k"])]
    model.cluster_centers_ = model.cluster_centers_[by_size(model.labels_)]
    return Centroids(name, title, shaping, model, tried)


def _judge_centroids(model: KMeans, shaped: FloatArray, seed: int) -> dict[str, float]:
    k = model.n_clusters
    again = [
        KMeans(k, n_init=3, random_state=seed).fit(shaped[sample]).predict(shaped)
        for sample in _bootstraps(len(shaped), seed)
    ]
    found = np.mean([jaccard(model.labels_, k, labels, k).max(axis=1) for labels in again], axis=0)  # [segments]
    return {
        "k": k,
        "stability": float(found.min()),
        "adjusted_rand": float(np.mean([adjusted_rand_score(model.labels_, labels) for labels in again])),
        "smallest_share": float(np.bincount(model.labels_, minlength=k).min() / len(shaped)),
        "silhouette": float(silhouette_score(shaped, model.labels_, sample_size=2000, random_state=seed)),
        "inertia": float(model.inertia_),
    }


def _bootstraps(size: int, seed: int) -> Iterator[Labels]:
    generator = np.random.default_rng(seed)
    return (generator.integers(0, size, size) for _ in range(_BOOTSTRAPS))


def by_size(labels: Labels, count: int = 0) -> Labels:
    """Positions in the order of their sizes, largest first."""
    return np.argsort(-np.bincount(labels, minlength=count), kind="stable").astype(np.int64)
