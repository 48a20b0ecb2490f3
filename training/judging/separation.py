"""How far segments are apart, in the features that define them."""

import numpy as np
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_samples

from training.features import Features
from training.heads import FloatArray, Labels
from training.judging.document import Entry
from training.segmentations.shaping import Shaping

_MOST_ROWS = 3000  # the silhouette compares each row with each
_LEAST_SEGMENTS = 2


def separation(features: Features, labels: Labels, shaping: Shaping, count: int, seed: int) -> Entry:
    """Figures of visitors who are in a segment, on at most 3,000 of them; None where fewer than two segments have any.

    Args:
        features: shape (n, width).
        labels: shape (n,).
        shaping: of the features that define the segments.
        count: number of segments.
        seed: of the draw.

    Returns:
        "silhouette", "davies_bouldin" and "calinski_harabasz", and "silhouettes", a list by position.

    Source: Rousseeuw 1987 (best 1); Davies and Bouldin 1979 (best 0); Calinski and Harabasz 1974 (more is better).
    """
    inside = np.flatnonzero(labels >= 0)
    if len(inside) > _MOST_ROWS:
        inside = np.sort(np.random.default_rng(seed).choice(inside, _MOST_ROWS, replace=False))
    shaped, own = shaping.apply(features[inside]), labels[inside]
    present = np.unique(own)
    if not (_LEAST_SEGMENTS <= len(present) < len(own)) or not shaped.shape[1]:
        return {"silhouette": None, "davies_bouldin": None, "calinski_harabasz": None, "silhouettes": [None] * count}
    silhouettes = silhouette_samples(shaped, own)
    return {
        "silhouette": float(silhouettes.mean()),
        "davies_bouldin": float(davies_bouldin_score(shaped, own)),
        "calinski_harabasz": float(calinski_harabasz_score(shaped, own)),
        "silhouettes": [_mean(silhouettes[own == position]) for position in range(count)],
    }


def _mean(values: FloatArray) -> float | None:
    return float(values.mean()) if values.size else None
