from tests.training.report.samples import evaluation
from training.report.part import Part
from training.report.performance import drawings_of


def titles(name: str, unit: str = "") -> list[str]:
    """Of the charts of one of the sample's outcomes."""
    return [drawing.title for drawing in drawings_of(Part(evaluation()["outcomes"][name]), unit)]


def test_each_kind_has_its_charts() -> None:
    """A propensity has the curves of its order, a value those of its amounts, an uplift its Qini curve."""
    assert titles("buys") == ["ROC curve", "Precision and recall", "Calibration", "Lift by tenth", "Gains"]
    assert titles("spends", "USD") == ["Calibration", "Lift by tenth", "Gains"]
    assert titles("moves") == ["Uplift by share treated (Qini)"]


def test_gains_follow_the_sizes_of_the_groups() -> None:
    """A first group of a quarter of the rows ends at a quarter of the axis."""
    deciles = [{"rate": 0.5, "gain": 0.6, "size": 25}, {"rate": 0.1, "gain": 1.0, "size": 75}]
    drawing = list(drawings_of(Part({"deciles": deciles}), ""))[-1]
    assert "25.0% of visitors: 60.0%; 100.0% of visitors: 100.0%" in drawing.picture


def test_groups_of_unknown_size_are_equal() -> None:
    """Without sizes, two groups are halves."""
    deciles = [{"rate": 0.5, "gain": 0.6}, {"rate": 0.1, "gain": 1.0, "size": 75}]
    drawing = list(drawings_of(Part({"deciles": deciles}), ""))[-1]
    assert "50.0% of visitors: 60.0%; 100.0% of visitors: 100.0%" in drawing.picture


def test_nothing_measured_nothing_drawn() -> None:
    """No chart without its figures."""
    assert list(drawings_of(Part({"roc": None, "calibration": [{"predicted": None}], "deciles": [{}]}), "")) == []
