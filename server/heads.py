"""A head turns its columns of a model's scores into its part of the reply."""

import math
import struct
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from protos.audience.v1 import bundle_pb2
from server import wire
from server.percentiles import Percentiles

FloatMatrix = npt.NDArray[np.float32]
FloatVector = npt.NDArray[np.float32]

MEMBERSHIP_FLOOR = 0.001  # scoring.proto, Segment.memberships

# scoring.proto: the maps of ModelScores and ModelColumns, and the floats of Segment.
_SEGMENTATIONS, _PROPENSITIES, _VALUES, _CLASSES = 4, 5, 6, 10
_CLASS_COLUMNS = 13
_NONE = -1.0  # bundle.proto: the position of who is in no segment
_FLOAT = struct.Struct("<f")
_DISTANCE_TAG, _MARGIN_TAG = wire.float_tag(4), wire.float_tag(5)


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


def entry(map_field: int, name: str, value: bytes) -> bytes:
    """An entry of a map from strings to messages, as a field of the message that has the map."""
    return wire.field(map_field, wire.text(1, name) + wire.field(2, value))


class Segmentation:
    """Which segment a visitor is in.

    Attributes:
        name: the head's.
        segment: where the segment's position is in the scores.
        keys: of the segments, in the order of their positions.
        names: of the segments, likewise.
        key_at: of the segment at each position, as the graph gives it; "" at -1, where visitors may be in none.

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
        paths = _paths(head)
        for position, path in enumerate(paths):
            self._known_by[float(position)] += b"".join(wire.text(6, key) for key in path)
        self.key_at = {float(position): key for position, key in enumerate(self.keys)}
        if head.has_outliers:
            self._known_by[_NONE], self.key_at[_NONE] = b"", ""
        self._lowest = min(self._known_by)
        self._members = [wire.field(3, wire.text(1, key) + wire.float_tag(2) + bytes(4))[:-4] for key in self.keys]
        self._openings: dict[int, bytes] = {}
        self._legend = b"".join([wire.text(1, key) for key in self.keys] + [wire.text(2, name) for name in self.names])
        if head.groups:
            of_path = (b"".join(wire.text(1, key) for key in path) for path in paths)
            self._paths = b"".join(wire.field(7, keys) for keys in of_path)
        else:
            self._paths = b""

    def positions(self, scores: FloatMatrix) -> npt.NDArray[np.int64]:
        """Position of each visitor's segment, shape (n,), from scores of shape (n, score_count); -1 for none.

        Raises:
            LookupError: a score is no position. The model's fault.
        """
        column = scores[:, self.segment]
        is_position = (column >= self._lowest) & (column < len(self.keys)) & (column == np.floor(column))
        if np.count_nonzero(is_position) < len(column):  # `all` takes five times as long
            wrong = int(np.argmin(is_position))
            raise LookupError(
                f"head {self.name!r} gives row {wrong} the segment {column[wrong]:g}; needed is a whole number from "
                f"{self._lowest:g} to {len(self.keys) - 1}"
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
        whole = wire.field(_SEGMENTATIONS, self._key + wire.field(2, bytes(length)))
        opening = self._openings[length] = whole[: len(whole) - length]
        return opening

    def encode_columns(self, scores: FloatMatrix) -> bytes:
        """See Head; raises as positions does."""
        positions = self.positions(scores)
        parts = [self._legend, wire.wholes(3, np.where(positions < 0, len(self.keys), positions)), self._paths]
        if self._memberships is not None:
            parts.append(wire.floats(4, scores[:, self._memberships]))
        if self._distance is not None:
            parts.append(wire.floats(5, scores[:, self._distance]))
        if self._margin is not None:
            parts.append(wire.floats(6, scores[:, self._margin]))
        return entry(_SEGMENTATIONS, self.name, b"".join(parts))

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
        whole = entry(self._map, self.name, wire.float_tag(1) + self._between.join(numbers))
        self._before = whole[: -len(self._between.join(numbers))]
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
        return entry(self._map, self.name, b"".join(parts))

    def write_prior(self, scores: FloatVector) -> None:
        """See Head. The mean; not a number where the version did not record it."""
        scores[self.column] = self._mean if self._percentiles is not None else np.nan


class Classes:
    """Which of several things is next, or holds.

    Attributes:
        name: the head's.
        columns: where the classes' probabilities are in the scores.
        words: the classes, in the order of their columns.

    Args:
        head: the head in the manifest.
        columns: as above.
    """

    def __init__(self, head: bundle_pb2.Head, columns: slice) -> None:
        self.name = head.name
        self.columns = columns
        self.words = list(head.classes)
        self._most_likely = [wire.text(1, word) for word in self.words]
        self._members = [wire.field(2, wire.text(1, word) + wire.float_tag(2) + bytes(4))[:-4] for word in self.words]
        self._legend = b"".join(self._most_likely)
        self._prior = np.array(list(head.class_shares) or [np.nan] * len(self.words), np.float32)

    def encode(self, scores: Sequence[float]) -> bytes:
        """See Head."""
        probabilities = scores[self.columns]
        if math.isnan(probabilities[0]):
            return b""
        answer = self._most_likely[max(range(len(probabilities)), key=probabilities.__getitem__)]
        for member, probability in zip(self._members, probabilities, strict=True):
            if probability >= MEMBERSHIP_FLOOR:
                answer += member + _FLOAT.pack(probability)
        return entry(_CLASSES, self.name, answer)

    def encode_columns(self, scores: FloatMatrix) -> bytes:
        """See Head."""
        return entry(_CLASS_COLUMNS, self.name, self._legend + wire.floats(2, scores[:, self.columns]))

    def write_prior(self, scores: FloatVector) -> None:
        """See Head. The classes' shares; not a number where the version did not record them."""
        scores[self.columns] = self._prior


def _paths(head: bundle_pb2.Head) -> list[list[str]]:
    """For each segment the keys of those above it, the largest first."""
    parents = {group.key: group.parent for group in head.groups}
    paths = []
    for segment in head.segments:
        path: list[str] = []
        key = segment.parent
        while key:
            path.insert(0, key)
            key = parents[key]
        paths.append(path)
    return paths
