"""A head turns its columns of a model's scores into its part of the reply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from protos.audience.v1 import bundle_pb2, scoring_pb2
from server.errors import BadBundle

FloatVector = npt.NDArray[np.float32]
FloatMatrix = npt.NDArray[np.float32]

MEMBERSHIP_FLOOR = 0.001  # scoring.proto, Segment.memberships
_QUANTILE_COUNT = 101  # bundle.proto, Distribution.quantiles

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

    def write_scores(self, scores: FloatVector, reply: scoring_pb2.ModelScores) -> None:
        """Adds the answer for one visitor, from scores of shape (score_count,)."""
        ...

    def write_columns(self, scores: FloatMatrix, reply: scoring_pb2.ModelColumns) -> None:
        """Adds the answers for many visitors, from scores of shape (n, score_count)."""
        ...


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Where scores stand among the training population.

    Args:
        quantiles: shape (101,), the population's quantiles 0, 0.01 … 1; they never fall.
    """

    quantiles: FloatVector

    def of(self, scores: FloatVector) -> FloatVector:
        """Share of the population with a lower score, in [0, 100], shape as given.

        Source: linear interpolation between the quantiles in the manifest. Where many share one score, the share
        below all of them.
        """
        above = np.searchsorted(self.quantiles, scores, side="left")
        upper = np.clip(above, 1, _QUANTILE_COUNT - 1)
        low, high = self.quantiles[upper - 1], self.quantiles[upper]
        within = np.divide(scores - low, high - low, out=np.zeros_like(scores), where=high > low)
        percentiles: FloatVector = np.clip(upper - 1 + np.clip(within, 0, 1), 0, 100).astype(np.float32)
        return percentiles


@dataclass(frozen=True, slots=True)
class Segmentation:
    """Which segment a visitor is in; columns are positions in the scores, None where the head has no such column."""

    name: str
    keys: tuple[str, ...]
    names: tuple[str, ...]
    segment: int
    distance: int | None
    margin: int | None
    memberships: slice | None

    def write_scores(self, scores: FloatVector, reply: scoring_pb2.ModelScores) -> None:
        """See Head."""
        position = int(scores[self.segment])
        segment = reply.segmentations[self.name]
        segment.key, segment.name = self.keys[position], self.names[position]
        if self.distance is not None:
            segment.distance = float(scores[self.distance])
        if self.margin is not None:
            segment.margin = float(scores[self.margin])
        if self.memberships is not None:
            pairs = zip(self.keys, scores[self.memberships].tolist(), strict=True)
            segment.memberships.update({key: value for key, value in pairs if value >= MEMBERSHIP_FLOOR})

    def write_columns(self, scores: FloatMatrix, reply: scoring_pb2.ModelColumns) -> None:
        """See Head."""
        columns = reply.segmentations[self.name]
        columns.keys.extend(self.keys)
        columns.names.extend(self.names)
        columns.segments.extend(scores[:, self.segment].astype(np.int64).tolist())
        if self.distance is not None:
            columns.distances.extend(scores[:, self.distance].tolist())
        if self.margin is not None:
            columns.margins.extend(scores[:, self.margin].tolist())
        if self.memberships is not None:
            columns.memberships.extend(scores[:, self.memberships].ravel().tolist())


@dataclass(frozen=True, slots=True)
class Propensity:
    """How likely an event is."""

    name: str
    probability: int
    percentiles: Percentiles

    def write_scores(self, scores: FloatVector, reply: scoring_pb2.ModelScores) -> None:
        """See Head."""
        probability = scores[self.probability : self.probability + 1]
        propensity = reply.propensities[self.name]
        propensity.probability = float(probability[0])
        propensity.percentile = float(self.percentiles.of(probability)[0])

    def write_columns(self, scores: FloatMatrix, reply: scoring_pb2.ModelColumns) -> None:
        """See Head."""
        probabilities = scores[:, self.probability]
        columns = reply.propensities[self.name]
        columns.probabilities.extend(probabilities.tolist())
        columns.percentiles.extend(self.percentiles.of(probabilities).tolist())


