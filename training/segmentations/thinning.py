"""Few points that stand for many, so that a row can be compared with all of them while a page waits."""

import numpy as np

from training.heads import FloatArray, Labels


def thin(points: FloatArray, segments: Labels, most: int) -> Labels:
    """Positions of points that stand for all, each point by one of its own segment near it; ascending, no point twice.

    Where more than `most` differ, the farthest from those that are chosen is chosen next, over all segments. So the
    largest distance from a point to the nearest chosen one of its segment is at most twice the smallest possible for
    as many per segment.

    Args:
        points: shape (n, d).
        segments: shape (n,), positions of their segments.
        most: how many to choose, at least one for each segment.

    Source: T. F. Gonzalez, Clustering to minimize the maximum intercluster distance, 1985.
    """
    _, first = np.unique(np.column_stack([segments, points]), axis=0, return_index=True)
    if len(first) <= most:
        return np.sort(first).astype(np.int64)
    order = first[np.argsort(segments[first], kind="stable")]
    return np.sort(order[_farthest_first(points[order], segments[order], most)])


def _farthest_first(points: FloatArray, segments: Labels, most: int) -> Labels:
    """As thin, of points that differ and stand segment by segment."""
    squares = (points**2).sum(axis=1)
    starts = np.flatnonzero(np.diff(segments, prepend=-1))
    ends = np.append(starts[1:], len(points))
    gaps = np.full(len(points), np.inf)  # squared distances to the nearest chosen point
    slices = {int(segments[start]): slice(start, end) for start, end in zip(starts, ends, strict=True)}
    chosen: list[int] = []
    for own in slices.values():
        middle = points[own].mean(axis=0)
        chosen.append(int(own.start + ((points[own] - middle) ** 2).sum(axis=1).argmin()))
        _update(gaps, own, points, squares, chosen[-1])
    while len(chosen) < most:
        chosen.append(int(gaps.argmax()))
        _update(gaps, slices[int(segments[chosen[-1]])], points, squares, chosen[-1])
    return np.array(chosen, dtype=np.int64)


def _update(gaps: FloatArray, own: slice, points: FloatArray, squares: FloatArray, new: int) -> None:
    """Makes the gaps of a segment those to its chosen points with the new one."""
    gaps[own] = np.minimum(gaps[own], squares[own] + squares[new] - 2 * points[own] @ points[new])
    gaps[new] = -1.0  # whatever rounding says
