import pytest

from training.report.figures import gate_title, lines, method, title, write
from training.report.part import Part


def test_a_figure_is_beside_those_it_is_compared_with() -> None:
    """One row a figure: name, value, interval, and the same figure of the others, a dash where they have none."""
    ours = Part({"calibration_error": 0.01, "roc_auc": 0.86, "base_rate": 0.125, "words": "x", "nothing": None})
    rows = lines(ours, [Part({"roc_auc": 0.84}), Part()], Part({"roc_auc": [0.85, 0.87]}), "")
    assert [row.name for row in rows] == ["Base rate", "ROC AUC", "Calibration error"]
    assert (rows[1].value, rows[1].interval) == ("0.86", "0.85 to 0.87")
    assert rows[1].others == ("0.84", "\N{EN DASH}")
    assert rows[0].value == "12.5%"
    assert rows[0].interval == ""


def test_figures_nobody_described_are_shown_too() -> None:
    """A new figure of the judging appears under its own name, after those that are known."""
    rows = lines(Part({"new_figure": 3.0, "roc_auc": 0.9}), [], Part(), "")
    assert [(row.name, row.value) for row in rows] == [("ROC AUC", "0.9"), ("New figure", "3")]


@pytest.mark.parametrize(
    ("name", "text"),
    [("mean_absolute_error", "139 USD"), ("mean", "334 USD"), ("total_ratio", "1.01"), ("lift_top_decile", "3.3x")],
)
def test_amounts_have_their_unit(name: str, text: str) -> None:
    """What is measured in the outcome's unit says so, and a ratio does not."""
    values = {"mean_absolute_error": 139.0, "mean": 334.0, "total_ratio": 1.01, "lift_top_decile": 3.3}
    assert write(name, values[name], "USD") == text.replace("x", "\N{MULTIPLICATION SIGN}")


@pytest.mark.parametrize(
    ("gate", "phrase"),
    [
        ("minimum_auc", "ROC AUC, at least"),
        ("maximum_calibration_error", "Calibration error, at most"),
        ("minimum_fairness_ratio", "Fairness ratio, at least"),
        ("maximum_parity_difference", "Parity, at most"),
        ("something_else", "Something else"),
    ],
)
def test_gates_are_phrases(gate: str, phrase: str) -> None:
    """A gate reads as a demand."""
    assert gate_title(gate) == phrase


def test_names_of_methods_and_figures() -> None:
    """What people call it, or its own words."""
    assert method("kmeans") == "k-means"
    assert method("my_method") == "my method"
    assert title("mean") == "Mean"
