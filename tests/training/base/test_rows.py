from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1 import scoring_pb2
from server.rows import RowReader
from server.schema import read_schema
from tests.bundles import SPECS
from training.base.rows import BadTable, check_columns, read_rows
from training.features import to_schema

DEFAULTS = np.array([30, 4, 50, 0.25, 1], np.float32)
SCHEMA = read_schema(to_schema(SPECS, DEFAULTS))

some = st.none() | st.floats(-100, 1e6, width=32) | st.just(float("nan"))
rows = st.lists(st.tuples(some, some, some, some, st.sampled_from([None, "phone", "tablet"])), min_size=1)


def table_of(columns: Sequence[Sequence[object]]) -> pa.RecordBatch:
    """Rows of the five features as a part of a table."""
    names = [spec.name for spec in SPECS]
    kinds = [pa.string() if name == "device" else pa.float64() for name in names]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, kinds, strict=True)]
    return pa.record_batch([pa.array(range(len(columns[0]))), *arrays], ["visitor", *names])


def known_of(row: Sequence[float | str | None]) -> tuple[dict[str, float], dict[str, str]]:
    """Numbers and words of one row by name, without those that are not known."""
    pairs = [(spec.name, value) for spec, value in zip(SPECS, row, strict=True) if str(value) not in {"nan", "None"}]
    numbers = {name: value for name, value in pairs if isinstance(value, float)}
    return numbers, {name: value for name, value in pairs if isinstance(value, str)}


@given(rows)
def test_rows_equal_what_a_server_reads(given_rows: list[tuple[float | str | None, ...]]) -> None:
    """Row by row the same features, missing and out of range, as a server makes of the same visitor by names."""
    read = read_rows(table_of(list(zip(*given_rows, strict=True))), SCHEMA)
    reader = RowReader(SCHEMA, {})
    for position, row in enumerate(given_rows):
        numbers, words = known_of(row)
        message = scoring_pb2.Features(numbers=numbers, categories=words)
        expected = reader.complete([reader.read(message.SerializeToString())])
        np.testing.assert_array_equal(read.features[position], expected.rows[0])
        assert [read.missing[position]] == list(expected.missing if expected.missing is not None else [0])
        assert [read.out_of_range[position]] == list(
            expected.out_of_range if expected.out_of_range is not None else [0]
        )


def test_words() -> None:
    """Dictionaries are words too; an unknown one takes the default and is counted; an absent column is missing."""
    batch = pa.record_batch(
        {"visitor": ["a", "b", "c"], "device": pa.array(["tablet", "fridge", None]).dictionary_encode()}
    )
    read = read_rows(batch, SCHEMA)
    assert read.features[:, 4].tolist() == [1, 1, 1]
    assert (read.missing.tolist(), read.out_of_range.tolist()) == ([4, 4, 5], [0, 1, 0])


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"id": [1], "spend": [1.0]}, "no column 'visitor'.*--visitor names another. There are: id, spend"),
        ({"visitor": [1], "speed": [1.0]}, "none of the model's 5 features is a column"),
        ({"visitor": [1], "spend": ["much"]}, "column 'spend' holds string; the model wants numbers"),
        ({"visitor": [1], "device": [1.5]}, "column 'device' holds double; the model wants words"),
    ],
)
def test_tables_that_cannot_be_scored(columns: dict[str, list[object]], reason: str) -> None:
    """What is wrong with a table is said before anything is scored."""
    with pytest.raises(BadTable, match=reason):
        check_columns(pa.table(columns).schema, SCHEMA, "visitor")
