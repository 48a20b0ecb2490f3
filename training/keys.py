"""Permanent segment keys: a segment that is found again keeps its key, whatever position it has now."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

Labels = npt.NDArray[np.int64]
LEAST_OVERLAP = 0.5  # of intersection to union; above it no two pairs could claim the same segment


@dataclass(frozen=True, slots=True)
class Keyed:
    """A segment's key.

    Attributes:
        key: permanent.
        issued_in_version: version that issued it.
        overlap: with the previous version's segment of this key, None for a new one.
    """

    key: str
    issued_in_version: int
    overlap: float | None


@dataclass(frozen=True, slots=True)
class Known:
    """A segment of the previous version: its key and when that was issued."""

    key: str
    issued_in_version: int


def issue_keys(head: str, version: int, count: int) -> list[Keyed]:
    """Keys for a segmentation without a previous version, such as "customer_value-1-2"."""
    return [Keyed(f"{head}-{version}-{ordinal}", version, None) for ordinal in range(1, count + 1)]


def match_keys(  # noqa: PLR0913, PLR0917  # what is keyed, and both sides of the match
    head: str, version: int, count: int, labels: Labels, previous: Labels, known: Sequence[Known]
) -> list[Keyed]:
    """Keys for a segmentation trained again.

    A pair of segments with an overlap of at least 0.5 keeps the key, one to one; every other segment gets a new one.
    Smaller overlaps have no say: the sum of two of them could outweigh the one pair that is to keep its key.

    Args:
        head: name of the head.
        version: the version that is being made; it is in every new key, so none is ever issued twice.
        count: number of segments now.
        labels: shape (n,), position of each visitor's segment now.
        previous: shape (n,), the same visitors' positions in the previous version.
        known: the previous version's segments, by position.

    Source: Jaccard index, with the assignment of Kuhn and Munkres.
    """
    overlaps = jaccard(labels, count, previous, len(known))
    pairs = zip(*linear_sum_assignment(-np.where(overlaps >= LEAST_OVERLAP, overlaps, 0.0)), strict=True)
    keyed = issue_keys(head, version, count)
    for position, match in pairs:
        overlap = float(overlaps[position, match])
        if overlap >= LEAST_OVERLAP:
            keyed[position] = Keyed(known[match].key, known[match].issued_in_version, overlap)
    return keyed


def jaccard(labels: Labels, count: int, previous: Labels, previous_count: int) -> npt.NDArray[np.float64]:
    """Overlap of every segment now with every previous one, shape (count, previous_count).

    >>> jaccard(np.array([0, 0, 1]), 2, np.array([0, 0, 0]), 1).tolist()
    [[0.6666666666666666], [0.3333333333333333]]
    """
    now = np.arange(count)[:, None] == labels
    before = np.arange(previous_count)[:, None] == previous
    both = (now[:, None] & before[None]).sum(axis=2)
    either = (now[:, None] | before[None]).sum(axis=2)
    overlaps: npt.NDArray[np.float64] = both / np.maximum(either, 1)
    return overlaps
