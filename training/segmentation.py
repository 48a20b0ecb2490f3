"""Segmentations: how features are shaped for distances, how many segments there are, and which one a visitor is in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture

from training.features import Features, FeatureSpec
from training.keys import jaccard

FloatArray = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

CLIP_SD = 3.0  # beyond this many standard deviations a value says no more than "very"
COUNTS = tuple(range(3, 9))  # fewer say too little, more than a team can write for (assumed)
SMALLEST_SHARE = 0.05  # of visitors, for a segment to be worth a campaign (assumed)
LEAST_STABILITY = 0.75  # of the least stable segment, over bootstrap samples (Hennig 2007: below it, in doubt)
_BOOTSTRAPS = 8
_RESTARTS = 10
_REGULARIZATION = 0.1  # of a component's variance: shares are often exactly 0, where a component would collapse


@dataclass(frozen=True, slots=True)
class Shaping:
    """Features made comparable: logarithm where skewed, standardised, clipped.

    Attributes:
        columns: shape (d,), which columns of the features are read.
        is_skewed: shape (d,), where the logarithm of 1 + x is taken.
        mean: shape (d,), of the population after the logarithm.
        scale: shape (d,), standard deviation of the population after the logarithm, never 0.
    """

    columns: npt.NDArray[np.int64]
    is_skewed: npt.NDArray[np.bool_]
    mean: FloatArray
    scale: FloatArray

    @classmethod
    def fit(cls, features: Features, specs: Sequence[FeatureSpec], names: Sequence[str]) -> Self:
        """The shaping of the named features for this population, shape (n, len(specs)). Absent names are left out."""
        columns = np.array([i for i, spec in enumerate(specs) if spec.name in names], dtype=np.int64)
        is_skewed = np.array([specs[i].is_skewed for i in columns])
        values = _unskewed(features[:, columns], is_skewed)
        scale = values.std(axis=0)
        return cls(columns, is_skewed, values.mean(axis=0), np.where(scale > 0, scale, 1.0))

    def apply(self, features: Features) -> FloatArray:
        """Shape (n, d), in standard deviations."""
        values = _unskewed(features[:, self.columns], self.is_skewed)
        return np.clip((values - self.mean) / self.scale, -CLIP_SD, CLIP_SD)


def _unskewed(values: Features, is_skewed: npt.NDArray[np.bool_]) -> FloatArray:
    wide = values.astype(np.float64)
    return np.where(is_skewed, np.log1p(np.where(is_skewed, wide, 0.0)), wide)


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


@dataclass(frozen=True, slots=True)
class Mixture:
    """A Gaussian mixture: a visitor is in every segment with some probability, and named by the largest.

    Attributes: as Centroids.
    """

    name: str
    title: str
    shaping: Shaping
    model: GaussianMixture
    tried: Sequence[dict[str, float]]

    @property
    def count(self) -> int:
        """Number of segments."""
        return int(self.model.n_components)

    def assign(self, features: Features) -> Labels:
        """Position of each visitor's most probable segment, shape (n,)."""
        labels: Labels = self.model.predict(self.shaping.apply(features)).astype(np.int64)
        return labels

    def scores(self, features: Features) -> FloatArray:
        """Segment, margin and memberships as scikit-learn gives them, shape (n, 2 + segments)."""
        memberships = self.model.predict_proba(self.shaping.apply(features))
        ranked = np.sort(memberships, axis=1)
        return np.column_stack([self.assign(features), ranked[:, -1] - ranked[:, -2], memberships])


Segmentation = Centroids | Mixture


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
    model.cluster_centers_ = model.cluster_centers_[_by_size(model.labels_)]
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


def fit_mixture(name: str, title: str, shaping: Shaping, features: Features, seed: int) -> Mixture:
    """A Gaussian mixture with the number of components that has the lowest Bayesian information criterion.

    Only numbers are taken with which every segment has at least 5 % of the visitors; if none is, the lowest criterion.
    """
    shaped = shaping.apply(features)
    models = [_fit_gaussians(k, shaped, seed) for k in COUNTS]
    tried = [_judge_mixture(model, shaped) for model in models]
    large = [m for m, judged in zip(models, tried, strict=True) if judged["smallest_share"] >= SMALLEST_SHARE]
    model = min(large or models, key=lambda m: m.bic(shaped))
    order = _by_size(model.predict(shaped), model.n_components)
    for attribute in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        setattr(model, attribute, getattr(model, attribute)[order])
    return Mixture(name, title, shaping, model, tried)


def _judge_mixture(model: GaussianMixture, shaped: FloatArray) -> dict[str, float]:
    sizes = np.bincount(model.predict(shaped), minlength=model.n_components)
    return {
        "k": model.n_components,
        "bic": float(model.bic(shaped)),
        "smallest_share": float(sizes.min() / len(shaped)),
    }


def _fit_gaussians(k: int, shaped: FloatArray, seed: int) -> GaussianMixture:
    return GaussianMixture(k, reg_covar=_REGULARIZATION, n_init=3, max_iter=300, random_state=seed).fit(shaped)


def _by_size(labels: Labels, count: int = 0) -> Labels:
    return np.argsort(-np.bincount(labels, minlength=count), kind="stable").astype(np.int64)
