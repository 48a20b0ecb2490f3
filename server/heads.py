"""A head turns its columns of a model's scores into its part of the reply."""

import itertools
import math
import re
import struct
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from protos.audience.v1 import bundle_pb2
from server import wire
from server.errors import BadBundle
from server.percentiles import Percentiles

FloatMatrix = npt.NDArray[np.float32]
FloatVector = npt.NDArray[np.float32]

MEMBERSHIP_FLOOR = 0.001  # scoring.proto, Segment.memberships
_LEAST_QUANTILES = 2  # bundle.proto, Distribution.quantiles
_NAME = re.compile(r"[a-z0-9_]{1,64}")

# scoring.proto: the maps of ModelScores and ModelColumns, and the floats of Segment.
_SEGMENTATIONS, _PROPENSITIES, _VALUES = 4, 5, 6
_FLOAT = struct.Struct("<f")
_DISTANCE_TAG, _MARGIN_TAG = wire.float_tag(4), wire.float_tag(5)

_SEGMENT = bundle_pb2.COLUMN_ROLE_SEGMENT
_DISTANCE = bundle_pb2.COLUMN_ROLE_DISTANCE
_MARGIN = bundle_pb2.COLUMN_ROLE_MARGIN
_MEMBERSHIP = bundle_pb2.COLUMN_ROLE_MEMBERSHIP
_PROBABILITY = bundle_pb2.COLUMN_ROLE_PROBABILITY
_EXPECTED = bundle_pb2.COLUMN_ROLE_EXPECTED


class Head(Protocol):
    """One question that a model answers."""

    @property
    def name(self) -> str:
        """The head's name in the manifest."""
        ...

    def encode(self, scores: Sequence[float]) -> bytes:
        """The answer for one visitor, from all of the model's scores of it: an entry of a map of ModelScores."""
        ...

    def encode_columns(self, scores: FloatMatrix) -> bytes:
        """The answers for many visitors, from scores of shape (n, score_count): an entry of a map of ModelColumns."""
        ...

    def write_prior(self, scores: FloatVector) -> None:
        """Puts what is known of a visitor of whom nothing is known into this head's scores."""
        ...


def _entry(map_field: int, name: str, value: bytes) -> bytes:
    """An entry of a map from strings to messages, as a field of the message that has the map."""
    return wire.field(map_field, wire.text(1, name) + wire.field(2, value))


class Segmentation:
    """Which segment a visitor is in.

    Attributes:
        name: the head's.
        segment: where the segment's position is in the scores.
        keys: of the segments, in the order of their positions.
        names: of the segments, likewise.

    Args:
        head: the head in the manifest.
        columns: position of the segment, the distance and the margin in the scores, None where there is no such column.
        memberships: positions of the memberships, None when there are none.
    """

    def __init__(
        self, head: bundle_pb2.Head, columns: tuple[int, int | None, int | None], memberships: slice | None
    ) -> None:
        self.name = head.name
        self.segment, self._distance, self._margin = columns
        self.keys = [segment.key for segment in head.segments]
        self.names = [segment.name for segment in head.segments]
        self._memberships = memberships
        self._shares = [segment.share for segment in head.segments]
        self._key = wire.text(1, head.name)
        # By the position as the graph gives it, so that whatever is no position is not found.
        self._known_by = {
            float(position): wire.text(1, segment.key) + wire.text(2, segment.name)
            for position, segment in enumerate(head.segments)
        }
        self._members = [wire.field(3, wire.text(1, key) + wire.float_tag(2) + bytes(4))[:-4] for key in self.keys]
        self._openings: dict[int, bytes] = {}
        self._legend = b"".join([wire.text(1, key) for key in self.keys] + [wire.text(2, name) for name in self.names])

    def positions(self, scores: FloatMatrix) -> npt.NDArray[np.int64]:
        """Position of each visitor's segment, shape (n,), from scores of shape (n, score_count).

        Raises:
            LookupError: a score is no position. The model's fault.
        """
        column = scores[:, self.segment]
        is_position = (column >= 0) & (column < len(self.keys)) & (column == np.floor(column))
        if not is_position.all():
            wrong = int(np.argmin(is_position))
            raise LookupError(
                f"head {self.name!r} gives row {wrong} the segment {column[wrong]:g}; needed is a whole number from 0 "
                f"to {len(self.keys) - 1}"
            )
        return column.astype(np.int64)

    def encode(self, scores: Sequence[float]) -> bytes:
        """See Head; raises as positions does."""
        segment = self._known_by[scores[self.segment]]
        if self._memberships is not None:
            for member, membership in zip(self._members, scores[self._memberships], strict=True):
                if membership >= MEMBERSHIP_FLOOR:
                    segment += member + _FLOAT.pack(membership)
        if self._distance is not None and not math.isnan(distance := scores[self._distance]):
            segment += _DISTANCE_TAG + _FLOAT.pack(distance)
        if self._margin is not None and not math.isnan(margin := scores[self._margin]):
            segment += _MARGIN_TAG + _FLOAT.pack(margin)
        length = len(segment)
        return (self._openings.get(length) or self._open(length)) + segment

    def _open(self, length: int) -> bytes:
        """What stands before a Segment of so many bytes."""
        entry = wire.field(_SEGMENTATIONS, self._key + wire.field(2, bytes(length)))
        opening = self._openings[length] = entry[: len(entry) - length]
        return opening

    def encode_columns(self, scores: FloatMatrix) -> bytes:
        """See Head; raises as positions does."""
        parts = [self._legend, wire.wholes(3, self.positions(scores))]
        if self._memberships is not None:
            parts.append(wire.floats(4, scores[:, self._memberships]))
        if self._distance is not None:
            parts.append(wire.floats(5, scores[:, self._distance]))
        if self._margin is not None:
            parts.append(wire.floats(6, scores[:, self._margin]))
        return _entry(_SEGMENTATIONS, self.name, b"".join(parts))

    def write_prior(self, scores: FloatVector) -> None:
        """See Head. The largest segment, with shares as memberships; how far and how clear is not known."""
        scores[self.segment] = int(np.argmax(self._shares))
        if self._memberships is not None:
            scores[self._memberships] = self._shares
        for column in (self._distance, self._margin):
            if column is not None:
                scores[column] = np.nan


