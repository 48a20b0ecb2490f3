"""Values are read as what they are to be; those that are something else are found, and never guessed."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.quality.set_aside import Aside
from training.sources.order import NULL_WORDS
from training.sources.values import CATEGORY, NUMBER, TRUTH, Values


def _values(column: object, kind: pa.DataType | None = None) -> Values:
    return Values(pa.table({"x": pa.array(column, kind)}), NULL_WORDS, "records")


def _aside(aside: Aside | None) -> list[tuple[int, str]]:
    assert aside is not None
    return list(zip(aside.rows.tolist(), aside.values.to_pylist(), strict=True))


def test_numbers_of_text() -> None:
    """Numbers in every usual form; blanks and null words are missing; the rest is set aside as it stood."""
    column = _values(["1", " -2.5 ", "1e3", "", " ", "?", None, "NA", "1,5", "inf", "twelve"]).read("x", NUMBER)
    np.testing.assert_array_equal(column.values, [1, -2.5, 1000, *[np.nan] * 8])
    assert _aside(column.unreadable) == [(8, "1,5"), (9, "inf"), (10, "twelve")]


@pytest.mark.parametrize("kind", [pa.int32(), pa.float32(), pa.float64(), pa.decimal128(9, 2)])
def test_numbers_of_numbers(kind: pa.DataType) -> None:
    """Typed numbers are as they are."""
    given_values = [Decimal(1), Decimal(2), None] if pa.types.is_decimal(kind) else [1, 2, None]
    column = _values(given_values, kind).read("x", NUMBER)
    np.testing.assert_array_equal(column.values, [1, 2, np.nan])
    assert _aside(column.unreadable) == []


def test_not_a_number() -> None:
    """NaN among typed numbers is missing, and an infinite one is set aside."""
    column = _values([1.0, float("nan"), float("inf")]).read("x", NUMBER)
    np.testing.assert_array_equal(column.values, [1, np.nan, np.nan])
    assert _aside(column.unreadable) == [(2, "inf")]


def test_truths() -> None:
    """Yes and no in their usual words become 1 and 0; other words are set aside."""
    column = _values(["TRUE", "f", "Yes", "n", "1", "0", "", "perhaps"]).read("x", TRUTH)
    np.testing.assert_array_equal(column.values, [1, 0, 1, 0, 1, 0, np.nan, np.nan])
    assert _aside(column.unreadable) == [(7, "perhaps")]
    np.testing.assert_array_equal(_values([True, False, None]).read("x", TRUTH).values, [1, 0, np.nan])


def test_words() -> None:
    """Words are trimmed, and positions in alphabetical order; control characters are set aside."""
    column = _values([" b", "a", None, "b ", "?", "c\td"]).read("x", CATEGORY)
    assert column.words == ("a", "b", "c\td")
    np.testing.assert_array_equal(column.values, [1, 0, np.nan, 1, np.nan, np.nan])
    assert _aside(column.unreadable) == [(5, "c\td")]


def test_own_null_words() -> None:
    """Other null words replace the usual ones; an empty text is always missing."""
    values = Values(pa.table({"x": ["?", "", "-"]}), ("", "-"), "records")
    assert values.texts("x").tolist() == ["?", None, None]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (["1", "2.5", ""], NUMBER),
        (["1"] * 99 + ["x"], NUMBER),
        (["1"] * 98 + ["x", "y"], CATEGORY),
        (["yes", "no", ""], TRUTH),
        (["yes", "1"], TRUTH),
        (["0", "1", "0"], NUMBER),
        ([0, 1], NUMBER),
        ([True, None], TRUTH),
        (["a", "b"], CATEGORY),
        ([date(2020, 1, 1)], CATEGORY),
    ],
)
def test_kinds(column: list[object], kind: str) -> None:
    """What a column holds is seen by its values: numbers when at least 99 of 100 are."""
    assert _values(column).kind("x") == kind


def test_names() -> None:
    """Visitors are an array of strings, and it is known who is missing."""
    names, missing = _values(["v1", None, "v22", "v1"]).names("x")
    assert names.dtype.kind == "U"
    assert names.tolist() == ["v1", "", "v22", "v1"]
    assert missing.tolist() == [False, True, False, False]
    assert _values([7, 8]).names("x")[0].tolist() == ["7", "8"]


def _ms(text: str, zone: str = "UTC") -> int:
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).timestamp() * 1000)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_moments_of_text(zone: str) -> None:
    """A moment has its own offset, or is in the time zone, summer and winter; what is no moment is set aside."""
    texts = ["2026-07-01 12:00:00", "2026-01-01T00:00:00.250", "2026-07-01T12:00:00+05:30", "2026-03-04", "soon", ""]
    moments, wrong = _values([*texts[:2], "2026-07-01T12:00:00Z", *texts[2:]]).moments("x", "", zone)
    expected = [_ms(texts[0], zone), _ms(texts[1], zone), _ms("2026-07-01T12:00:00+00:00"), _ms(texts[2])]
    assert moments.tolist() == [*expected, _ms(texts[3], zone), 0, 0]
    assert _aside(wrong) == [(5, "soon"), (6, "")]


@pytest.mark.parametrize("offset", ["Z", "z", "+00", "-03", "+0530", "-03:30", " +02:00"])
@pytest.mark.parametrize("clock", ["2026-07-01T12:00", "2026-07-01 12:00:00", "2026-07-01 12:00:00.5"])
def test_offsets(clock: str, offset: str) -> None:
    """Every way to write an offset counts, whatever the time zone is."""
    text = clock + offset
    assert _values([text]).moments("x", "", "Asia/Tokyo")[0].tolist() == [_ms(text.replace(" +", "+").upper())]


def test_clock_put_back() -> None:
    """An hour that comes twice is the earlier one."""
    moments, _ = _values(["2026-10-25 02:30:00"]).moments("x", "", "Europe/Berlin")
    assert moments.tolist() == [_ms("2026-10-25T02:30:00+02:00")]


def test_moments_of_types() -> None:
    """Whole numbers are milliseconds; typed moments are as they are, with a zone or in the one that was said."""
    assert _values([1_700_000_000_123]).moments("x", "", "UTC")[0].tolist() == [1_700_000_000_123]
    aware = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert _values([aware]).moments("x", "", "Europe/Berlin")[0].tolist() == [_ms("2026-07-01T12:00:00+00:00")]
    naive = _values([aware.replace(tzinfo=None)]).moments("x", "", "Europe/Berlin")[0]
    assert naive.tolist() == [_ms("2026-07-01T12:00:00", "Europe/Berlin")]
    assert _values([date(2026, 7, 1)]).moments("x", "", "UTC")[0].tolist() == [_ms("2026-07-01")]


def test_moments_by_a_format() -> None:
    """A format says how a moment is written."""
    moments, wrong = _values(["01.07.2026 12:30", "2026-07-01"]).moments("x", "%d.%m.%Y %H:%M", "UTC")
    assert moments.tolist() == [_ms("2026-07-01T12:30:00"), 0]
    assert _aside(wrong) == [(1, "2026-07-01")]
    moments, _ = _values(["01.07.2026 12:30 +0530"]).moments("x", "%d.%m.%Y %H:%M %z", "Europe/Berlin")
    assert moments.tolist() == [_ms("2026-07-01T12:30:00+05:30")]


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.one_of(st.none(), st.integers(0, 2)), st.booleans()), max_size=20))
def test_same(rows: list[tuple[str, int | None, bool]]) -> None:
    """A row is the same as an earlier one when every column is, missing ones too, among the rows of the mask."""
    table = pa.table(
        {"a": pa.array([r[0] for r in rows], pa.string()), "b": pa.array([r[1] for r in rows], pa.int64())}
    )
    among = np.array([r[2] for r in rows], dtype=np.bool_)
    seen: set[tuple[str, int | None]] = set()
    expected = []
    for a, b, is_among in rows:
        expected.append(is_among and (a, b) in seen)
        seen |= {(a, b)} if is_among else set()
    assert Values(table, NULL_WORDS, "records").same(["a", "b"], among).tolist() == expected


def test_take() -> None:
    """Values of other rows, in their order, and none for a row that is not there."""
    column = _values(["1", "2"]).read("x", NUMBER)
    np.testing.assert_array_equal(column.take(np.array([1, -1, 0, 1])).values, [2, np.nan, 1, 2])
