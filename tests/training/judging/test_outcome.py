import dataclasses
import json

import numpy as np
import pytest

from tests.training.judging.tables import DAY_MS, Known, events
from training import heads
from training.judging.document import plain
from training.judging.mitigation import NoSuchColumn
from training.judging.order import JudgingOrder, MitigationOrder
from training.judging.outcome import Asked, CannotJudge, figures_of, judge_outcome
from training.table import Table

ORDER = JudgingOrder(
    fairness=("sex",),
    bootstraps=20,
    importance_rows=300,
    importance_repeats=2,
    mitigation=MitigationOrder(method="thresholds", column="sex"),
)
PARTS = {
    "title",
    "kind",
    "horizon_days",
    "unit",
    "label",
    "method",
    "rule",
    "methods",
    "tested",
    "figures",
    "intervals",
    "baseline",
    "roc",
    "precision_recall",
    "calibration",
    "deciles",
    "confusion",
    "importance",
    "importance_of",
    "drift",
    "drift_between",
    "without",
    "fairness",
    "mitigation",
    "qini",
    "details",
}


def _rows(dates: int = 3) -> tuple[Table, Known]:
    rows, head = events(1200, 0, rows_each=3, dates=dates)
    sex = np.where(np.unique(rows.visitors, return_inverse=True)[1] % 2, "f", "m")
    return dataclasses.replace(rows, columns={"sex": sex}), head


def test_the_whole_of_a_propensity() -> None:
    """Every part is there, of the tested rows alone, and JSON can hold it; what the head knows itself stands beside."""
    rows, head = _rows()
    own: dict[str, object] = {
        "method": "truth",
        "rule": "none",
        "methods": [{"method": "truth"}],
        "baseline": {"what": "a coin"},
    }
    head = dataclasses.replace(head, evaluation=own | {"figures": {"roc_auc": 0.1}, "seen": [1]})
    asked = Asked(kind="propensity", label="a purchase", without=[(("a",), head.tested)])
    found = plain(judge_outcome(head, asked, rows, ORDER, 0))
    json.dumps(found, allow_nan=False)
    assert found.keys() == PARTS
    assert found["tested"] == {
        "row_count": 400,
        "visitor_count": 400,
        "split": "by the truth",
        "from_ms": 14 * DAY_MS,
        "to_ms": 14 * DAY_MS,
    }
    assert found["figures"] == figures_of("propensity", head.tested)
    assert found["details"] == {"seen": [1]}
    assert found["without"] == [{"features": ["a"], "figures": figures_of("propensity", head.tested)}]
    assert [one["feature"] for one in found["importance"][:2]] == ["a", "b"]
    assert "on 300 rows of the test" in found["importance_of"]
    assert len(found["drift"]) == 4
    assert found["fairness"][0]["column"] == "sex"
    assert found["mitigation"]["method"] == "thresholds"
    assert (found["method"], found["baseline"]["what"], found["label"]) == ("truth", "a coin", "a purchase")


def test_other_kinds() -> None:
    """An amount has no ROC curve, classes have a confusion, an uplift what its own evaluation says."""
    rows, head = _rows(0)
    value = judge_outcome(head, Asked(kind="value"), rows, ORDER, 0)
    assert value["roc"] is None
    assert value["fairness"] == []
    assert value["mitigation"] is None
    assert value["figures"]["normalized_gini"] > 0.3
    both = np.column_stack([1 - head.tested.predicted, head.tested.predicted])
    said = dataclasses.replace(head, tested=dataclasses.replace(head.tested, predicted=both))
    order = dataclasses.replace(ORDER, importance_rows=0)
    classes = judge_outcome(said, Asked(kind="classes", words=("no", "yes")), rows, order, 0)
    assert classes["confusion"]["classes"] == ["no", "yes"]
    assert classes["importance"] == []
    figures = {"qini": 0.1, "qini_low": -0.1, "qini_high": 0.3}
    known = dataclasses.replace(head, evaluation={"figures": figures, "qini": [[0, 0, 0], [1, 1, 1]]})
    uplift = plain(judge_outcome(known, Asked(kind="uplift"), rows, ORDER, 0))
    assert uplift.keys() == PARTS
    assert uplift["figures"] == {"mean_score": pytest.approx(head.tested.predicted.mean()), "qini": 0.1}
    assert uplift["intervals"] == {"qini": [-0.1, 0.3]}
    assert uplift["qini"] == [[0, 0, 0], [1, 1, 1]]
    assert (uplift["calibration"], uplift["importance"]) == (None, [])


def test_lookalike_is_judged_by_its_order() -> None:
    """Its probability is of belonging, what came is who was listed: there is no calibration to speak of."""
    rows, head = _rows(0)
    own = dataclasses.replace(head, evaluation={"figures": {"recall_at_decile": 0.4}, "labelled_share": 0.2})
    found = judge_outcome(own, Asked(kind="lookalike"), rows, ORDER, 0)
    assert found["figures"].keys() == {
        "base_rate",
        "roc_auc",
        "average_precision",
        "lift_top_decile",
        "gain_top_decile",
        "recall_at_decile",
    }
    assert found["intervals"].keys() == {"roc_auc", "average_precision"}
    assert found["calibration"] is None
    assert found["details"] == {"labelled_share": 0.2}
    assert figures_of("lookalike", head.tested).keys() == found["figures"].keys() - {"recall_at_decile"}


def test_what_cannot_be_judged() -> None:
    """A test without rows, with one outcome alone, or by a column that is not there: each is said."""
    rows, head = _rows()
    nothing = heads.Tested(np.array([], dtype=np.int64), np.zeros((0, 1)), np.array([]), "")
    with pytest.raises(CannotJudge, match="buys: no row is left for a test"):
        judge_outcome(dataclasses.replace(head, tested=nothing), Asked(kind="propensity"), rows, ORDER, 0)
    never = dataclasses.replace(head.tested, actual=np.zeros(400))
    with pytest.raises(CannotJudge, match="all 400 rows of the test have the outcome 0; needed are some with"):
        judge_outcome(dataclasses.replace(head, tested=never), Asked(kind="propensity"), rows, ORDER, 0)
    with pytest.raises(NoSuchColumn, match="by age"):
        judge_outcome(head, Asked(kind="propensity"), rows, JudgingOrder(fairness=("age",), bootstraps=0), 0)
