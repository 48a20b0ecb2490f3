import numpy as np
import numpy.typing as npt
import pytest
from sklearn.cluster import KMeans

from training.heads import NO_SEGMENT, Labels
from training.judging.stability import stability
from training.segmentations.stability import Refit


def _refit(points: npt.NDArray[np.float64], count: int) -> Refit:
    def refit(rows: Labels) -> Labels:
        found: Labels = KMeans(count, n_init=3, random_state=0).fit(points[rows]).predict(points).astype(np.int64)
        return found

    return refit


def test_clear_groups_are_found_again_and_halves_of_one_are_not() -> None:
    """Three groups far apart are stable; four segments, of which two cut one in halves, are not."""
    generator = np.random.default_rng(0)
    points = np.concatenate([generator.normal(centre, 1, (100, 2)) for centre in (0, 20, 40)])
    three = stability(np.repeat([0, 1, 2], 100), 3, _refit(points, 3), 5, 0)
    assert three == {"adjusted_rand": 1, "jaccard": [1, 1, 1], "samples": 5}
    four = KMeans(4, n_init=3, random_state=1).fit_predict(points).astype(np.int64)
    found = stability(four, 4, _refit(points, 4), 8, 0)
    assert min(found["jaccard"]) < 0.75
    assert found["adjusted_rand"] < 1


def test_by_hand() -> None:
    """A refit that moves one row of four, and loses one: overlaps 2/3 and 1/4."""
    found = stability(np.array([0, 0, 1, 1]), 2, lambda _: np.array([0, 0, 0, NO_SEGMENT]), 3, 0)
    assert found["jaccard"] == pytest.approx([2 / 3, 1 / 4])
    nobody = stability(np.array([0, 0, NO_SEGMENT]), 2, lambda _: np.full(3, NO_SEGMENT), 2, 0)
    assert nobody["jaccard"] == [0, None]


def test_samples_are_bootstraps() -> None:
    """Each is as many rows as there are, some of them more than once, and another one each time."""
    seen: list[tuple[int, ...]] = []

    def refit(rows: Labels) -> Labels:
        seen.append(tuple(rows.tolist()))
        return np.zeros(50, dtype=np.int64)

    stability(np.zeros(50, dtype=np.int64), 1, refit, 4, 0)
    assert len(set(seen)) == 4
    assert all(len(rows) == 50 and len(set(rows)) < 50 and max(rows) < 50 for rows in seen)
