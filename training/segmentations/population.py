"""The visitors that a segmentation is fitted on: what can be asked of them, and what cannot."""

import difflib
from collections.abc import Collection, Sequence

import numpy as np
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from training.errors import NotTrained
from training.features import Features, FeatureSpec
from training.heads import FloatArray, Labels
from training.segmentations.shaping import Shaping

_SILHOUETTE_ROWS = 2000


class CannotSegment(NotTrained):
    """These visitors cannot be segmented as ordered. The text says what is wrong, and what to change."""


def shape_population(features: Features, specs: Sequence[FeatureSpec], names: Collection[str]) -> Shaping:
    """The shaping of the named features, of all numbers when none is named.

    Args:
        features: shape (n, len(specs)), without NaN.
        specs: one for each column.
        names: of features that are numbers.

    Raises:
        CannotSegment: there are no rows, a name is no feature or a category, or no feature varies.
    """
    if not len(features):
        raise CannotSegment("there are no rows to segment; look at what the query or the filters leave")
    shaping = Shaping.fit(features, specs, _numbers(specs, names))
    shaped = shaping.apply(features)
    if (shaped == shaped[0]).all():
        chosen = ", ".join(specs[i].name for i in shaping.columns)
        raise CannotSegment(f"{chosen}: no feature differs between any two rows; name features that do")
    return shaping


def _numbers(specs: Sequence[FeatureSpec], names: Collection[str]) -> Collection[str]:
    numbers = [spec.name for spec in specs if not spec.vocabulary]
    categories = {spec.name for spec in specs if spec.vocabulary}
    for name in names:
        if name in categories:
            raise CannotSegment(f"{name} is a category, and distances need numbers; leave it out of features")
        if name not in numbers:
            close = difflib.get_close_matches(name, numbers, 1)
            meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(numbers)}"
            raise CannotSegment(f"{name} is no feature; {meant}")
    if not numbers:
        raise CannotSegment("every feature is a category, and distances need numbers; add features that are")
    return names or numbers


def possible_counts(shaped: FloatArray, counts: Sequence[int]) -> list[int]:
    """The numbers of segments that so many different rows allow.

    Raises:
        CannotSegment: not one does.
    """
    distinct = len(np.unique(shaped, axis=0))
    possible = [count for count in counts if count <= distinct]
    if not possible:
        raise CannotSegment(
            f"{min(counts)} segments are asked for, and only {distinct} of the {len(shaped)} rows differ; ask for "
            f"fewer segments, or name more features"
        )
    return possible


def draw(size: int, most: int, seed: int) -> Labels:
    """Positions of all rows, or of this many chosen by chance, in ascending order."""
    if size <= most:
        return np.arange(size)
    return np.sort(np.random.default_rng(seed).choice(size, most, replace=False)).astype(np.int64)


def by_size(labels: Labels, count: int = 0) -> Labels:
    """Positions in the order of their sizes, largest first."""
    return np.argsort(-np.bincount(labels, minlength=count), kind="stable").astype(np.int64)


def silhouette(shaped: FloatArray, labels: Labels, seed: int) -> dict[str, float]:
    """The silhouette of at most 2,000 of these rows under its name; nothing where fewer than two segments are there."""
    rows = draw(len(labels), _SILHOUETTE_ROWS, seed)
    if not 1 < len(np.unique(labels[rows])) < len(rows):
        return {}
    return {"silhouette": float(silhouette_score(shaped[rows], labels[rows]))}


def one_thread() -> threadpool_limits:
    """A context in which scikit-learn computes on one thread, as the same bytes for the same seed ask for.

    Threads of KMeans add up their parts in the order in which they end, which from three threads on gave another last
    digit nearly every time. (measured)
    """
    return threadpool_limits(1)
