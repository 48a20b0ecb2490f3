import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from training.segmentations.thinning import thin

SEEDS = st.integers(0, 10_000)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=30))
def test_few_points_are_all_kept(given_points: list[tuple[int, int]]) -> None:
    """Where no more points differ than are wanted, each is there once; the same point of two segments is two."""
    segments, places = np.array(given_points).T
    chosen = thin(places[:, None].astype(float), segments, 12)
    kept = list(zip(segments[chosen].tolist(), places[chosen].tolist(), strict=True))
    assert sorted(kept) == sorted(set(given_points))
    assert (np.diff(chosen) > 0).all()


@given(seed=SEEDS, most=st.integers(3, 20))
def test_as_many_as_wanted_from_every_segment(seed: int, most: int) -> None:
    """Of many points exactly so many are chosen, none twice, and some of each segment."""
    generator = np.random.default_rng(seed)
    points, segments = generator.normal(size=(60, 2)), np.arange(60) % 3
    chosen = thin(points, segments, most)
    assert len(set(chosen.tolist())) == most
    assert set(segments[chosen].tolist()) == {0, 1, 2}


@given(seed=SEEDS)
def test_points_stand_for_all(seed: int) -> None:
    """No point is farther from the chosen ones than twice what the best choice of as many could reach (Gonzalez 1985).

    Every choice of 4 leaves two of these 5 points to the same chosen one, so it reaches at least half of the smallest
    distance among them; and whatever is chosen reaches no less for all points.
    """
    points = np.random.default_rng(seed).uniform(size=(40, 2))
    chosen = thin(points, np.zeros(40, dtype=np.int64), 4)
    reach = cdist(points, points[chosen]).min(axis=1)
    five = points[[*chosen, int(reach.argmax())]]
    smallest = cdist(five, five)[~np.eye(5, dtype=bool)].min()
    assert reach.max() <= 2 * (smallest / 2) + 1e-9


def test_each_segment_is_covered_by_its_own() -> None:
    """A chosen point of another segment at the same place does not stand for a point."""
    points = np.array([[0.0], [0], [10], [10], [11]])
    segments = np.array([0, 1, 0, 1, 1])
    assert thin(points, segments, 4).tolist() == [0, 1, 2, 3] or thin(points, segments, 4).tolist() == [0, 1, 2, 4]
