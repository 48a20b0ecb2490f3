"""Every part is what the generated code writes for the same content."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protos.audience.v1 import scoring_pb2
from server import wire
from tests.server.conftest import law

lengths = st.integers(0, 300) | st.sampled_from([127, 128, 4095, 4096, 16383, 16384])


@law
@given(st.integers(0, 2**63 - 1) | st.sampled_from([127, 128, 4095, 4096]))
def test_whole(number: int) -> None:
    """A whole number of any length; 0 is nothing, as the generated code has it."""
    assert wire.whole(2, number) == scoring_pb2.ModelScores(version=number).SerializeToString()


@law
@given(st.text(max_size=20) | lengths.map("x".__mul__))
def test_text(content: str) -> None:
    """Text of any length in UTF-8; none is nothing."""
    assert wire.text(1, content) == scoring_pb2.ModelScores(model=content).SerializeToString()


@law
@given(lengths)
def test_field(length: int) -> None:
    """A message of any length, also of none."""
    failure = scoring_pb2.Failure(message="x" * length)
    assert wire.field(3, failure.SerializeToString()) == scoring_pb2.ModelScores(failure=failure).SerializeToString()


@law
@given(st.lists(st.floats(width=32), max_size=40))
def test_floats(column: list[float]) -> None:
    """Packed floats, whatever they are; no numbers are no field."""
    expected = scoring_pb2.SegmentColumns(memberships=column).SerializeToString()
    assert wire.floats(4, np.array(column, np.float32)) == expected
    assert wire.floats(4, np.array(column, ">f4")) == expected


def test_floats_of_a_table() -> None:
    """Row by row, also when the table is a part of another."""
    table = np.arange(12, dtype=np.float32).reshape(3, 4)[:, 1:3]
    assert wire.floats(4, table) == scoring_pb2.SegmentColumns(memberships=[1, 2, 5, 6, 9, 10]).SerializeToString()


@law
@example([127])
@example([0, 128])
@given(st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 130), max_size=40))
def test_wholes(column: list[int]) -> None:
    """Packed whole numbers, small or not; none are no field."""
    assert wire.wholes(3, np.array(column, np.int64)) == scoring_pb2.SegmentColumns(segments=column).SerializeToString()


@pytest.mark.parametrize("number", [4, 5])
def test_float_tag(number: int) -> None:
    """What stands before a float; its four bytes follow."""
    segment = scoring_pb2.Segment.FromString(wire.float_tag(number) + np.float32(1.5).tobytes())
    assert (segment.distance, segment.margin) == ((1.5, 0) if number == 4 else (0, 1.5))


def test_field_numbers_beyond_fifteen() -> None:
    """They take two bytes."""
    assert wire.text(16, "x") == b"\x82\x01\x01x"
    assert wire.whole(2047, 1) == b"\xf8\x7f\x01"
