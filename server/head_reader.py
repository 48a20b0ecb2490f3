"""The heads of a manifest, checked."""

import re
from collections.abc import Callable, Mapping

import numpy as np

from protos.audience.v1 import bundle_pb2
from server.errors import BadBundle
from server.heads import Classes, Head, Number, Segmentation
from server.percentiles import Percentiles

_LEAST_QUANTILES = 2  # bundle.proto, Distribution.quantiles
_LEAST_CLASSES = 2
_NAME = re.compile(r"[a-z0-9_]{1,64}")

_SEGMENT = bundle_pb2.COLUMN_ROLE_SEGMENT
_DISTANCE = bundle_pb2.COLUMN_ROLE_DISTANCE
_MARGIN = bundle_pb2.COLUMN_ROLE_MARGIN
_MEMBERSHIP = bundle_pb2.COLUMN_ROLE_MEMBERSHIP
_PROBABILITY = bundle_pb2.COLUMN_ROLE_PROBABILITY
_EXPECTED = bundle_pb2.COLUMN_ROLE_EXPECTED
_CLASS = bundle_pb2.COLUMN_ROLE_CLASS


def _go_on() -> None:
    """No pause."""


def read_heads(manifest: bundle_pb2.Manifest, pause: Callable[[], None] = _go_on) -> Mapping[str, Head]:
    """The heads of a manifest, checked, by name and in its order.

    Args:
        manifest: of a version.
        pause: called after each head, by who must not compute for long.

    Raises:
        BadBundle: a head contradicts itself or the graph. The text names the head.
    """
    if not manifest.heads:
        raise BadBundle("the manifest has no heads; it needs at least one")
    heads: dict[str, Head] = {}
    for head in manifest.heads:
        heads[head.name] = _read(head, manifest.graph.score_count)
        pause()
    if len(heads) != len(manifest.heads):
        raise BadBundle("the manifest names a head twice")
    return heads


def _read(head: bundle_pb2.Head, score_count: int) -> Head:
    if not _NAME.fullmatch(head.name):
        raise BadBundle(f"head {head.name!r} must be 1 to 64 of a-z, 0-9 and _")
    columns = _columns_by_role(head, score_count)
    if head.kind == bundle_pb2.HEAD_KIND_SEGMENTATION:
        return _read_segmentation(head, columns)
    if head.kind == bundle_pb2.HEAD_KIND_PROPENSITY:
        return Number(head, _single(head, columns, _PROBABILITY), _read_percentiles(head))
    if head.kind == bundle_pb2.HEAD_KIND_VALUE:
        return Number(head, _single(head, columns, _EXPECTED), _read_percentiles(head))
    if head.kind == bundle_pb2.HEAD_KIND_CLASSES:
        return _read_classes(head, columns)
    raise BadBundle(f"head {head.name!r} is of no kind that this server knows: {head.kind}")


def _columns_by_role(head: bundle_pb2.Head, score_count: int) -> dict[int, slice]:
    for columns in head.columns:
        if not 1 <= columns.count <= score_count - columns.first:
            raise BadBundle(
                f"head {head.name!r} has columns {columns.first} to {columns.first + columns.count - 1}; "
                f"the graph has {score_count}"
            )
    roles = [columns.role for columns in head.columns if columns.role]
    if len(set(roles)) != len(roles):
        raise BadBundle(f"head {head.name!r} gives a role to columns twice")
    return {columns.role: slice(columns.first, columns.first + columns.count) for columns in head.columns}


def _read_segmentation(head: bundle_pb2.Head, columns: Mapping[int, slice]) -> Segmentation:
    keys = tuple(segment.key for segment in head.segments)
    if not keys or len(set(keys)) != len(keys) or "" in keys:
        raise BadBundle(f"head {head.name!r} needs segments with distinct keys; it has {list(keys)}")
    names = tuple(segment.name for segment in head.segments)
    if "" in names or len(set(names)) != len(names):
        raise BadBundle(f"head {head.name!r} needs segments with distinct names; it has {list(names)}")
    _check_groups(head)
    memberships = columns.get(_MEMBERSHIP)
    if memberships is not None and memberships.stop - memberships.start != len(keys):
        raise BadBundle(f"head {head.name!r} needs a membership column for each of its {len(keys)} segments")
    distance, margin = (_single(head, columns, role) if role in columns else None for role in (_DISTANCE, _MARGIN))
    return Segmentation(head, (_single(head, columns, _SEGMENT), distance, margin), memberships)


def _check_groups(head: bundle_pb2.Head) -> None:
    """Every segment is within a group that stands before what is within it, or within none."""
    known = {""}
    for group in head.groups:
        if not group.key or group.key in known or group.parent not in known:
            raise BadBundle(
                f"head {head.name!r} has the group {group.key!r} within {group.parent!r}; needed are distinct keys, "
                "and each group after the one that it is within"
            )
        known.add(group.key)
    for segment in head.segments:
        if segment.key in known or segment.parent not in known:
            raise BadBundle(
                f"head {head.name!r} has the segment {segment.key!r} within {segment.parent!r}; needed is the key of a "
                "group, and one that no group has for itself"
            )


def _read_classes(head: bundle_pb2.Head, columns: Mapping[int, slice]) -> Classes:
    words = list(head.classes)
    if len(words) < _LEAST_CLASSES or len(set(words)) != len(words) or "" in words:
        raise BadBundle(f"head {head.name!r} needs two or more distinct classes; it has {words}")
    probabilities = columns.get(_CLASS, slice(0, 0))
    if probabilities.stop - probabilities.start != len(words):
        raise BadBundle(f"head {head.name!r} needs a column of COLUMN_ROLE_CLASS for each of its {len(words)} classes")
    shares = list(head.class_shares)
    if shares and (len(shares) != len(words) or not all(0 <= share <= 1 for share in shares)):
        raise BadBundle(f"head {head.name!r} needs a share from 0 to 1 for each of its {len(words)} classes, or none")
    return Classes(head, probabilities)


def _single(head: bundle_pb2.Head, columns: Mapping[int, slice], role: bundle_pb2.ColumnRole.ValueType) -> int:
    column = columns.get(role, slice(0, 0))
    if column.stop - column.start != 1:
        raise BadBundle(f"head {head.name!r} needs exactly one column of the role {bundle_pb2.ColumnRole.Name(role)}")
    return int(column.start)


def _read_percentiles(head: bundle_pb2.Head) -> Percentiles | None:
    if not head.HasField("distribution"):
        return None
    count = len(head.distribution.quantiles)
    quantiles = np.fromiter(head.distribution.quantiles, np.float64, count)  # np.array takes half as long again
    is_rising = bool(np.isfinite(quantiles).all() and (quantiles[:-1] <= quantiles[1:]).all())
    if len(quantiles) < _LEAST_QUANTILES or not is_rising:
        raise BadBundle(f"head {head.name!r} needs 2 or more quantiles that never fall; it has {len(quantiles)}")
    return Percentiles(quantiles)