@dataclass(frozen=True, slots=True)
class Value:
    """How much is expected."""

    name: str
    expected: int
    unit: str
    percentiles: Percentiles

    def write_scores(self, scores: FloatVector, reply: scoring_pb2.ModelScores) -> None:
        """See Head."""
        expected = scores[self.expected : self.expected + 1]
        value = reply.values[self.name]
        value.expected, value.unit = float(expected[0]), self.unit
        value.percentile = float(self.percentiles.of(expected)[0])

    def write_columns(self, scores: FloatMatrix, reply: scoring_pb2.ModelColumns) -> None:
        """See Head."""
        expected = scores[:, self.expected]
        columns = reply.values[self.name]
        columns.expected.extend(expected.tolist())
        columns.unit = self.unit
        columns.percentiles.extend(self.percentiles.of(expected).tolist())


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
    columns = _columns_by_role(head, score_count)
    if head.kind == bundle_pb2.HEAD_KIND_SEGMENTATION:
        return _read_segmentation(head, columns)
    if head.kind == bundle_pb2.HEAD_KIND_PROPENSITY:
        return Propensity(head.name, _single(head, columns, _PROBABILITY), _read_percentiles(head))
    if head.kind == bundle_pb2.HEAD_KIND_VALUE:
        return Value(head.name, _single(head, columns, _EXPECTED), head.unit, _read_percentiles(head))
    raise BadBundle(f"head {head.name!r} is of no kind that this server knows: {head.kind}")


def _columns_by_role(head: bundle_pb2.Head, score_count: int) -> dict[int, slice]:
    for columns in head.columns:
        if not 1 <= columns.count <= score_count - columns.first:
            raise BadBundle(
                f"head {head.name!r} has columns {columns.first} to {columns.first + columns.count - 1}; "
                f"the graph has {score_count}"
            )
    return {columns.role: slice(columns.first, columns.first + columns.count) for columns in head.columns}


def _read_segmentation(head: bundle_pb2.Head, columns: Mapping[int, slice]) -> Segmentation:
    keys = tuple(segment.key for segment in head.segments)
    if not keys or len(set(keys)) != len(keys) or "" in keys:
        raise BadBundle(f"head {head.name!r} needs segments with distinct keys; it has {list(keys)}")
    memberships = columns.get(_MEMBERSHIP)
    if memberships is not None and memberships.stop - memberships.start != len(keys):
        raise BadBundle(f"head {head.name!r} needs a membership column for each of its {len(keys)} segments")
    return Segmentation(
        name=head.name,
        keys=keys,
        names=tuple(segment.name for segment in head.segments),
        segment=_single(head, columns, _SEGMENT),
        distance=_single(head, columns, _DISTANCE) if _DISTANCE in columns else None,
        margin=_single(head, columns, _MARGIN) if _MARGIN in columns else None,
        memberships=memberships,
    )


def _single(head: bundle_pb2.Head, columns: Mapping[int, slice], role: bundle_pb2.ColumnRole.ValueType) -> int:
    column = columns.get(role, slice(0, 0))
    if column.stop - column.start != 1:
        raise BadBundle(f"head {head.name!r} needs exactly one column of the role {bundle_pb2.ColumnRole.Name(role)}")
    return int(column.start)


def _read_percentiles(head: bundle_pb2.Head) -> Percentiles:
    quantiles: Sequence[float] = head.distribution.quantiles
    table = np.array(quantiles, dtype=np.float32)
    if len(table) != _QUANTILE_COUNT or not np.isfinite(table).all() or (np.diff(table) < 0).any():
        raise BadBundle(f"head {head.name!r} needs {_QUANTILE_COUNT} quantiles that never fall; it has {len(table)}")
    return Percentiles(table)
