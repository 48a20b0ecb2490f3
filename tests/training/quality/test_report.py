"""What was found, as a part of the evaluation and as a table."""

import io
import json

import pytest
from rich.console import Console

from training.quality.checks import NOTE, REFUSE, WARN, Finding
from training.quality.refusal import BadData
from training.quality.report import Quality

NOTED = Finding("missing", "visits", 1, 0.1, "visits: 1 of 10 (10.0%) values are missing", NOTE)
WARNED = Finding("constant", "age", 10, 1.0, "age is the same in every row", WARN)
REFUSED = Finding("label", "buys", 0, 0.0, "outcome 'buys': 0 rows say that it happened", REFUSE)


def test_evaluation() -> None:
    """The part of the evaluation has the counts and every finding, and is JSON."""
    part = Quality(12, 10, (NOTED,)).with_findings([WARNED]).to_evaluation()
    assert json.loads(json.dumps(part)) == {
        "row_count": 12,
        "kept_count": 10,
        "checks": [
            {"check": "missing", "column": "visits", "count": 1, "share": 0.1, "text": NOTED.text, "severity": "note"},
            {"check": "constant", "column": "age", "count": 10, "share": 1.0, "text": WARNED.text, "severity": "warn"},
        ],
    }


def test_refuse() -> None:
    """Only findings that refuse do, and all of them are said."""
    Quality(12, 10, (NOTED, WARNED)).refuse()
    with pytest.raises(BadData) as caught:
        Quality(12, 10, (NOTED, REFUSED, WARNED, REFUSED)).refuse()
    assert str(caught.value) == f"the records are refused: {REFUSED.text}; {REFUSED.text}"


def test_table() -> None:
    """The table has what refuses first, then warnings, then notes."""
    out = io.StringIO()
    Console(file=out, width=100).print(Quality(12, 10, (NOTED, WARNED, REFUSED)).to_table())
    text = out.getvalue()
    assert "10 of 12 rows are used" in text
    assert text.index("label") < text.index("constant") < text.index("missing")
