from typing import Any

import pytest

from training.judging.gates import (
    GATES,
    Gates,
    NoSuchHead,
    Refused,
    check_gates,
    check_heads,
    judge_gates,
    unknown_gate,
)

BUYS: dict[str, Any] = {
    "kind": "propensity",
    "figures": {"roc_auc": 0.863, "average_precision": 0.71, "calibration_error": 0.012, "total_ratio": 0.96},
    "drift": [{"feature": "spend", "psi": 0.3}, {"feature": "visits", "psi": 0.1}],
    "fairness": [
        {"selection_rate_ratio": 0.9, "true_positive_gap": 0.02},
        {"selection_rate_ratio": 0.7, "true_positive_gap": 0.2},
    ],
}
SPEND: dict[str, Any] = {
    "kind": "value",
    "figures": {"spearman": 0.8, "total_ratio": 1.2, "normalized_gini": float("nan")},
    "drift": [],
    "fairness": [],
}
VALUE: dict[str, Any] = {
    "stability": {"adjusted_rand": 0.8, "jaccard": {"value-1-1": 0.9, "value-1-2": 0.6}},
    "silhouette": 0.3,
    "outlier_share": 0.0,
    "fidelity": None,
    "segments": [{"share": 0.7}, {"share": 0.3}],
}


def _judge(every: dict[str, float], **heads: dict[str, float]) -> list[tuple[str, str, float | None, bool]]:
    results = judge_gates(Gates(every, heads), {"value": VALUE}, {"buys": BUYS, "spend": SPEND})
    return [(one["head"], one["gate"], one["reached"], one["holds"]) for one in results]


@pytest.mark.parametrize(
    ("gate", "needed", "expected"),
    [
        ("minimum_auc", 0.863, [("buys", 0.863, True)]),
        ("minimum_auc", 0.864, [("buys", 0.863, False)]),
        ("maximum_calibration_error", 0.01, [("buys", 0.012, False)]),
        ("minimum_fairness_ratio", 0.8, [("buys", 0.7, False)]),
        ("maximum_true_positive_gap", 0.2, [("buys", 0.2, True)]),
        ("minimum_stability", 0.6, [("value", 0.6, True)]),
        ("minimum_adjusted_rand", 0.9, [("value", 0.8, False)]),
        ("minimum_silhouette", 0.2, [("value", 0.3, True)]),
        ("minimum_share", 0.4, [("value", 0.3, False)]),
        ("maximum_outlier_share", 0.1, [("value", 0.0, True)]),
        ("minimum_fidelity", 0.9, [("value", None, False)]),
        ("minimum_gini", 0.5, [("spend", None, False)]),
        ("maximum_drift", 0.25, [("buys", 0.3, False), ("spend", None, False)]),
    ],
)
def test_what_is_looked_at(gate: str, needed: float, expected: list[tuple[str, float | None, bool]]) -> None:
    """The worst of several columns, features or segments; heads of other kinds are left; the unknown holds nothing."""
    assert _judge({gate: needed}) == [(head, gate, reached, holds) for head, reached, holds in expected]


def test_total_is_off_in_both_directions() -> None:
    """Too much and too little foretold are the same fault."""
    found = _judge({"maximum_total_error": 0.1})
    assert [(head, round(reached or 0, 9), holds) for head, _, reached, holds in found] == [
        ("buys", 0.04, True),
        ("spend", 0.2, False),
    ]


def test_of_a_head_alone() -> None:
    """What is set for one head stands before what is set for all, and adds to it."""
    found = _judge({"minimum_auc": 0.9}, buys={"minimum_auc": 0.8, "minimum_average_precision": 0.75})
    assert found == [
        ("buys", "minimum_auc", 0.863, True),
        ("buys", "minimum_average_precision", 0.71, False),
    ]


def test_refusal_says_all() -> None:
    """Each gate that does not hold is named, with what was needed, what was reached, and the distance."""
    gates = Gates({"minimum_auc": 0.9, "maximum_drift": 0.25, "minimum_stability": 0.5}, {})
    results = judge_gates(gates, {"value": VALUE}, {"buys": BUYS, "spend": SPEND})
    with pytest.raises(Refused) as caught:
        check_gates(results)
    assert str(caught.value) == (
        "3 of 4 gates do not hold: "
        "buys: minimum_auc is 0.9, reached is 0.863, 0.037 too little; "
        "buys: maximum_drift is 0.25, reached is 0.3, 0.05 too much; "
        "spend: maximum_drift is 0.25, and nothing is known of it"
    )


def test_what_holds_passes() -> None:
    """Nothing is raised where all hold, or where nothing is asked."""
    check_gates(judge_gates(Gates({"minimum_auc": 0.8}, {}), {"value": VALUE}, {"buys": BUYS}))
    check_gates([])


@pytest.mark.parametrize(
    ("gates", "text"),
    [
        (Gates({}, {"bys": {"minimum_auc": 0.8}}), r"\[gates.bys\] is of no head; there are buys, value"),
        (
            Gates({}, {"buys": {"minimum_stability": 0.8}}),
            "minimum_stability means nothing for buys, a propensity; there",
        ),
        (Gates({"minimum_qini": 0.1}, {}), "minimum_qini means nothing for any head; it is for uplift"),
    ],
)
def test_gates_of_nothing(gates: Gates, text: str) -> None:
    """A gate that would never be looked at is a mistake, said before anything is fitted."""
    with pytest.raises(NoSuchHead, match=text):
        check_heads(gates, {"buys": "propensity", "value": "segmentation"})


def test_gates_of_something() -> None:
    """Every gate that some head has a figure for is fine."""
    kinds = ("propensity", "classes", "value", "uplift", "segmentation", "lookalike")
    check_heads(Gates(dict.fromkeys(GATES, 0.5), {"classes": {"minimum_top3": 0.5}}), {kind: kind for kind in kinds})


def test_unknown_gate() -> None:
    """A misspelt gate is said with the one that is meant, any other with all that there are."""
    assert unknown_gate("minimum_acu") == "there is no gate minimum_acu; did you mean minimum_auc?"
    assert "there are minimum_auc, " in unknown_gate("x")
