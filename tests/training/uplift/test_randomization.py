import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from tests.training.campaigns import SPECS, visitors
from training.uplift.randomization import REFUSE, WARN, check_balance, check_ratio, differences


@given(st.integers(30, 3000), st.floats(0.1, 0.9), st.integers(0, 100))
def test_ratio(total: int, share: float, percent: int) -> None:
    """A ratio is refused when it is far from what was said, and accepted where the exact test sees nothing at all."""
    count = total * percent // 100
    finding = check_ratio(np.arange(total) < count, share)
    exact = 2 * min(binom.cdf(count, total, share), binom.sf(count - 1, total, share))
    if exact > 0.05:
        assert finding is None
    if exact < 1e-9:
        assert finding is not None
        assert (finding.check, finding.severity) == ("ratio", REFUSE)


def test_ratio_in_words() -> None:
    """The sentence says how many were treated, and how many were to be."""
    finding = check_ratio(np.arange(1000) < 600, 0.5)
    assert finding is not None
    assert finding.text.startswith("600 of 1000 were treated, where 50.0% were to be; chance does that in one of ")


def test_differences_by_hand() -> None:
    """Means apart, in standard deviations of both sides; of a category the word that differs most."""
    features = np.array([[1, 7, 0], [3, 7, 1], [5, 7, 0], [7, 7, 2]], dtype=np.float32)
    treated = np.array([False, False, True, True])
    found = differences(treated, features, SPECS)
    assert found[0] == pytest.approx(4 / 1)
    assert found[1] == 0
    assert abs(found[2]) == pytest.approx(0.5 / np.sqrt((0.25 + 0) / 2))


def test_random_treatment_is_balanced() -> None:
    """A coin leaves no feature out of balance, also where few visitors differ by chance alone."""
    for count in (60, 400, 4000):
        sample = visitors(count, count)
        treated = np.random.default_rng(count).random(count) < 0.5
        assert check_balance(treated, sample.features, SPECS) == []


@pytest.mark.parametrize(("shift", "severity"), [(0.15, WARN), (0.6, REFUSE)])
def test_chosen_treatment_is_found(shift: float, severity: str) -> None:
    """Who treats whom they like is found out by the feature that they went by: a little warns, much forbids."""
    sample = visitors(8000, 1)
    treated = np.random.default_rng(2).random(8000) < 0.5
    features = sample.features.copy()
    features[treated, 1] += shift
    (finding,) = check_balance(treated, features, SPECS)
    assert (finding.feature, finding.severity) == ("y", severity)
    assert finding.figure == pytest.approx(shift, abs=0.06)


def test_one_side_has_a_value_of_its_own() -> None:
    """A feature that is one number for the treated and another for the rest is refused, though it never varies."""
    treated = np.arange(200) < 100
    (finding,) = check_balance(treated, np.where(treated, 1, 0).astype(np.float32)[:, None], SPECS[:1])
    assert finding.severity == REFUSE
