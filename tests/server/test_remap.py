import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1 import bundle_pb2
from server.remap import Remap
from tests.server.conftest import law
from tests.server.literal import schema
from tests.server.reading import OLDER, SERVED
from tests.server.visitors import Visitor, visitors

NAN = math.nan


@pytest.mark.parametrize(
    ("vector", "row"),
    [
        # device, visits, recency_days in another unit, basket_usd, channel -> recency_days, visits, device, channel
        pytest.param([2, 7, 5, 9, 1], [NAN, 7, 0, 0], id="words move"),
        pytest.param([0, 7, 5, 9, 0], [NAN, 7, NAN, 1], id="word that is gone, and one that is among the others"),
        pytest.param([NAN, NAN, NAN, NAN, NAN], [NAN] * 4, id="nothing known"),
        pytest.param([3, 7, 5, 9, 2], [NAN, 7, math.inf, math.inf], id="codes out of range stay so"),
        pytest.param([-1, -7, 5, 9, -1], [NAN, -7, math.inf, math.inf], id="codes below"),
        pytest.param([1e38, 7, 5, 9, 1], [NAN, 7, math.inf, 0], id="code beyond any integer"),
    ],
)
def test_apply(vector: list[float], row: list[float]) -> None:
    """By names where kind and unit are the same; unknown where the other schema does not say."""
    remapped = Remap.between(OLDER, SERVED).apply(np.array(vector, np.float32))
    assert remapped.dtype == np.float32
    np.testing.assert_array_equal(remapped, np.array(row, np.float32))


def row_of(visitor: Visitor) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The visitor's values, NaN where one is not known."""
    return np.array([math.nan if value is None else value for value in visitor.values], np.float32)


@law
@given(visitors())
def test_remap_to_the_same_schema_changes_nothing(visitor: Visitor) -> None:
    """Between a schema and itself the remap is the identity, on values and on what is not known."""
    row = row_of(visitor)
    same = Remap.between(visitor.schema, visitor.schema)
    np.testing.assert_array_equal(same.apply(row), row)


@law
@given(visitors(), st.data())
def test_remap_there_and_back(visitor: Visitor, data: st.DataObject) -> None:
    """Moving features and words about and back gives the same row."""
    shuffled = [bundle_pb2.Feature.FromString(feature.SerializeToString()) for feature in visitor.schema.features]
    for feature in shuffled:
        feature.vocabulary[:] = data.draw(st.permutations(list(feature.vocabulary)))
    other = schema(*data.draw(st.permutations(shuffled)))
    row = row_of(visitor)
    there = Remap.between(visitor.schema, other).apply(row)
    np.testing.assert_array_equal(Remap.between(other, visitor.schema).apply(there), row)


def test_nothing_in_common() -> None:
    """Two schemas without a common feature know nothing of each other."""
    one, other = (schema(feature) for feature in (SERVED.features[0], OLDER.features[3]))
    np.testing.assert_array_equal(Remap.between(other, one).apply(np.ones(1, np.float32)), [NAN])
