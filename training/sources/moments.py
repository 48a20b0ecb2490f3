"""Moments written as text: with an offset of their own, or on the clock of a time zone."""

from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

_OFFSET = "(:[0-9.]+) *([zZ]|([+-][0-9]{2}):?([0-9]{2})?)$"  # after the seconds or minutes of a day


def moment_columns(word: str, time_format: str) -> str:
    """SQL of two columns: `us`, microseconds since 1970 as the clock shows them, and `own`, whether that is UTC.

    DuckDB's cast was seen to ignore an offset (2.0) and needs an extension for time zones, so that neither is asked of
    it.

    Args:
        word: SQL of the text.
        time_format: as strptime has it, "" for ISO 8601.
    """
    if time_format:
        form = time_format.replace("'", "''")
        return f"epoch_us(try_strptime({word}, '{form}')) AS us, {str('%z' in form).lower()} AS own"
    bare = f"regexp_replace({word}, '{_OFFSET}', '\\1')"
    hours = f"coalesce(TRY_CAST(regexp_extract({word}, '{_OFFSET}', 3) AS BIGINT), 0)"
    minutes = f"coalesce(TRY_CAST(regexp_extract({word}, '{_OFFSET}', 4) AS BIGINT), 0)"
    signed = f"CASE WHEN regexp_extract({word}, '{_OFFSET}', 3) LIKE '-%' THEN -{minutes} ELSE {minutes} END"
    offset_us = f"({hours} * 60 + {signed}) * 60000000"
    return (
        f"epoch_us(TRY_CAST({bare} AS TIMESTAMP)) - {offset_us} AS us, "
        f"coalesce(regexp_matches({word}, '{_OFFSET}'), false) AS own"
    )


def to_milliseconds(us: pa.Array, own: pa.Array, time_zone: str) -> pa.Array:
    """Milliseconds since 1970, int64, null where there is no moment.

    What the clock of the time zone shows twice is the earlier moment; what it never shows is the one after the gap.

    Args:
        us: as `moment_columns` has it.
        own: as `moment_columns` has it.
        time_zone: of the clock, where the moment has no offset of its own.
    """
    clock = us.cast(pa.timestamp("us"))
    local = pc.assume_timezone(clock, ZoneInfo(time_zone).key, ambiguous="earliest", nonexistent="latest")
    chosen = pc.if_else(own, us, local.cast(pa.int64()))
    return pc.floor(pc.divide(chosen.cast(pa.float64()), 1000.0)).cast(pa.int64())
