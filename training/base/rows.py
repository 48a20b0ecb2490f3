"""Columns of a table → rows of features, by a model's schema: what a server does with one request, for many at once."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from protos.audience.v1 import bundle_pb2
from server.heads import FloatMatrix
from server.schema import CATEGORY, Schema
from training.errors import NotTrained

VISITOR: Final = "visitor"


class BadTable(NotTrained):
    """The table cannot be scored. The text says why, and what it would need."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A part of the table, ready to be scored.

    Attributes:
        visitors: of each row, as the table has them.
        features: shape (n, width), float32, without NaN.
        missing: shape (n,), how many features are not known of each.
        out_of_range: shape (n,), how many are outside the schema's range or vocabulary, and took their default too.
    """

    visitors: pa.Array
    features: FloatMatrix
    missing: npt.NDArray[np.int64]
    out_of_range: npt.NDArray[np.int64]


def check_columns(table: pa.Schema, schema: Schema, visitor: str) -> None:
    """Raises BadTable unless the table has a column of visitors, and at least one of the features."""
    names = set(table.names)
    if visitor not in names:
        raise BadTable(
            f"there is no column {visitor!r} that says who each row is about; --visitor names another. There are: "
            f"{', '.join(table.names[:20])}"
        )
    known = [feature.name for feature in schema.features if feature.name in names]
    if not known:
        raise BadTable(
            f"none of the model's {schema.width} features is a column of the table; it reads columns such as "
            f"{', '.join(feature.name for feature in schema.features[:5])}"
        )
    for feature in schema.features:
        if feature.name in names:
            _check_type(feature, table.field(feature.name).type)


def _check_type(feature: bundle_pb2.Feature, kind: pa.DataType) -> None:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    if feature.kind == CATEGORY:
        is_text = pa.types.is_string(inner) or pa.types.is_large_string(inner)
        is_right = is_text or pa.types.is_boolean(inner) or pa.types.is_integer(inner)
        wanted = "words"
    else:
        is_right = (
            pa.types.is_integer(inner)
            or pa.types.is_floating(inner)
            or pa.types.is_boolean(inner)
            or pa.types.is_decimal(inner)
        )
        wanted = "numbers"
    if not (is_right or pa.types.is_null(inner)):
        raise BadTable(f"column {feature.name!r} holds {kind}; the model wants {wanted}")


def read_rows(batch: pa.RecordBatch, schema: Schema, visitor: str = VISITOR) -> Read:
    """The rows of a part of a table that check_columns found good. Features that it has not are missing."""
    count = batch.num_rows
    features = np.full((count, schema.width), np.nan, np.float32)
    out_of_range = np.zeros(count, np.int64)
    missing = np.zeros(count, np.int64)
    for position, feature in enumerate(schema.features):
        if feature.name not in batch.schema.names:
            missing += 1
            continue
        values, is_known = _values(batch.column(feature.name), feature)
        is_within = (values >= schema.lowest[position]) & (values <= schema.highest[position])
        features[:, position] = np.where(is_known & is_within, values, np.nan)
        missing += ~is_known
        out_of_range += is_known & ~is_within
    absent = np.isnan(features)
    features[absent] = np.broadcast_to(schema.defaults, features.shape)[absent]
    return Read(batch.column(visitor), features, missing, out_of_range)


def _values(column: pa.Array, feature: bundle_pb2.Feature) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Numbers, or positions in the vocabulary (-1 for a word that it has not), and where anything is known."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if feature.kind == CATEGORY:
        return _codes(column, feature)
    values = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):  # what is too large for float32 is out of every range
        return values.astype(np.float32), ~np.isnan(values)


def _codes(column: pa.Array, feature: bundle_pb2.Feature) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    vocabulary = list(feature.vocabulary)
    other = vocabulary.index(feature.other) if feature.other else -1
    words = pc.cast(column, pa.string())
    found = pc.index_in(words, value_set=pa.array(vocabulary, pa.string()))
    codes = pc.fill_null(found, other).to_numpy(zero_copy_only=False).astype(np.float32)
    is_known: npt.NDArray[np.bool_] = pc.is_valid(words).to_numpy(zero_copy_only=False)
    return codes, is_known
