import numpy as np
import pytest

from tests.benchmarks.cost import Loaded, refusal_s
from tests.benchmarks.outcome import Outcome


def loaded(ok_count: int, refused_count: int, cpu_s: float) -> Loaded:
    """A load with so many answers and refusals that took the server so long."""
    counts = {"OK": ok_count, "RESOURCE_EXHAUSTED": refused_count}
    return Loaded(Outcome(1.0, counts, np.ones(ok_count), np.ones(ok_count, np.bool_), 0.0, 0.5), cpu_s)


def test_cost_of_a_refusal_is_told_from_that_of_a_score() -> None:
    """Loads with different shares of refusals say what each of the two costs."""
    loads = [loaded(100, 0, 1.0), loaded(100, 50, 1.1), loaded(80, 150, 1.1)]

    assert refusal_s(loads) == pytest.approx(0.002)


def test_cost_of_hardly_any_refusals_is_not_known() -> None:
    """Noise divided by a handful would look like a measurement."""
    assert refusal_s([loaded(100, 0, 1.0), loaded(100, 1, 1.3)]) is None
