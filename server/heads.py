"""A head turns its columns of a model's scores into its part of the reply."""

import bisect
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from protos.audience.v1 import bundle_pb2, scoring_pb2
from server.errors import BadBundle

FloatMatrix = npt.NDArray[np.float32]

MEMBERSHIP_FLOOR = 0.001  # scoring.proto, Segment.memberships
_LEAST_QUANTILES = 2  # bundle.proto, Distribution.quantiles
_NAME = re.compile(r"[a-z0-9_]{1,64}")

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

    def write_scores(self, scores: Sequence[float], reply: scoring_pb2.ModelScores) -> None:
        """Adds the answer for one visitor, from all of the model's scores of it."""
        ...

    def write_columns(self, scores: FloatMatrix, reply: scoring_pb2.ModelColumns) -> None:
        """Adds the answers for many visitors, from scores of shape (n, score_count)."""
        ...


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Where scores stand among the training population.

    Args:
        quantiles: the population's quantiles in equal steps from 0 to 1, at least 2 numbers that never fall.
    """

    quantiles: tuple[float, ...]

    def of(self, score: float) -> float:
        """Share of the population with a lower score, in [0, 100].

        Source: linear interpolation between the quantiles in the manifest. Where many share one score, the share
        below all of them.

        >>> Percentiles(tuple(float(q) for q in range(101))).of(12.5)
        12.5
        """
        upper = bisect.bisect_left(self.quantiles, score)
        if upper == 0:
            return 0.0
        if upper == len(self.quantiles):
            return 100.0
        low, high = self.quantiles[upper - 1], self.quantiles[upper]
        return 100.0 * (upper - 1 + (score - low) / (high - low)) / (len(self.quantiles) - 1)


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

    def write_scores(self, scores: Sequence[float], reply: scoring_pb2.ModelScores) -> None:
        """See Head."""
        position = int(scores[self.segment])
        segment = reply.segmentations[self.name]
        segment.key, segment.name = self.keys[position], self.names[position]
        if self.distance is not None:
            segment.distance = scores[self.distance]
        if self.margin is not None:
            segment.margin = scores[self.margin]
        if self.memberships is not None:
            for key, membership in zip(self.keys, scores[self.memberships], strict=True):
                if membership >= MEMBERSHIP_FLOOR:
                    segment.memberships[key] = membership

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
    percentiles: Percentiles | None

    def write_scores(self, scores: Sequence[float], reply: scoring_pb2.ModelScores) -> None:
        """See Head."""
        propensity = reply.propensities[self.name]
        propensity.probability = probability = scores[self.probability]
        if self.percentiles is not None:
            propensity.percentile = self.percentiles.of(probability)

    def write_columns(self, scores: FloatMatrix, reply: scoring_pb2.ModelColumns) -> None:
        """See Head."""
        probabilities = scores[:, self.probability].tolist()
        columns = reply.propensities[self.name]
        columns.probabilities.extend(probabilities)
        if self.percentiles is not None:
            columns.percentiles.extend(map(self.percentiles.of, probabilities))


@dataclass(frozen=True, slots=True)
class Value:
    """How much is expected."""

    name: str
    expected: int
    unit: str
    percentiles: Percentiles | None

    def write_scores(self, scores: Sequence[float], reply: scoring_pb2.ModelScores) -> None:
        """See Head."""
        value = reply.values[self.name]
        value.expected = expected = scores[self.expected]
        value.unit = self.unit
        if self.percentiles is not None:
            value.percentile = self.percentiles.of(expected)

    def write_columns(self, scores: FloatMatrix, reply: scoring_pb2.ModelColumns) -> None:
        """See Head."""
        expected = scores[:, self.expected].tolist()
        columns = reply.values[self.name]
        columns.expected.extend(expected)
        columns.unit = self.unit
        if self.percentiles is not None:
            columns.percentiles.extend(map(self.percentiles.of, expected))


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
    return Segmentation(
        name=head.name,
        keys=keys,
        names=names,
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


def _read_percentiles(head: bundle_pb2.Head) -> Percentiles | None:
    if not head.HasField("distribution"):
        return None
    quantiles = tuple(head.distribution.quantiles)
    is_rising = all(low <= high for low, high in itertools.pairwise(quantiles))
    if len(quantiles) < _LEAST_QUANTILES or not is_rising or not all(map(math.isfinite, quantiles)):
        raise BadBundle(f"head {head.name!r} needs 2 or more quantiles that never fall; it has {len(quantiles)}")
    return Percentiles(quantiles)
