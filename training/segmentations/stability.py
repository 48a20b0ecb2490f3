"""Whether a segmentation finds its segments again in other visitors of the same kind."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_rand_score

from training.heads import FloatArray, Labels
from training.keys import jaccard

BOOTSTRAPS = 8

# Fits the method anew to the rows at these positions, some of them several times; positions of the segments of all
# rows in what was fitted, shape (n,), NO_SEGMENT for none.
Refit = Callable[[Labels], Labels]


@dataclass(frozen=True, slots=True, eq=False)
class Stability:
    """How well segments are found again, over bootstrap samples.

    Attributes:
        jaccard: shape (count,), of each segment with the most similar one of a sample, the mean over samples, in
            [0, 1]. Below 0.6 a segment should not be trusted, from 0.75 on it is a valid one.
        adjusted_rand: of the whole, the mean over samples, at most 1.
        samples: number of samples.
    """

    jaccard: FloatArray
    adjusted_rand: float
    samples: int


def bootstrap_stability(labels: Labels, count: int, refit: Refit, seed: int, samples: int = BOOTSTRAPS) -> Stability:
    """How well a segmentation's segments are found again in bootstrap samples of its visitors.

    Args:
        labels: shape (n,), positions of the visitors' segments, NO_SEGMENT for none; some 10,000 visitors at most.
        count: number of segments.
        refit: fits the same method to a sample of the same visitors.
        seed: of the samples.
        samples: how many.

    Source: C. Hennig, Cluster-wise assessment of cluster stability, 2007.
    """
    again = [refit(sample) for sample in _bootstraps(len(labels), seed, samples)]
    found = [jaccard(labels, count, other, max(int(other.max()) + 1, 1)).max(axis=1) for other in again]
    return Stability(
        jaccard=np.mean(found, axis=0),
        adjusted_rand=float(np.mean([adjusted_rand_score(labels, other) for other in again])),
        samples=samples,
    )


def _bootstraps(size: int, seed: int, samples: int) -> Iterator[Labels]:
    generator = np.random.default_rng(seed)
    return (generator.integers(0, size, size) for _ in range(samples))
