"""Whether a segmentation would have been found with other visitors too."""

import numpy as np

from training.heads import Labels
from training.judging.document import Entry
from training.segmentations.stability import Refit, bootstrap_stability


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
    found = bootstrap_stability(labels, count, refit, seed, samples)
    sizes = np.bincount(labels[labels >= 0], minlength=count)
    return {
        "adjusted_rand": found.adjusted_rand,
        "jaccard": [float(mean) if size else None for mean, size in zip(found.jaccard, sizes, strict=True)],
        "samples": samples,
    }
