"""Segmentations by one threshold, of which everything is known: figures, migration, rates and overlap."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from tests.training.judging.tables import DAY_MS, Known, events, table
from training import heads
from training.export.nodes import Nodes
from training.features import Features
from training.heads import SEGMENT, Column, FloatArray, Labels
from training.judging.document import plain
from training.judging.intervals import wilson
from training.judging.migration import migration
from training.judging.order import JudgingOrder
from training.judging.overlap import overlap
from training.judging.rates import Judged, segment_outcomes
from training.judging.segmentation import Made, judge_segmentation
from training.keys import Keyed
from training.names import traits
from training.naming import Segments
from training.segmentations.shaping import Shaping
from training.table import Table

ORDER = JudgingOrder(refits=3, bootstraps=30, migration_days=7)


@dataclass(frozen=True, slots=True)
class Thirds:
    """Segment 0 up to -0.5 of the first feature, 1 up to 0.5, and above it none."""

    shaping: Shaping
    name: str = "thirds"
    title: str = "which third"
    count: int = 2
    tried: Sequence[dict[str, float]] = ()

    @property
    def has_outliers(self) -> bool:
        """See Segmentation."""
        return True

    @property
    def columns(self) -> Sequence[Column]:
        """The segment alone."""
        return [(SEGMENT, 1)]

    def assign(self, features: Features) -> Labels:
        """Shape (n,)."""
        labels: Labels = np.digitize(features[:, 0], [-0.5, 0.5]).astype(np.int64)
        return np.where(labels == 2, heads.NO_SEGMENT, labels)

    def scores(self, features: Features) -> FloatArray:
        """Shape (n, 1)."""
        return self.assign(features)[:, None].astype(np.float64)

    def emit(self, nodes: Nodes, features: str) -> str:
        """Never asked for here."""
        raise NotImplementedError


def _head(rows: Table) -> Thirds:
    return Thirds(Shaping.fit(rows.features, rows.specs, ["a", "b"]))


def _segments(head: Thirds, rows: Table) -> Segments:
    labels = head.assign(rows.features)
    return Segments(
        keys=[Keyed("thirds-1-1", 1, 0.9), Keyed("thirds-2-1", 2, None)],
        names=["Low", "Middle"],
        traits=[traits(rows.features, labels, i, head.shaping, rows.specs) for i in range(2)],
        labels=labels,
        retired=["thirds-1-2"],
    )


def test_the_whole_of_it() -> None:
    """Sizes, shares and figures are those of the newest moment, and JSON can hold all."""
    rows, outcome = events(600, 0, rows_each=2, dates=2)
    now = rows.where(rows.as_of_ms == 7 * DAY_MS)  # type: ignore[arg-type]
    head = _head(now)
    made = Made(
        method="rules", refit=lambda some: lambda _: head.assign(some.features), fidelity=0.9, parents={1: "thirds-a"}
    )
    judged = [Judged(outcome, "propensity", rows)]
    found = judge_segmentation(head, _segments(head, now), made, rows, judged, ORDER, 0)
    json.dumps(plain(found), allow_nan=False)
    labels = head.assign(now.features)
    assert [one["size"] for one in found["segments"]] == [(labels == 0).sum(), (labels == 1).sum()]
    assert found["outlier_share"] == pytest.approx((labels == -1).mean())
    assert sum(one["share"] for one in found["segments"]) + found["outlier_share"] == pytest.approx(1)
    assert found["stability"] == {"adjusted_rand": 1, "jaccard": {"thirds-1-1": 1, "thirds-2-1": 1}, "samples": 3}
    assert [(one["key"], one["name"], one["kept"], one["parent"]) for one in found["segments"]] == [
        ("thirds-1-1", "Low", True, None),
        ("thirds-2-1", "Middle", False, "thirds-a"),
    ]
    assert found["segments"][0]["traits"][0]["feature"] == "a"
    assert found["segments"][0]["outcomes"][0]["outcome"] == "buys"
    assert found["retired"] == ["thirds-1-2"]
    assert found["migration"]["to_ms"] == 7 * DAY_MS


def test_rules_are_not_fitted_again() -> None:
    """What was not learnt from visitors has no stability; rows without times show no migration."""
    rows, _ = events(50, 0)
    head = _head(rows)
    found = judge_segmentation(head, _segments(head, rows), Made(method="rules"), rows, [], ORDER, 0)
    assert found["stability"] is None
    assert found["migration"] is None
    assert found["segments"][0]["jaccard"] is None


def test_migration_by_hand() -> None:
    """Of two who were low one still is; who is new, or was not there later, is not counted."""
    before, after = [-1.0, -1.0, 0.0, 1.0, 9.0], [-1.0, 0.0, 0.0, -1.0]
    rows = table(
        np.array([*before, *after])[:, None].repeat(2, axis=1),
        visitors=np.array(["a", "b", "c", "d", "gone", "a", "b", "c", "d"]),
        as_of_ms=np.array([0] * 5 + [7 * DAY_MS] * 4),
    )
    found = migration(_head(rows), rows, ["low", "middle"], 7)
    assert found == {
        "from_ms": 0,
        "to_ms": 7 * DAY_MS,
        "visitor_count": 4,
        "keys": ["low", "middle", None],
        "shares": [[0.5, 0.5, 0], [0, 1, 0], [1, 0, 0]],
    }


def test_migration_without_outliers() -> None:
    """Where nobody is in no segment, none is shown; a segment that nobody came from has no shares."""
    rows = table(np.zeros((4, 2)), visitors=np.array(["a", "b", "a", "b"]), as_of_ms=np.array([0, 0, DAY_MS, DAY_MS]))
    found = migration(_head(rows), rows, ["low", "middle"], 7)
    assert found is not None
    assert found["keys"] == ["low", "middle"]
    assert found["shares"] == [[None, None], [0, 1]]


def _with(head: Known, actual: FloatArray) -> Known:
    return dataclasses.replace(head, tested=heads.Tested(head.tested.rows, head.tested.predicted, actual, ""))


def test_rates_by_hand() -> None:
    """Rate, Wilson's interval of the segment's visitors, and the rate of all; amounts have a mean."""
    rows, outcome = events(400, 0, rows_each=2)
    head = _head(rows)
    amounts = np.arange(400.0)
    judged = [
        Judged(outcome, "propensity", rows),
        Judged(_with(outcome, amounts), "value", rows),
        Judged(outcome, "uplift", rows),
    ]
    low, middle = segment_outcomes(head, judged, ORDER, 0)
    inside = head.assign(rows.features) == 0
    rate, visitors = outcome.tested.actual[inside].mean(), np.unique(rows.visitors[inside]).size
    assert len(low) == len(middle) == 2
    assert (low[0]["low"], low[0]["high"]) == wilson(rate * visitors, visitors)
    assert low[0] | {"low": 0, "high": 0} == {
        "outcome": "buys",
        "title": "buys within 7 days",
        "unit": "",
        "rate": pytest.approx(rate),
        "mean": None,
        "low": 0,
        "high": 0,
        "count": inside.sum(),
        "population": outcome.tested.actual.mean(),
    }
    assert low[1]["rate"] is None
    assert low[1]["mean"] == pytest.approx(amounts[inside].mean())
    assert low[1]["low"] < low[1]["mean"] < low[1]["high"]
    assert low[1]["population"] == 199.5


def test_rates_of_nobody() -> None:
    """A segment without tested rows has no rate."""
    rows, outcome = events(40, 0)
    away = dataclasses.replace(rows, features=np.full_like(rows.features, 9))
    found = segment_outcomes(_head(rows), [Judged(outcome, "propensity", away)], ORDER, 0)
    assert (found[0][0]["rate"], found[0][0]["low"], found[0][0]["count"]) == (None, None, 0)


def test_overlap_by_hand() -> None:
    """Segments of one head share nobody; the tenth most likely to buy are shared as sets say."""
    rows, outcome = events(200, 0)
    head = _head(rows)
    found = plain(overlap([head], {"thirds": _segments(head, rows)}, [Judged(outcome, "propensity", rows)], rows, 9))
    assert [(one["key"], one["segmentation"]) for one in found["audiences"]] == [
        ("thirds-1-1", "thirds"),
        ("thirds-2-1", "thirds"),
        ("buys:top_decile", "buys"),
    ]
    labels = head.assign(rows.features)
    best = set(np.argsort(-outcome.scores(rows.features)[:, 0])[:20])
    middle = set(np.flatnonzero(labels == 1))
    matrix = found["jaccard"]
    assert found["audiences"][2]["size"] == 20
    assert [matrix[i][i] for i in range(3)] == [1, 1, 1]
    assert matrix[0][1] == 0
    assert matrix[1][2] == matrix[2][1] == pytest.approx(len(best & middle) / len(best | middle))
    assert found["left_out"] == 0


def test_the_largest_audiences_are_compared() -> None:
    """No more than asked for; it is said how many are left out."""
    rows, outcome = events(200, 0)
    head = _head(rows)
    found = overlap([head], {"thirds": _segments(head, rows)}, [Judged(outcome, "propensity", rows)], rows, 2)
    assert [one["key"] for one in found["audiences"]] == ["thirds-1-1", "thirds-2-1"]
    assert found["left_out"] == 1
    assert overlap([], {}, [], rows, 5) | {"jaccard": None} == {"audiences": [], "jaccard": None, "left_out": 0}
