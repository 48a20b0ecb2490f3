"""Attributes of visitors as they were known at the row's moment, and as long as they held."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.sources.conftest import read_text
from training.configuration.section import BadConfig
from training.quality.refusal import BadData
from training.sources.attributes import newest
from training.sources.table import Reading

MOMENTS = st.integers(0, 5)
VISITORS = st.sampled_from(("a", "b", "c"))
ROWS = """\
visitor,at,visits
a,2026-01-10,1
a,2026-02-10,2
b,2026-02-10,3
c,2026-02-10,4
"""
TOML = """
[data]
shape = "rows"
path = "rows.csv"
entity = "visitor"
time = "at"
[[features]]
name = "visits"
"""
ATTRIBUTE = """
[[attributes]]
name = "crm"
path = "crm.csv"
entity = "customer"
purpose = "personalization"
[[attributes.features]]
name = "tier"
description = "tier of the loyalty scheme"
[[attributes.features]]
name = "points"
"""
TIMED = ATTRIBUTE.replace('entity = "customer"', 'entity = "customer"\ntime = "since"')
CRM = """\
customer,since,until,tier,points
b,2026-01-01,2026-02-01,gold,7
a,2026-02-01,2026-03-01,silver,5
a,2026-01-01,2026-03-01,gold,1
a,2026-03-01,2026-04-01,bronze,9
,2026-01-01,2026-03-01,gold,1
"""


def _read(folder: Path, attribute: str, crm: str, toml: str = TOML) -> Reading:
    (folder / "rows.csv").write_text(ROWS, encoding="utf-8")
    (folder / "crm.csv").write_text(crm, encoding="utf-8")
    return read_text(folder, toml + attribute)


def _known(reading: Reading) -> list[tuple[str, float] | None]:
    """Tier and points of each row, None where they are missing."""
    table = reading.table
    tier, points = table.position("tier"), table.position("points")
    assert table.is_missing[:, tier].tolist() == table.is_missing[:, points].tolist()
    return [
        None if missing else (table.specs[tier].vocabulary[int(row[tier])], row[points])
        for row, missing in zip(table.features.tolist(), table.is_missing[:, tier].tolist(), strict=True)
    ]


def test_newest_not_after(tmp_path: Path) -> None:
    """The newest attributes not after the row's moment; later ones are not known yet."""
    assert _known(_read(tmp_path, TIMED, CRM)) == [("gold", 1), ("silver", 5), ("gold", 7), None]


def test_valid_until(tmp_path: Path) -> None:
    """Attributes that did not hold any more are missing, even when older ones held."""
    attribute = TIMED.replace('time = "since"', 'time = "since"\nvalid_until = "until"')
    reading = _read(tmp_path, attribute, CRM)
    assert _known(reading) == [("gold", 1), ("silver", 5), None, None]
    texts = [finding.text for finding in reading.quality.findings]
    assert "attribute 'crm': 1 of 4 rows (25.0%) have attributes that did not hold any more" in texts
    assert "attribute 'crm': 2 of 4 rows (50.0%) have none of its attributes that hold" in texts


@pytest.mark.parametrize(("days", "held"), [(9, False), (10, True)])
def test_valid_days(tmp_path: Path, days: int, held: bool) -> None:  # noqa: FBT001  # a case of the table above
    """Attributes hold for so many days; at the moment when these are over they do not."""
    attribute = TIMED.replace('time = "since"', f'time = "since"\nvalid_days = {days}')
    lately = "c,2026-02-09,2026-04-01,bronze,3\n"
    assert _known(_read(tmp_path, attribute, CRM + lately))[0] == (("gold", 1) if held else None)


def test_purpose(tmp_path: Path) -> None:
    """The features say what their use needs consent to."""
    reading = _read(tmp_path, TIMED, CRM)
    spec = reading.table.specs[reading.table.position("tier")]
    assert spec.purpose == "personalization"
    assert spec.description == "tier of the loyalty scheme (with consent to personalization)"
    assert reading.table.specs[0].purpose == ""


def test_set_aside(tmp_path: Path) -> None:
    """Attributes of nobody, and values that cannot be read, are set aside under the attribute's name."""
    crm = CRM.replace("gold,7", "gold,many").replace("2026-03-01,2026-04-01", "soon,2026-04-01")
    reading = _read(tmp_path, TIMED.replace('name = "points"', 'name = "points"\nkind = "number"'), crm)
    found = [(a.source, a.column, a.reason, a.rows.tolist()) for a in reading.asides]
    assert found == [
        ("crm", "customer", "has no visitor", [4]),
        ("crm", "since", "is no moment", [3]),
        ("crm", "points", "is no number", [0]),
    ]


def test_visitor_twice(tmp_path: Path) -> None:
    """Without a time a visitor may be there once only."""
    with pytest.raises(BadData, match="attribute 'crm': visitor 'a' is there 3 times; needed is one row for each, or"):
        _read(tmp_path, ATTRIBUTE, CRM)
    once = "\n".join(line for line in CRM.splitlines() if "silver" not in line and "bronze" not in line)
    assert _known(_read(tmp_path, ATTRIBUTE, once)) == [("gold", 1), ("gold", 1), ("gold", 7), None]


def test_rows_without_a_moment(tmp_path: Path) -> None:
    """Without a moment of the rows the newest counts, and nothing may expire."""
    timeless = TOML.replace('time = "at"\n', "")
    assert _known(_read(tmp_path, TIMED, CRM, timeless)) == [("bronze", 9), ("bronze", 9), ("gold", 7), None]
    with pytest.raises(BadConfig, match=r"attributes\[0\] \('crm'\): the attributes expire, but the rows have no mom"):
        _read(tmp_path, TIMED.replace('time = "since"', 'time = "since"\nvalid_days = 3'), CRM, timeless)


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.lists(st.tuples(VISITORS, MOMENTS), max_size=8), st.lists(st.tuples(VISITORS, MOMENTS), max_size=8))
def test_newest(rows: list[tuple[str, int]], known: list[tuple[str, int]]) -> None:
    """The join equals a search through all: the visitor's latest not after the row, of two the later in the file."""
    expected = []
    for visitor, moment in rows:
        candidates = [(when, at) for at, (who, when) in enumerate(known) if who == visitor and when <= moment]
        expected.append(max(candidates)[1] if candidates else -1)
    found = newest(
        np.array([who for who, _ in rows], dtype=np.str_),
        np.array([when for _, when in rows], dtype=np.int64),
        np.array([who for who, _ in known], dtype=np.str_),
        np.array([when for _, when in known], dtype=np.int64),
        np.arange(len(known)),
    )
    assert found.tolist() == expected
