import numpy as np
import pytest

from tests.training.judging.tables import logistic, table
from training import heads
from training.judging.mitigation import (
    NoSuchColumn,
    column_groups,
    compared,
    group_thresholds,
    reweighing,
    thresholds,
)


def _unequal(count: int) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]:
    """Groups 0 and 1, of which 1 has lower scores; buyers drawn by the score."""
    generator = np.random.default_rng(0)
    group = (np.arange(count) % 3 == 0).astype(float)
    scores = logistic(generator.normal(-0.5, 1, count) - group)
    return group, scores, (generator.random(count) < scores).astype(float)


def test_weights_make_outcome_and_group_independent() -> None:
    """Weighed, every group has the same rate, that of all, and the weights sum to the number of rows."""
    group, _, actual = _unequal(3000)
    actual[::50] = np.nan
    rows = table(np.zeros((3000, 1)), outcomes={"buys": actual}, columns={"sex": group.astype(object)})
    weights, known = reweighing(rows, "sex", "buys"), np.isfinite(actual)
    rates = [np.average(actual[known & (group == g)], weights=weights[known & (group == g)]) for g in (0, 1)]
    assert rates == pytest.approx([np.nanmean(actual)] * 2)
    assert weights[known].sum() == pytest.approx(known.sum())
    assert (weights[~known] == 1).all()


def test_weights_by_hand() -> None:
    """Kamiran and Calders: expected over observed count of each group with each outcome."""
    rows = table(
        np.zeros((4, 1)), outcomes={"buys": np.array([1.0, 1, 0, 1])}, columns={"sex": np.array(["f", "f", "m", "m"])}
    )
    # Of four: f and 1 are two where 2 * 3 / 4 are expected; m and 0 one for 2 * 1 / 4; m and 1 one for 2 * 3 / 4.
    assert reweighing(rows, "sex", "buys").tolist() == [0.75, 0.75, 0.5, 1.5]


def test_group_thresholds() -> None:
    """Each group's own quantile; at least one of each is chosen."""
    groups, scores = np.array(["x"] * 10 + ["y"] * 5), np.append(np.arange(10.0), np.arange(5.0) / 10)
    assert group_thresholds(groups, scores, 0.2) == {"x": 8, "y": 0.4}
    assert group_thresholds(groups, scores, 0.01) == {"x": 9, "y": 0.4}


def test_thresholds_make_rates_alike_and_cost_hits() -> None:
    """The ratio rises to about 1 on visitors that they were not found on; fewer of those chosen buy; the AUC stays."""
    group, scores, actual = _unequal(3000)
    names = np.where(group == 1, "one", "zero")
    visitors = np.arange(3000).astype(str)
    found = thresholds("sex", names, visitors, scores, actual, None, 100)
    before, after = found["before"], found["after"]
    assert before["selection_rate_ratio"] < 0.35
    assert 0.8 < after["selection_rate_ratio"] < 1
    assert after["selection_rate"] == pytest.approx(before["selection_rate"], abs=0.01)
    assert after["precision"] < before["precision"]
    assert after["true_positive_rate"] < before["true_positive_rate"]
    assert after["roc_auc"] == before["roc_auc"]
    by_group = {one["value"]: one["threshold"] for one in found["thresholds"]}
    assert by_group["one"] < by_group["zero"]


def test_small_groups_keep_the_threshold_of_all() -> None:
    """A group of a few has no threshold of its own, which chance would set."""
    group, scores, actual = _unequal(3000)
    names = np.where(group == 1, "one", "zero").astype(object)
    names[:5] = "few"
    found = thresholds("sex", names.astype(str), np.arange(3000).astype(str), scores, actual, 0.6, 100)
    by_group = {one["value"]: one["threshold"] for one in found["thresholds"]}
    assert by_group.keys() == {"one", "zero", "not known"}
    assert by_group["not known"] == 0.6


def test_compared() -> None:
    """Two fits of one head, each on its own tested rows: what the weights changed."""
    group, scores, actual = _unequal(2000)
    rows = table(np.zeros((2000, 1)), columns={"sex": group})
    every = np.arange(2000)
    before = heads.Tested(every, scores[:, None], actual, "folds")
    fairer = heads.Tested(every, (scores * np.where(group == 1, 1.7, 1))[:, None], actual, "folds")
    found = compared("sex", rows, before, fairer, None, 100)
    assert found["before"]["selection_rate_ratio"] < found["after"]["selection_rate_ratio"]
    assert found["before"]["roc_auc"] > found["after"]["roc_auc"]
    assert found["method"] == "reweighing"


def test_no_such_column() -> None:
    """It is said which column is missing, and which there are."""
    rows = table(np.zeros((2, 1)), columns={"age": np.array([1, 2])})
    with pytest.raises(NoSuchColumn, match="by gender, which is no column beside the features: age"):
        column_groups(rows, "gender")
