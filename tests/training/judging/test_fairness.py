import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from training.judging.fairness import NOT_KNOWN, cut, group_names, judge_groups


def test_figures_by_hand() -> None:
    """Of group x half are chosen, of y a quarter: the ratio is a half. Of the buyers all of x, half of y."""
    groups = np.array(["x"] * 4 + ["y"] * 8)
    scores = np.array([0.9, 0.8, 0.2, 0.1, 0.9, 0.8, 0.3, 0.3, 0.2, 0.2, 0.1, 0.1])
    actual = np.array([1.0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0])
    found = judge_groups("sex", groups, scores, actual, 0.5, 1)
    assert found["selection_rate_ratio"] == 0.5
    assert found["true_positive_gap"] == 0.5
    x, y = found["groups"]
    assert (x["value"], x["rows"], x["base_rate"], x["selection_rate"], x["true_positive_rate"]) == (
        "x",
        4,
        0.5,
        0.5,
        1,
    )
    assert x["mean_score"] == pytest.approx(0.5)
    assert x["roc_auc"] == 1
    assert y["roc_auc"] == pytest.approx(roc_auc_score(actual[4:], scores[4:]))
    assert y["calibration_error"] == pytest.approx(np.abs(scores[4:] - actual[4:]).mean())
    assert found["chosen"] == "probability at least 0.5"


def test_small_and_unknown_groups_have_no_say() -> None:
    """They are shown, and marked; a group without buyers has no recall and no AUC."""
    groups = np.array(["x"] * 20 + ["y"] * 20 + ["z"] * 2 + [NOT_KNOWN] * 20)
    scores = np.array(([0.9, 0.1] * 20) + [0.1, 0.1] + [0.1] * 20)
    found = judge_groups("sex", groups, scores, np.append(np.tile([1.0, 0.0], 20), np.zeros(22)), 0.5, 20)
    assert found["selection_rate_ratio"] == 1
    assert found["true_positive_gap"] == 0
    by_name = {one["value"]: one for one in found["groups"]}
    assert [name for name, one in by_name.items() if one["is_small"]] == ["z"]
    assert np.isnan([by_name["z"][name] for name in ("roc_auc", "true_positive_rate")]).all()
    assert by_name[NOT_KNOWN]["selection_rate"] == 0


def test_one_group_has_nothing_to_be_compared_with() -> None:
    """No ratio and no gap; where nobody at all is chosen, all are treated alike."""
    alone = judge_groups("sex", np.array(["x"] * 4), np.full(4, 0.9), np.ones(4), 0.5, 1)
    assert (alone["selection_rate_ratio"], alone["true_positive_gap"]) == (None, None)
    nobody = judge_groups("sex", np.array(["x", "y"]), np.zeros(2), np.ones(2), 0.5, 1)
    assert nobody["selection_rate_ratio"] == 1


def test_highest_tenth() -> None:
    """Without a threshold the tenth with the highest scores is chosen, and it is said from which score on."""
    at, words = cut(np.arange(100.0), None)
    assert at == 90
    assert words == "the tenth with the highest probability, from 90"


def test_names_of_groups() -> None:
    """Anything is a group by its text; nothing, blanks and NaN are not known."""
    values = np.array([1, "a ", None, float("nan"), "", "  ", True], dtype=object)
    assert group_names(values).tolist() == ["1", "a", *[NOT_KNOWN] * 4, "True"]
    assert group_names(np.array([0.5, np.nan])).tolist() == ["0.5", NOT_KNOWN]
