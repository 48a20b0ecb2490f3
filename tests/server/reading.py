"""Two versions' schemas, and what becomes of visitors' features: as the server reads them, and as is said of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from protos.audience.v1 import bundle_pb2, scoring_pb2
from server.errors import InvalidRequest
from server.features import Reader
from server.rows import Block, Row, RowReader
from server.schema import CATEGORY, Schema
from tests.server.literal import category, number, schema

# recency_days 0..90, default 30; visits without limits, default 2; device, no word for others, default tablet;
# channel, with one.
SERVED = schema(
    number("recency_days", "days", default=30, minimum=0, maximum=90),
    number("visits", "count", default=2),
    category("device", ("phone", "tablet"), default=1),
    category("channel", ("web", "other"), other="other"),
)
OLDER = schema(
    category("device", ("watch", "tablet", "phone")),
    number("visits", "count"),
    number("recency_days", "hours"),
    number("basket_usd", "USD"),
    category("channel", ("tv", "web")),
)
KNOWN = {one.fingerprint: one for one in (SERVED, OLDER)}
OWN = SERVED.fingerprint
OLD = OLDER.fingerprint


def vector(
    *values: float, fingerprint: str = OWN, missing: Sequence[int] = (), numbers: Mapping[str, float] | None = None
) -> scoring_pb2.Features:
    """Features as a vector, with numbers on top."""
    return scoring_pb2.Features(vector=values, schema_fingerprint=fingerprint, missing=missing, numbers=numbers or {})


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of one visitor: the row that is scored, and what had to be assumed."""

    row: Sequence[float]
    missing: int
    out_of_range: int
    defaulted: Sequence[bool]
    is_remapped: bool


Outcome = Read | str  # a text is what was wrong


def read(reader: RowReader, *given: scoring_pb2.Features) -> Sequence[Outcome]:
    """What becomes of visitors with these features, in one block."""
    return read_private(reader, [features.SerializeToString() for features in given])


def read_private(reader: RowReader, given: Sequence[bytes]) -> Sequence[Outcome]:
    """The same, of parsed requests."""
    rows = [_row(reader, features) for features in given]
    right = [row for row in rows if isinstance(row, Row)]
    block = reader.complete(right) if right else None
    outcomes = iter([_outcome(block, number, row) for number, row in enumerate(right) if block])
    return [next(outcomes) if isinstance(row, Row) else row for row in rows]


def read_together(reader: RowReader, given: Sequence[bytes]) -> Sequence[Outcome]:
    """The same as a batch is read; each by itself where one of them is refused, which ends a batch."""
    try:
        rows = reader.read_all(given)
    except InvalidRequest:
        return read_private(reader, given)
    block = reader.complete(rows) if rows else None
    return [_outcome(block, number, row) for number, row in enumerate(rows) if block]


def _row(reader: RowReader, features: bytes) -> Row | str:
    try:
        return reader.read(features)
    except InvalidRequest as error:
        return str(error)


def _outcome(block: Block, number: int, row: Row) -> Outcome:
    if block.errors and number in block.errors:
        return str(block.errors[number])
    return Read(
        block.rows[number].tolist(),
        0 if block.missing is None else int(block.missing[number]),
        0 if block.out_of_range is None else int(block.out_of_range[number]),
        [False] * block.rows.shape[1] if block.defaulted is None else block.defaulted[number].tolist(),
        row.is_remapped,
    )


def careful(served: Schema, known: Mapping[str, Schema], features: scoring_pb2.Features) -> Outcome:
    """What is to become of a visitor with these features, value by value."""
    try:
        said = Reader(served, known).read(features).tolist()
    except InvalidRequest as error:
        return str(error)
    missing = [value != value for value in said]  # noqa: PLR0124  # NaN: not said
    impossible = [
        not is_missing and not _is_possible(feature, value)
        for feature, value, is_missing in zip(served.features, said, missing, strict=True)
    ]
    defaulted = [one or other for one, other in zip(missing, impossible, strict=True)]
    row = [
        float(np.float32(feature.default)) if is_defaulted else value
        for feature, value, is_defaulted in zip(served.features, said, defaulted, strict=True)
    ]
    is_remapped = bool(features.vector) and features.schema_fingerprint != served.fingerprint
    return Read(row, sum(missing), sum(impossible), defaulted, is_remapped)


def _is_possible(feature: bundle_pb2.Feature, value: float) -> bool:
    if feature.kind == CATEGORY:
        return 0 <= value < len(feature.vocabulary)
    return not (
        value in {float("inf"), float("-inf")}
        or (feature.HasField("minimum") and value < np.float32(feature.minimum))
        or (feature.HasField("maximum") and value > np.float32(feature.maximum))
    )
