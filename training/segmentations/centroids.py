"""k-means: a visitor is in the segment of the nearest centre."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from training.export.nodes import Nodes
from training.features import Features
from training.heads import Column, FloatArray, Labels
from training.segmentations.assigner import Assigner
from training.segmentations.population import by_size, draw, one_thread, possible_counts, silhouette
from training.segmentations.shaping import Shaping
from training.segmentations.stability import bootstrap_stability

COUNTS = tuple(range(3, 9))  # fewer say too little, more than a team can write for (assumed)
SMALLEST_SHARE = 0.05  # of visitors, for a segment to be worth a campaign (assumed)
LEAST_STABILITY = 0.75  # of the least stable segment, over bootstrap samples (Hennig 2007: below it, in doubt)
_JUDGED_ROWS = 10_000
_RESTARTS = 10
_RESTARTS_OF_JUDGES = 3


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
    model: KMeans | MiniBatchKMeans
    tried: Sequence[dict[str, float]]

    @property
    def assigner(self) -> Assigner:
        """The centres, each a segment."""
        return Assigner(self.shaping, self.model.cluster_centers_, np.arange(self.count))

    @property
    def count(self) -> int:
        """Number of segments."""
        return len(self.model.cluster_centers_)

    @property
    def has_outliers(self) -> bool:
        """Nobody is in no segment."""
        return False

    @property
    def columns(self) -> Sequence[Column]:
        """See Head."""
        return self.assigner.columns

    def assign(self, features: Features) -> Labels:
        """Position of each visitor's segment, shape (n,)."""
        return self.assigner.assign(features)

    def scores(self, features: Features) -> FloatArray:
        """Segment, distance and margin, shape (n, 3); no margin with one segment."""
        return self.assigner.scores(features)

    def emit(self, nodes: Nodes, features: str) -> str:
        """See Assigner."""
        return self.assigner.emit(nodes, features)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How the number of segments is chosen.

    Attributes:
        counts: numbers to choose from, ascending.
        smallest_share: of the visitors, that every segment should have.
        in_batches: whether mini-batches are used, for millions of visitors.
        is_judged: whether each number is judged; without it there has to be one number alone.
    """

    counts: Sequence[int] = COUNTS
    smallest_share: float = SMALLEST_SHARE
    in_batches: bool = False
    is_judged: bool = True


def fit_centroids(  # noqa: PLR0913, PLR0917  # what the head is called, what it is fitted on, and how
    name: str, title: str, shaping: Shaping, features: Features, seed: int, choice: Choice | None = None
) -> Centroids:
    """k-means with the number of segments by this rule.

    The largest k whose every segment is stable and has at least 5 % of the visitors. A segment is stable when
    clusterings of bootstrap samples find it again with a mean Jaccard index of at least 0.75. If no k is, the one whose
    least stable segment is most so. Reported, without a say: the silhouette, which favours few and coarse segments, and
    the adjusted Rand index, which stays above 0.8 when one of four clear groups is cut in two by chance. (measured)

    Raises:
        CannotSegment: fewer rows differ than the fewest segments.

    Source: C. Hennig, Cluster-wise assessment of cluster stability, 2007.
    """
    choice = choice or Choice()
    shaped = shaping.apply(features)
    counts = possible_counts(shaped, choice.counts)
    with one_thread():
        models = {k: _estimator(k, choice, _RESTARTS, seed).fit(shaped) for k in counts}
        tried = [_judge(model, shaped, choice, seed) for model in models.values()] if choice.is_judged else []
    model = models[_best(tried, choice.smallest_share) if tried else counts[0]]
    model.cluster_centers_ = model.cluster_centers_[by_size(model.labels_, model.n_clusters)]
    return Centroids(name, title, shaping, model, tried)


def _best(tried: Sequence[dict[str, float]], smallest_share: float) -> int:
    fit = [t for t in tried if t["stability"] >= LEAST_STABILITY and t["smallest_share"] >= smallest_share]
    best = max(fit, key=lambda t: t["k"]) if fit else max(tried, key=lambda t: t["stability"])
    return int(best["k"])


def _estimator(k: int, choice: Choice, restarts: int, seed: int) -> KMeans | MiniBatchKMeans:
    if choice.in_batches:
        return MiniBatchKMeans(k, n_init=restarts, random_state=seed)
    return KMeans(k, n_init=restarts, random_state=seed)


def _judge(model: KMeans | MiniBatchKMeans, shaped: FloatArray, choice: Choice, seed: int) -> dict[str, float]:
    k = model.n_clusters
    rows = draw(len(shaped), _JUDGED_ROWS, seed)
    judged = shaped[rows]

    def refit(sample: Labels) -> Labels:
        again: Labels = _estimator(k, choice, _RESTARTS_OF_JUDGES, seed).fit(judged[sample]).predict(judged)
        return again.astype(np.int64)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a sample may have fewer different rows than k
        stability = bootstrap_stability(model.labels_[rows], k, refit, seed)
    return {
        "k": k,
        "stability": float(stability.jaccard.min()),
        "adjusted_rand": stability.adjusted_rand,
        "smallest_share": float(np.bincount(model.labels_, minlength=k).min() / len(shaped)),
        **silhouette(shaped, model.labels_, seed),
        "inertia": float(model.inertia_),
    }
