"""Which audiences hold the same people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.heads import BoolArray, Segmentation
from training.judging.document import Entry
from training.judging.fairness import TOP_SHARE
from training.judging.outcome import EVENTS
from training.judging.rates import Judged
from training.naming import Segments
from training.table import Table


@dataclass(frozen=True, slots=True, eq=False)
class Audience:
    """Visitors who can be addressed together.

    Attributes:
        key: of the segment, or the head's name with ":top_decile".
        name: for people.
        head: which head says who is in it.
        members: shape (n,).
    """

    key: str
    name: str
    head: str
    members: BoolArray


def overlap(
    segmentations: Sequence[Segmentation],
    segments: Mapping[str, Segments],
    judged: Sequence[Judged],
    table: Table,
    most: int,
) -> Entry:
    """How much every two audiences share: the size of the intersection over that of the union.

    Args:
        segmentations: whose segments are audiences.
        segments: their keys and names, by head.
        judged: of whose propensities the highest tenth is an audience.
        table: visitors, each once.
        most: audiences that are compared; with more, the largest are.

    Source: P. Jaccard 1901.
    """
    every = [
        *(audience for head in segmentations for audience in _segments(head, segments[head.name], table)),
        *(_best(one, table) for one in judged if one.kind in EVENTS),
    ]
    kept = _largest(every, most)
    members = np.array([audience.members for audience in kept], dtype=np.float64).reshape(len(kept), len(table))
    both = members @ members.T
    sizes = np.diag(both)
    either = sizes[:, None] + sizes - both
    return {
        "audiences": [
            {"key": one.key, "name": one.name, "segmentation": one.head, "size": int(one.members.sum())} for one in kept
        ],
        "jaccard": np.divide(both, either, out=np.zeros_like(both), where=either > 0),
        "left_out": len(every) - len(kept),
    }


def _segments(head: Segmentation, segments: Segments, table: Table) -> Iterator[Audience]:
    labels = head.assign(table.features)
    for position, keyed in enumerate(segments.keys):
        yield Audience(keyed.key, segments.names[position], head.name, labels == position)


def _best(one: Judged, table: Table) -> Audience:
    scores = one.head.scores(table.features)[:, 0]
    members = np.zeros(len(table), dtype=np.bool_)
    members[np.argsort(-scores, kind="stable")[: max(1, round(len(table) * TOP_SHARE))]] = True
    return Audience(f"{one.head.name}:top_decile", f"top 10 %: {one.head.title}", one.head.name, members)


def _largest(audiences: list[Audience], most: int) -> list[Audience]:
    """In the order that they stand in."""
    sizes = np.array([one.members.sum() for one in audiences])
    return [audiences[i] for i in np.sort(np.argsort(-sizes, kind="stable")[:most])]
