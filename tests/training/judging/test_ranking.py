import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import auc, average_precision_score, roc_auc_score, roc_curve

from training.judging.ranking import MOST_POINTS, Ranking, thinned

Rows = list[tuple[bool, int, int]]
ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 3)), min_size=2, max_size=60)


@settings(max_examples=40)
@given(ROWS.filter(lambda rows: len({hit for hit, _, weight in rows if weight}) == 2))
def test_areas_are_scikit_learns(rows: Rows) -> None:
    """Weighed and with ties, the areas are those of scikit-learn, which sorts anew for each."""
    actual, scores, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = Ranking.of(actual, scores).areas(weights)
    assert found == pytest.approx(
        {
            "roc_auc": roc_auc_score(actual, scores, sample_weight=weights),
            "average_precision": average_precision_score(actual, scores, sample_weight=weights),
        }
    )


def test_one_outcome_alone_has_no_area() -> None:
    """Where all have it, or nobody, there is no order to speak of."""
    ranking = Ranking.of(np.array([1.0, 0.0]), np.array([0.9, 0.1]))
    assert np.isnan(list(ranking.areas(np.array([1.0, 0.0])).values())).all()
    assert np.isnan(list(ranking.areas(np.array([0.0, 1.0])).values())).all()


@pytest.mark.parametrize("strength", [0.0, 1.0, 4.0])
def test_thinned_curves_keep_their_area(strength: float) -> None:
    """At most 200 points from corner to corner, with the area of all of them to a thousandth."""
    generator = np.random.default_rng(0)
    actual = (generator.random(20_000) < 0.15).astype(float)
    scores = generator.normal(size=20_000) + strength * actual
    ranking = Ranking.of(actual, scores)
    roc = ranking.roc()
    assert len(roc) <= MOST_POINTS
    assert roc[0].tolist() == [0, 0]
    assert roc[-1].tolist() == [1, 1]
    assert (np.diff(roc, axis=0) >= 0).all()
    assert auc(roc[:, 0], roc[:, 1]) == pytest.approx(roc_auc_score(actual, scores), abs=1e-3)
    curve = ranking.precision_recall()
    assert len(curve) <= MOST_POINTS
    assert auc(curve[:, 0], curve[:, 1]) == pytest.approx(average_precision_score(actual, scores), abs=2e-3)
    assert curve[-1].tolist() == [1, pytest.approx(actual.mean())]


def test_a_short_curve_stays_whole() -> None:
    """Few rows: the curve is scikit-learn's, point by point."""
    actual, scores = np.array([1.0, 0, 1, 0, 0]), np.array([0.9, 0.8, 0.8, 0.3, 0.1])
    false, true, _ = roc_curve(actual, scores, drop_intermediate=False)
    np.testing.assert_allclose(Ranking.of(actual, scores).roc(), np.column_stack([false, true]))
    assert len(thinned(np.zeros((3, 2)))) == 3
