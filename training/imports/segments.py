"""An imported segmentation's segments: their keys, how many visitors are in each, and what sets it apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from protos.audience.v1 import bundle_pb2
from training.features import Features
from training.imports.columns import Column
from training.imports.heads import HeadOrder
from training.imports.original import NotImportable
from training.keys import LEAST_OVERLAP, Keyed, Labels, issue_keys, jaccard
from training.previous import Previous

_TRAITS = 5


@dataclass(frozen=True, slots=True)
class KeyedHead:
    """A segmentation's keys, and what became of those before.

    Attributes:
        keys: by position.
        kept: keys of the previous version that are here too.
        overlaps: of those with the segment of the same key before, where the same visitors are known.
        retired: keys that the previous version had and this one has not.
    """

    keys: Sequence[Keyed]
    kept: Sequence[str]
    overlaps: Mapping[str, float]
    retired: Sequence[str]


def key_segments(head: HeadOrder, version: int, labels: Labels | None, previous: Previous | None) -> KeyedHead:
    """Keys: those in the file, else that of the segment of the same name before, else new ones.

    Args:
        head: the segmentation.
        version: that is being made.
        labels: shape (n,), where the visitors are whom the previous version was asked about; None when they are drawn.
        previous: the version before, None for none.

    Raises:
        NotImportable: the file gives a key that is taken, or was retired.
    """
    before = previous.segmentation(head.name) if previous else None
    known = [] if before is None else before.known
    by_key = {one.key: place for place, one in enumerate(known)}
    by_name = {} if before is None else {name: key for key, name in before.names.items()}
    overlaps = None
    if before is not None and labels is not None:
        overlaps = jaccard(labels, len(head.segments), before.labels, len(known))
    keyed = []
    fresh = issue_keys(head.name, version, len(head.segments))
    for position, (segment, new) in enumerate(zip(head.segments, fresh, strict=True)):
        key = segment.key or by_name.get(segment.name, new.key)
        place = by_key.get(key)
        if place is None:
            keyed.append(Keyed(key, version, None))
        else:
            overlap = None if overlaps is None else float(overlaps[position, place])
            keyed.append(Keyed(key, known[place].issued_in_version, overlap))
    keys = [one.key for one in keyed]
    _check_keys(head, keys, previous)
    return KeyedHead(
        keys=keyed,
        kept=[key for key in keys if key in by_key],
        overlaps={one.key: one.overlap for one in keyed if one.overlap is not None},
        retired=[key for key in by_key if key not in keys],
    )


def _check_keys(head: HeadOrder, keys: Sequence[str], previous: Previous | None) -> None:
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise NotImportable(f"head {head.name!r}: two segments would have the key {twice[0]!r}; give one another key")
    heads = previous.model.description.manifest.heads if previous else []
    gone = {key for one in heads if one.name == head.name for key in one.retired_keys}.intersection(keys)
    if gone:
        raise NotImportable(
            f"head {head.name!r}: the key {min(gone)!r} was retired, and is never issued again; leave it out"
        )


def segment_messages(
    head: HeadOrder, keyed: KeyedHead, labels: Labels | None, population: Features, columns: Sequence[Column]
) -> list[bundle_pb2.SegmentFacts]:
    """The segments as the manifest has them; without visitors their shares are equal, and nothing sets them apart."""
    count = len(head.segments)
    return [
        bundle_pb2.SegmentFacts(
            key=one.key,
            name=segment.name,
            share=1 / count if labels is None else float((labels == position).mean()),
            issued_in_version=one.issued_in_version,
            overlap=one.overlap if one.overlap is not None and one.overlap >= LEAST_OVERLAP else None,
            traits=[] if labels is None else _traits(labels == position, population, columns),
        )
        for position, (segment, one) in enumerate(zip(head.segments, keyed.keys, strict=True))
    ]


def _traits(
    inside: np.ndarray[tuple[int], np.dtype[np.bool_]], population: Features, columns: Sequence[Column]
) -> list[bundle_pb2.Trait]:
    """The numbers in which those inside differ most from all, in standard deviations; categories have no mean."""
    if not inside.any():
        return []
    wide = population.astype(np.float64)
    mean, population_mean, deviation = wide[inside].mean(axis=0), wide.mean(axis=0), wide.std(axis=0)
    effects = (mean - population_mean) / np.where(deviation > 0, deviation, np.inf)
    order = [int(i) for i in np.argsort(-np.abs(effects), kind="stable") if not columns[i].is_category]
    return [
        bundle_pb2.Trait(
            feature=columns[i].feature.name, mean=mean[i], population_mean=population_mean[i], effect=effects[i]
        )
        for i in order[:_TRAITS]
    ]