class Number:
    """A number with its percentile: how likely an event is, or how much is expected.

    Attributes:
        name: the head's.
        column: where its number is in the scores.
        measure: what it is a number of: the head's kind, and its unit.

    Args:
        head: the head in the manifest.
        column: where its number is in the scores.
        percentiles: how its numbers are distributed, None when that is not known.
    """

    def __init__(self, head: bundle_pb2.Head, column: int, percentiles: Percentiles | None) -> None:
        is_value = head.kind == bundle_pb2.HEAD_KIND_VALUE
        self.name = head.name
        self._map = _VALUES if is_value else _PROPENSITIES
        self._unit = wire.text(2, head.unit) if is_value else b""
        self._percentile_field = 3 if is_value else 2
        self.column = column
        self.measure = head.kind, head.unit
        self._percentiles = percentiles
        self._mean = head.distribution.mean
        self._between = self._unit + (wire.float_tag(self._percentile_field) if percentiles else b"")
        numbers = bytes(4), bytes(4 if percentiles else 0)  # the number's and the percentile's place
        entry = _entry(self._map, self.name, wire.float_tag(1) + self._between.join(numbers))
        self._before = entry[: -len(self._between.join(numbers))]
        self._pack = struct.Struct(f"<{len(self._before)}sf{len(self._between)}sf").pack

    def encode(self, scores: Sequence[float]) -> bytes:
        """See Head."""
        number = scores[self.column]
        if math.isnan(number):
            return b""
        if self._percentiles is None:
            return self._before + _FLOAT.pack(number) + self._between
        return self._pack(self._before, number, self._between, self._percentiles.of(number))

    def encode_columns(self, scores: FloatMatrix) -> bytes:
        """See Head."""
        numbers = scores[:, self.column]
        parts = [wire.floats(1, numbers), self._unit]
        if self._percentiles is not None:
            percentiles = self._percentiles.of_all(numbers.astype(np.float64)).astype(np.float32)
            parts.append(wire.floats(self._percentile_field, percentiles))
        return _entry(self._map, self.name, b"".join(parts))

    def write_prior(self, scores: FloatVector) -> None:
        """See Head. The mean; not a number where the version did not record it."""
        scores[self.column] = self._mean if self._percentiles is not None else np.nan


def read_heads(manifest: bundle_pb2.Manifest) -> Mapping[str, Head]:
    """The heads of a manifest, checked, by name and in its order.

    Raises:
        BadBundle: a head contradicts itself or the graph. The text names the head.
    """
    if not manifest.heads:
        raise BadBundle("the manifest has no heads; it needs at least one")
    heads = {head.name: _read_head(head, manifest.graph.score_count) for head in manifest.heads}
    if len(heads) != len(manifest.heads):
        raise BadBundle("the manifest names a head twice")
    return heads


def _read_head(head: bundle_pb2.Head, score_count: int) -> Head:
    if not _NAME.fullmatch(head.name):
        raise BadBundle(f"head {head.name!r} must be 1 to 64 of a-z, 0-9 and _")
    columns = _columns_by_role(head, score_count)
    if head.kind == bundle_pb2.HEAD_KIND_SEGMENTATION:
        return _read_segmentation(head, columns)
    if head.kind == bundle_pb2.HEAD_KIND_PROPENSITY:
        return Number(head, _single(head, columns, _PROBABILITY), _read_percentiles(head))
    if head.kind == bundle_pb2.HEAD_KIND_VALUE:
        return Number(head, _single(head, columns, _EXPECTED), _read_percentiles(head))
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
    memberships = columns.get(_MEMBERSHIP)
    if memberships is not None and memberships.stop - memberships.start != len(keys):
        raise BadBundle(f"head {head.name!r} needs a membership column for each of its {len(keys)} segments")
    distance, margin = (_single(head, columns, role) if role in columns else None for role in (_DISTANCE, _MARGIN))
    return Segmentation(head, (_single(head, columns, _SEGMENT), distance, margin), memberships)


def _single(head: bundle_pb2.Head, columns: Mapping[int, slice], role: bundle_pb2.ColumnRole.ValueType) -> int:
    column = columns.get(role, slice(0, 0))
    if column.stop - column.start != 1:
        raise BadBundle(f"head {head.name!r} needs exactly one column of the role {bundle_pb2.ColumnRole.Name(role)}")
    return int(column.start)


def _read_percentiles(head: bundle_pb2.Head) -> Percentiles | None:
    if not head.HasField("distribution"):
        return None
    quantiles = tuple(head.distribution.quantiles)
    is_rising = all(low <= high for low, high in itertools.pairwise(quantiles))
    if len(quantiles) < _LEAST_QUANTILES or not is_rising or not all(map(math.isfinite, quantiles)):
        raise BadBundle(f"head {head.name!r} needs 2 or more quantiles that never fall; it has {len(quantiles)}")
    return Percentiles(quantiles)
