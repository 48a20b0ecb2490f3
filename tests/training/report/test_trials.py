from training.report.part import Part
from training.report.trials import trials_of


def test_a_curve_for_each_figure() -> None:
    """Each figure that at least two settings reached has a curve; the setting itself has none."""
    part = Part(
        {"count": 3, "tried": [{"k": 2, "bic": 9.0, "stability": 0.9}, {"k": 3, "bic": 7.0}, {"k": 4, "bic": None}]}
    )
    (bic,) = trials_of(part)
    assert bic.title == "BIC"
    assert "chosen: 3" in bic.picture
    assert bic.reading == "The lowest point balances fit and size."


def test_other_settings_than_a_count() -> None:
    """Where a distance was tried, it is the axis, and what was chosen is marked by the trial itself."""
    part = Part(
        {"count": 5, "tried": [{"eps": 0.5, "silhouette": 0.1}, {"eps": 0.7, "silhouette": 0.2, "chosen": True}]}
    )
    (drawing,) = trials_of(part)
    assert "chosen: 0.7" in drawing.picture


def test_nothing_tried() -> None:
    """A method that chooses nothing has no curves."""
    assert trials_of(Part({"tried": []})) == []
    assert trials_of(Part({"tried": [{"k": 3, "bic": 1.0}]})) == []
