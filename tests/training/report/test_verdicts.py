import pytest

from training.export import parity
from training.report.verdicts import FAIR, GOOD, PARITY_TOLERANCE, POOR, UNKNOWN, drift, fairness, gate, stability


@pytest.mark.parametrize(
    ("jaccard", "text", "grade"),
    [
        (None, "stability not known", UNKNOWN),
        (0.0, "do not trust", POOR),
        (0.599, "do not trust", POOR),
        (0.6, "pattern", FAIR),
        (0.749, "pattern", FAIR),
        (0.75, "valid", GOOD),
        (0.849, "valid", GOOD),
        (0.85, "highly stable", GOOD),
        (1.0, "highly stable", GOOD),
    ],
)
def test_stability_has_hennigs_thresholds(jaccard: float | None, text: str, grade: str) -> None:
    """0.6, 0.75 and 0.85 each belong to the better word."""
    assert (stability(jaccard).text, stability(jaccard).grade) == (text, grade)


@pytest.mark.parametrize(("psi", "grade"), [(0.09, GOOD), (0.1, FAIR), (0.24, FAIR), (0.25, POOR), (None, UNKNOWN)])
def test_drift(psi: float | None, grade: str) -> None:
    """Steady below 0.1, moved from 0.25 on."""
    assert drift(psi).grade == grade


@pytest.mark.parametrize(("ratio", "grade"), [(0.8, GOOD), (0.79, POOR), (None, UNKNOWN)])
def test_fairness(ratio: float | None, grade: str) -> None:
    """Four fifths are enough."""
    assert fairness(ratio).grade == grade


@pytest.mark.parametrize(("holds", "grade"), [(True, GOOD), (False, POOR), (None, UNKNOWN)])
def test_gates(holds: bool | None, grade: str) -> None:  # noqa: FBT001  # the case
    """What was not judged neither holds nor fails."""
    assert gate(holds).grade == grade


def test_the_tolerance_is_that_of_the_proof() -> None:
    """The page speaks of the tolerance by which versions are really refused."""
    assert PARITY_TOLERANCE == parity.ABSOLUTE_TOLERANCE == parity.RELATIVE_TOLERANCE
