"""Whether a segmentation would have been found with other visitors too."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from sklearn.metrics import adjusted_rand_score

from training.heads import Labels
from training.judging.document import Entry
from training.keys import jaccard

Refit = Callable[[npt.NDArray[np.int64]], Labels]
"""Fits the same method to these rows of a table, positions that may repeat, shape (n,), and says where all rows are."""


def stability(labels: Labels, count: int, refit: Refit, samples: int, seed: int) -> Entry:
    """How well bootstrap samples find the segments again.

    Args:
        labels: shape (n,), position of each row's segment, NO_SEGMENT for none.
        count: number of segments.
        refit: fits again and assigns.
        samples: number of bootstrap samples, at least 1.
        seed: of the samples.

    Returns:
        "jaccard": of each segment the mean of its largest overlap with one of the sample's, a list by position, None
        for a segment of nobody; "adjusted_rand": mean over the samples, those in no segment taken as a segment.

    Source: C. Hennig, Cluster-wise assessment of cluster stability, 2007: below 0.5 dissolved, up to 0.6 not to be
        trusted, up to 0.75 a pattern, from 0.75 valid, from 0.85 highly stable. Hubert and Arabie 1985 for the index.
    """
    generator = np.random.default_rng(seed)
    overlaps, agreements = [], []
    for _ in range(samples):
        again = refit(generator.integers(0, len(labels), len(labels)))
        found = jaccard(labels, count, again, int(again.max(initial=-1)) + 1)
        overlaps.append(found.max(axis=1, initial=0.0))
        agreements.append(adjusted_rand_score(labels, again))
    sizes = np.bincount(labels[labels >= 0], minlength=count)
    means = np.mean(overlaps, axis=0)
    return {
        "adjusted_rand": float(np.mean(agreements)),
        "jaccard": [float(mean) if size else None for mean, size in zip(means, sizes, strict=True)],
        "samples": samples,
    }
