"""How near to a segment's centres is near enough: a radius for each segment, from what a fit called outliers."""

import numpy as np

from training.heads import NO_SEGMENT, BoolArray, FloatArray, Labels

SMALLEST_RADIUS = 1e-3  # in standard deviations; rows that differ by less are the same


def calibrated_radii(distances: FloatArray, nearest: Labels, labels: Labels, count: int) -> FloatArray:
    """The radius of each segment that agrees with the fit on most rows, shape (count,).

    Of the rows whose nearest centre is of the segment, those that the fit put into it should be within the radius, and
    outliers beyond it. It stands midway between the last row within and the next one.

    Args:
        distances: shape (n,), of rows to the nearest centre other than themselves, infinite where there is none.
        nearest: shape (n,), position of that centre's segment.
        labels: shape (n,), positions as fitted, NO_SEGMENT for outliers.
        count: number of segments.
    """
    radii = np.full(count, SMALLEST_RADIUS)
    for segment in range(count):
        is_ours = (nearest == segment) & ((labels == segment) | (labels == NO_SEGMENT)) & np.isfinite(distances)
        if is_ours.any():
            radii[segment] = max(SMALLEST_RADIUS, _border(distances[is_ours], labels[is_ours] == segment))
    return radii


def _border(distances: FloatArray, is_member: BoolArray) -> float:
    """The number that leaves the most members at or below it and others above it."""
    order = np.argsort(distances, kind="stable")
    ascending = distances[order]
    won = np.cumsum(np.where(is_member[order], 1, -1))
    ends = np.flatnonzero(np.append(np.diff(ascending) > 0, True))  # last of each run of equal distances
    best = int(ends[won[ends].argmax()])
    if won[best] < 0:
        return float(ascending[0]) / 2  # better nobody than so many others
    if best == len(ascending) - 1:
        return float(ascending[best]) + SMALLEST_RADIUS  # so that the last member is not on the border
    return float(ascending[best] + ascending[best + 1]) / 2
