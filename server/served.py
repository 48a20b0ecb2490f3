"""A model that answers requests."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protos.audience.v1 import scoring_pb2
from server import wire
from server.bundle import Description
from server.heads import FloatMatrix, Head
from server.metrics import ModelCounters
from server.model import Model
from server.rows import Block, CountVector, Row, RowReader, remapped
from server.shadow import Shadow
from server.traffic import NO_LABEL

# scoring.proto: fields that ModelScores and ModelColumns share, and those of what was assumed.
_MODEL, _VERSION, _QUALITY = 1, 2, 7
_COLUMN_MISSING, _COLUMN_OUT_OF_RANGE, _COLUMN_REMAPPED = 7, 8, 9
_DEGRADED_SCORES, _DEGRADED_COLUMNS = 8, 10
_LABEL_SCORES, _LABEL_COLUMNS = 9, 11
_HOLDOUT = scoring_pb2.DEGRADATION_HOLDOUT
_NOTHING_ASSUMED = wire.field(_QUALITY, b"")


class Scored:
    """Scores of several calls' rows.

    Attributes:
        matrix: shape (n, score_count), float32.
        block: the rows, and what had to be assumed about each.
    """

    __slots__ = ("_lists", "block", "matrix")

    def __init__(self, matrix: FloatMatrix, block: Block) -> None:
        self.matrix = matrix
        self.block = block
        self._lists: list[list[float]] | None = None

    @property
    def lists(self) -> list[list[float]]:
        """The matrix as Python's numbers, row by row."""
        if self._lists is None:
            self._lists = self.matrix.tolist()
        return self._lists


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """One version of a model that answers requests.

    Attributes:
        model: the version.
        reader: how callers' features become its rows.
        counters: what it counts.
        prior: what is known of a visitor of whom nothing is known, shape (1, score_count), float32.
    """

    model: Model
    reader: RowReader
    counters: ModelCounters
    prior: FloatMatrix

    def score(self, rows: Sequence[Row]) -> Scored:
        """See seam.Lane."""
        block = self.reader.complete(rows)
        return Scored(self.model.run(block.rows), block)


def prior_of(description: Description) -> FloatMatrix:
    """What the heads know of anybody, shape (1, score_count), float32; NaN where they know nothing."""
    prior = np.full((1, description.manifest.graph.score_count), np.nan, dtype=np.float32)
    for head in description.heads.values():
        head.write_prior(prior[0])
    return prior


class Target:
    """What one selector asks for: some heads of one model.

    Attributes:
        served: the model.
        shadow: what scores a part of these rows as well; None when nothing does.
        differences: what is compared then.

    Args:
        served: the model.
        heads: those that are answered.
        label: by which the version was found, "" for none.
    """

    def __init__(
        self, served: Served, heads: Sequence[Head], label: str = NO_LABEL, shadow: Shadow | None = None
    ) -> None:
        self.served = served
        self.shadow = shadow
        self.differences = shadow.differences[served.model.version] if shadow is not None else ()
        self._heads = heads
        model = served.model
        identity = wire.text(_MODEL, model.name) + wire.whole(_VERSION, model.version)
        self._identity = identity + wire.text(_LABEL_SCORES, label)
        self._columns_identity = identity + wire.text(_LABEL_COLUMNS, label)

    @property
    def held(self) -> "Held":
        """The same for those in the holdout. Not kept, since a cycle would keep a replaced model in memory."""
        return Held(self)

    def encode(self, scored: Scored, row: int, *, is_remapped: bool) -> bytes:
        """The ModelScores of one row, counted."""
        scores = scored.lists[row]
        self.served.counters.rows.inc(1)
        parts = [self._identity]
        for head in self._heads:
            parts.append(head.encode(scores))  # noqa: PERF401  # a comprehension is slower for a few heads
        if scored.block.missing is None and not is_remapped:
            parts.append(_NOTHING_ASSUMED)
        else:
            parts.append(self._quality(scored.block, row, is_remapped=is_remapped))
        return b"".join(parts)

    def _quality(self, block: Block, row: int, *, is_remapped: bool) -> bytes:
        self._count(block, slice(row, row + 1), int(is_remapped))
        missing = 0 if block.missing is None else int(block.missing[row])
        out_of_range = 0 if block.out_of_range is None else int(block.out_of_range[row])
        return wire.field(
            _QUALITY, wire.whole(1, missing) + wire.whole(2, out_of_range) + wire.whole(3, int(is_remapped))
        )

    def _count(self, block: Block, rows: slice, remapped: int) -> None:
        counters = self.served.counters
        if remapped:
            counters.remapped.inc(remapped)
        if block.missing is None or block.out_of_range is None or block.defaulted is None:
            return
        counters.missing.inc(int(block.missing[rows].sum()))
        counters.out_of_range.inc(int(block.out_of_range[rows].sum()))
        counts = counters.default_counts
        np.add(counts, block.defaulted[rows].sum(axis=0), out=counts)

    def encode_columns(self, scored: Scored, first: int, rows: Sequence[Row]) -> bytes:
        """The ModelColumns of these rows, counted."""
        block, span = scored.block, slice(first, first + len(rows))
        by_names = remapped(rows)
        self.served.counters.rows.inc(len(rows))
        self._count(block, span, sum(by_names))
        return self._columns(scored.matrix[span]) + b"".join(
            (
                _told(_COLUMN_MISSING, block.missing, span),
                _told(_COLUMN_OUT_OF_RANGE, block.out_of_range, span),
                wire.field(_COLUMN_REMAPPED, by_names),
            )
        )

    def _columns(self, scores: FloatMatrix) -> bytes:
        return self._columns_identity + b"".join([head.encode_columns(scores) for head in self._heads])

    def encode_prior(self, reason: scoring_pb2.Degradation.ValueType) -> bytes:
        """The ModelScores of somebody of whom nothing is known, for this reason."""
        self._count_prior(1, reason)
        scores = self.served.prior[0].tolist()
        parts = [head.encode(scores) for head in self._heads]
        return b"".join((self._identity, *parts, wire.whole(_DEGRADED_SCORES, reason)))

    def encode_prior_columns(self, count: int, reason: scoring_pb2.Degradation.ValueType) -> bytes:
        """The ModelColumns of as many of whom nothing is known."""
        self._count_prior(count, reason)
        return self._columns(np.repeat(self.served.prior, count, axis=0)) + wire.whole(_DEGRADED_COLUMNS, reason)

    def _count_prior(self, count: int, reason: scoring_pb2.Degradation.ValueType) -> None:
        counters = self.served.counters
        (counters.held_out if reason == _HOLDOUT else counters.degraded).inc(count)


@dataclass(frozen=True, slots=True)
class Held:
    """What visitors in the holdout get instead of their scores; the same for the same target.

    Attributes:
        target: what the others get.
    """

    target: Target

    def encode(self) -> bytes:
        """The ModelScores of one of them, counted."""
        return self.target.encode_prior(_HOLDOUT)

    def encode_columns(self, count: int) -> bytes:
        """The ModelColumns of as many of them, counted."""
        return self.target.encode_prior_columns(count, _HOLDOUT)


def _told(number: int, counts: CountVector | None, rows: slice) -> bytes:
    """A field that says of each of these rows how many features were so; None says of none."""
    return wire.field(number, bytes(rows.stop - rows.start)) if counts is None else wire.wholes(number, counts[rows])
