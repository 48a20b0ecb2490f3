"""A Gaussian mixture: a visitor is in every segment with some probability."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from training.export.nodes import Nodes
from training.features import Features
from training.heads import MARGIN, MEMBERSHIP, SEGMENT, Column, FloatArray, Labels
from training.segmentations.centroids import COUNTS, SMALLEST_SHARE
from training.segmentations.population import by_size, one_thread, possible_counts
from training.segmentations.shaping import Shaping

_REGULARIZATION = 0.1  # of a component's variance: shares are often exactly 0, where a component would collapse


@dataclass(frozen=True, slots=True)
class Mixture:
    """A Gaussian mixture: a visitor is named by the segment with the largest probability.

    Attributes: as Segmentation, and
        model: fitted on shaped features; its components stand in the order of their size, largest first.
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

    @property
    def has_outliers(self) -> bool:
        """Nobody is in no segment."""
        return False

    @property
    def columns(self) -> Sequence[Column]:
        """See Head. There is a margin when there is a border."""
        memberships = (MEMBERSHIP, self.count)
        return [(SEGMENT, 1), (MARGIN, 1), memberships] if self.count > 1 else [(SEGMENT, 1), memberships]

    def assign(self, features: Features) -> Labels:
        """Position of each visitor's most probable segment, shape (n,)."""
        labels: Labels = self.model.predict(self.shaping.apply(features)).astype(np.int64)
        return labels

    def scores(self, features: Features) -> FloatArray:
        """Segment, margin and memberships as scikit-learn gives them, shape (n, 2 + segments); (n, 2) with one."""
        memberships = self.model.predict_proba(self.shaping.apply(features))
        if self.count == 1:
            return np.column_stack([np.zeros(len(memberships)), memberships])
        ranked = np.sort(memberships, axis=1)
        return np.column_stack([self.assign(features), ranked[:, -1] - ranked[:, -2], memberships])

    def emit(self, nodes: Nodes, features: str) -> str:
        """The softmax over components of log weight + log density, whose halves of squares are of x times √½."""
        model, d = self.model, self.shaping.columns.size
        roots = model.precisions_cholesky_  # [k, d, d]
        weights = np.concatenate(list(roots), axis=1)  # [d, k * d]
        offsets = np.concatenate([mean @ root for mean, root in zip(model.means_, roots, strict=True)])
        log_roots = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
        x = self.shaping.emit(nodes, features)
        half = np.sqrt(0.5)
        whitened = nodes.add("Gemm", x, nodes.constant(half * weights), nodes.constant(-half * offsets))
        by_component = nodes.add("Reshape", whitened, nodes.constant([-1, self.count, d]))
        halves = nodes.add("ReduceSumSquare", by_component, nodes.constant([2]), keepdims=0)
        # The constant -d/2 log 2π is the same for all.
        memberships = nodes.add("Softmax", nodes.add("Sub", nodes.constant(np.log(model.weights_) + log_roots), halves))
        if self.count == 1:
            return nodes.beside(nodes.add("Sub", memberships, memberships), memberships)
        two, positions = nodes.largest(memberships, 2)
        margin = nodes.add("MatMul", two, nodes.constant([[1.0], [-1.0]]))
        segment = nodes.cast(nodes.gather(positions, (0,), 2), np.float64)
        return nodes.beside(segment, margin, memberships)


def fit_mixture(  # noqa: PLR0913, PLR0917  # what the head is called, what it is fitted on, and how
    name: str,
    title: str,
    shaping: Shaping,
    features: Features,
    seed: int,
    counts: Sequence[int] = COUNTS,
    smallest_share: float = SMALLEST_SHARE,
) -> Mixture:
    """A Gaussian mixture with the number of components that has the lowest Bayesian information criterion.

    Only numbers are taken with which every segment has at least 5 % of the visitors; if none is, the lowest criterion.

    Args:
        name: of the head.
        title: of the head.
        shaping: of the features.
        features: shape (n, width).
        seed: of the starts.
        counts: numbers of components to choose from, ascending.
        smallest_share: of the visitors, that every segment should have.

    Raises:
        CannotSegment: fewer rows differ than the fewest components.
    """
    shaped = shaping.apply(features)
    with one_thread():
        models = [_fit(k, shaped, seed) for k in possible_counts(shaped, counts)]
    tried = [_judge(model, shaped) for model in models]
    large = [m for m, judged in zip(models, tried, strict=True) if judged["smallest_share"] >= smallest_share]
    model = min(large or models, key=lambda m: m.bic(shaped))
    order = by_size(model.predict(shaped), model.n_components)
    for attribute in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        setattr(model, attribute, getattr(model, attribute)[order])
    return Mixture(name, title, shaping, model, tried)


def _judge(model: GaussianMixture, shaped: FloatArray) -> dict[str, float]:
    sizes = np.bincount(model.predict(shaped), minlength=model.n_components)
    return {
        "k": model.n_components,
        "bic": float(model.bic(shaped)),
        "smallest_share": float(sizes.min() / len(shaped)),
        "converged": float(model.converged_),
    }


def _fit(k: int, shaped: FloatArray, seed: int) -> GaussianMixture:
    mixture = GaussianMixture(k, reg_covar=_REGULARIZATION, n_init=3, max_iter=300, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is among the figures
        return mixture.fit(shaped)
