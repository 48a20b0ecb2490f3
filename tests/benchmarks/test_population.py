import numpy as np

from tests.benchmarks.population import BUYS_SHARE, CHURNS_SHARE, draw, specs


def test_the_same_visitors_are_drawn_again() -> None:
    """Whoever measures, measures the same graph; another seed gives other visitors."""
    first, again, other = draw(500), draw(500), draw(500, seed=1)

    np.testing.assert_array_equal(first.features, again.features)
    assert not np.array_equal(first.features, other.features)


def test_features_are_forty_and_possible() -> None:
    """Every value is finite, within its feature's range, and windows hold the shorter ones."""
    features, names = draw(2000).features, [spec.name for spec in specs()]

    assert features.shape == (2000, 40)
    assert np.isfinite(features).all()
    for column, spec in zip(features.T, specs(), strict=True):
        assert column.min() >= 0
        assert spec.maximum is None or column.max() <= spec.maximum
    assert (features[:, names.index("visits_7d")] <= features[:, names.index("visits_28d")]).all()


def test_features_look_like_a_shop_s() -> None:
    """Most visitors bought nothing this week, a few bought much, and nearly no two rows are the same."""
    population = draw(5000)
    spend = population.features[:, [spec.name for spec in specs()].index("spend_364d")]

    assert (population.features == 0).mean() > 0.2
    assert spend.mean() > 2 * np.median(spend)
    assert len(np.unique(population.features, axis=0)) > 4900


def test_outcomes_have_realistic_rates() -> None:
    """One in ten buys, one in four stays away."""
    population = draw(5000)

    assert abs(population.buys.mean() - BUYS_SHARE) < 0.01
    assert abs(population.churns.mean() - CHURNS_SHARE) < 0.01
