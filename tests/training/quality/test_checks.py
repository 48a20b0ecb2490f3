"""What is found, by its figures: nothing where all is well, and refusals beyond the limits."""

import numpy as np
import pytest

from training.configuration.section import BadConfig, Section
from training.quality.checks import (
    NOTE,
    REFUSE,
    WARN,
    Counts,
    Finding,
    amount_findings,
    class_findings,
    event_findings,
    feature_findings,
    rows_left,
    same_rows,
    set_aside_rows,
    unreadable_findings,
)
from training.quality.order import QualityOrder, read_quality

ORDER = QualityOrder(least_rows=10, least_positives=2, most_set_aside=0.5, most_unreadable=0.1, most_outside=0.2)


def _counts(**given: int | bool) -> Counts:
    usual = {"rows": 100, "unreadable": 0, "outside": 0, "missing": 0, "other": 0, "is_constant": False}
    return Counts(**{**usual, **given})  # type: ignore[arg-type]


def _said(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.check, finding.severity) for finding in findings]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"unreadable": 10, "missing": 10}, [("unreadable", NOTE), ("missing", NOTE)]),
        ({"unreadable": 11, "missing": 11}, [("unreadable", REFUSE), ("missing", NOTE)]),
        ({"outside": 20, "missing": 20}, [("outside", NOTE), ("missing", NOTE)]),
        ({"outside": 21, "missing": 21}, [("outside", REFUSE), ("missing", NOTE)]),
        ({"missing": 95}, [("missing", NOTE)]),
        ({"missing": 96}, [("missing", WARN)]),
        ({"other": 50}, [("other", NOTE)]),
        ({"is_constant": True}, [("constant", WARN)]),
    ],
)
def test_features(given: dict[str, int | bool], expected: list[tuple[str, str]]) -> None:
    """A share at the limit is let through and one above is not; what is nearly all missing or constant is warned of."""
    assert _said(feature_findings("visits", _counts(**given), ORDER)) == expected


def test_text() -> None:
    """A finding says of what, how many and how large a share, and which limit it breaks."""
    (finding,) = unreadable_findings("visits", 250, 1000, ORDER)
    assert finding == Finding(
        "unreadable",
        "visits",
        250,
        0.25,
        "visits: 250 of 1,000 (25.0%) values are of another kind, and missing now; at most 10% may be "
        "(most_unreadable)",
        REFUSE,
    )
    assert unreadable_findings("visits", 0, 1000, ORDER) == []


@pytest.mark.parametrize(
    ("kept", "total", "expected"),
    [
        (10, 10, []),
        (9, 9, [("rows", REFUSE)]),
        (10, 20, []),
        (10, 21, [("set_aside", REFUSE)]),
        (1, 21, [("rows", REFUSE), ("set_aside", REFUSE)]),
    ],
)
def test_rows_left(kept: int, total: int, expected: list[tuple[str, str]]) -> None:
    """Enough rows must be left, and not too many set aside."""
    assert _said(rows_left(kept, total, ORDER)) == expected


def test_rows_set_aside() -> None:
    """Rows that are set aside are counted with their reason."""
    assert set_aside_rows("consent", "ok", "no consent", 0, 10) == []
    (finding,) = set_aside_rows("consent", "ok", "no consent", 1, 10)
    assert (finding.text, finding.share, finding.severity) == ("1 row is set aside: no consent", 0.1, NOTE)


@pytest.mark.parametrize(("are_dropped", "severity"), [(True, NOTE), (False, WARN)])
def test_same_rows(are_dropped: bool, severity: str) -> None:  # noqa: FBT001  # a case of the table above
    """The same rows are warned of when they are kept."""
    assert same_rows(0, 10, are_dropped=are_dropped) == []
    assert _said(same_rows(2, 10, are_dropped=are_dropped)) == [("duplicates", severity)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0, 1, 1], []),
        ([0, 0, 1, 1, np.nan], [("label_missing", NOTE)]),
        ([0, 0, 1], [("label", REFUSE)]),
        ([1, 1], [("label", REFUSE)]),
        ([np.nan], [("label_missing", NOTE), ("label", REFUSE), ("label", REFUSE)]),
    ],
)
def test_events(values: list[float], expected: list[tuple[str, str]]) -> None:
    """An event needs rows of both answers."""
    assert _said(event_findings("buys", np.array(values, dtype=np.float64), ORDER)) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(10), []),
        ([*range(10), np.nan], [("label_missing", NOTE)]),
        (range(9), [("label", REFUSE)]),
        ([3] * 10, [("label", REFUSE)]),
    ],
)
def test_amounts(values: list[float], expected: list[tuple[str, str]]) -> None:
    """Amounts must be many, and differ."""
    assert _said(amount_findings("spend", np.array(list(values), dtype=np.float64), ORDER)) == expected


def test_classes() -> None:
    """Every class needs rows, and there must be two at least."""
    values = np.array([0, 0, 1, 1, 2], dtype=np.float64)
    (finding,) = class_findings("next", values, ("a", "b", "c"), ORDER)
    assert finding.text == "outcome 'next': 1 row is of the class 'c'; needed are at least 2 (least_positives)"
    assert class_findings("next", values[:4], ("a", "b"), ORDER) == []
    assert _said(class_findings("next", values[:2], ("a",), ORDER)) == [("label", REFUSE)]


def test_order() -> None:
    """Limits are those of the table, and the usual ones where it says nothing; shares are shares."""
    assert read_quality(None) == QualityOrder()
    assert read_quality(Section({"least_rows": 0, "most_missing": 1})) == QualityOrder(least_rows=0, most_missing=1.0)
    with pytest.raises(BadConfig, match="quality: most_outside is 5; needed is a share from 0 to 1, such as most_outs"):
        read_quality(Section({"most_outside": 5}, "quality"))
    with pytest.raises(BadConfig, match="least_row means nothing here; did you mean least_rows"):
        read_quality(Section({"least_row": 5}))
