from typing import Any

import pytest

from tests.training.report.samples import evaluation
from training.report.outcomes import Outcome, outcome
from training.report.part import Part


def view(name: str = "buys", **changes: Any) -> Outcome:
    """One of the sample's outcomes, with some keys changed."""
    return outcome(name, Part({**evaluation()["outcomes"][name], **changes}))


@pytest.mark.parametrize(
    ("name", "headline"),
    [
        ("buys", "ROC AUC 0.86, baseline 0.84"),
        ("spends", "Rank correlation (Spearman) 0.8, baseline 0.82"),
        ("moves", "Qini coefficient 0.02"),
    ],
)
def test_the_headline_is_the_figure_that_decides(name: str, headline: str) -> None:
    """Beside the baseline's, where there is one."""
    assert view(name).headline == headline


def test_the_simpler_answers_have_columns() -> None:
    """The baseline and what is reached without some features stand beside the model's figures."""
    shown = view()
    assert shown.columns == ["baseline: logistic regression", "without spend"]
    assert next(f.others for f in shown.figures if f.name == "ROC AUC") == ("0.84", "0.8")
    assert view(baseline=None, without=None).columns == []


def test_the_chosen_method_is_marked() -> None:
    """With the mean and the standard deviation of the folds, in the same decimals, and the time it took."""
    first, second = view().methods
    assert (first.name, first.value, first.note, first.is_chosen) == ("logistic", "0.840 ± 0.010", "0.4 s", False)
    assert (second.name, second.is_chosen, second.note) == ("boosting", True, "2 min")


def test_features_are_ordered_by_what_they_matter() -> None:
    """The most important first; many are cut off, and their number is said."""
    shown = view(importance=[{"feature": f"f{i}", "mean": i / 100} for i in range(25)])
    assert [row.name for row in shown.importance[:2]] == ["f24", "f23"]
    assert (len(shown.importance), shown.importance_left_out) == (20, 5)


def test_drift_is_ordered_and_has_a_word() -> None:
    """What moved most comes first."""
    assert [(row.name, row.verdict.text if row.verdict else "") for row in view().drift] == [
        ("visits", "has moved"),
        ("spend", "steady"),
    ]


def test_a_small_group_does_not_set_the_measure() -> None:
    """The line at four fifths is that of the most chosen group with enough rows; 0.071 of 0.1 is below it."""
    (groups,) = view().fairness
    bars = {group.text("value"): str(bar) for group, bar in groups.rows}
    assert "fill less" in bars["to 34"]
    assert "fill less" not in bars["from 35"]
    assert groups.verdict.text == "below four fifths"


def test_classes_are_confused_as_shares_of_the_true_ones() -> None:
    """Each row adds up to one; a class that nobody has is not known."""
    heat = view(confusion={"classes": ["a", "b"], "counts": [[3, 1], [0, 0]]}).confusion
    assert heat is not None
    assert heat.rows == [(1, "a", [0.75, 0.25]), (2, "b", [None, None])]
    assert view().confusion is None


def test_what_mitigation_costs() -> None:
    """Before and after, figure by figure."""
    assert {line.name: (line.value, *line.others) for line in view().mitigation} == {
        "ROC AUC": ("0.86", "0.86"),
        "Lowest / highest chosen": ("0.71", "0.99"),
    }
