import numpy as np
import pytest
from sklearn.cluster import KMeans, MiniBatchKMeans
from threadpoolctl import threadpool_limits

from tests.training.segmentations.visitors import answers, blobs, plane
from training.segmentations.centroids import COUNTS, LEAST_STABILITY, SMALLEST_SHARE, Choice, fit_centroids
from training.segmentations.population import CannotSegment


@pytest.mark.parametrize("count", [3, 4, 6])
def test_as_many_segments_as_blobs(count: int) -> None:
    """Where the truth is known and clear, the rule finds it, with segments in the order of their size.

    An adjusted Rand index of 0.8 would take one more than there are: to cut one blob in two by chance costs it little.
    """
    sizes = tuple(range(60, 60 + 10 * count, 10))
    features = blobs(sizes)
    head = fit_centroids("v", "", plane(features), features, seed=0)
    labels = head.assign(features)
    assert head.count == count
    assert np.bincount(labels).tolist() == sorted(sizes, reverse=True)
    assert labels[0] == count - 1  # the smallest blob came first


def test_the_rule_by_what_was_tried() -> None:
    """The chosen k is the largest that is stable and has no segment that is too small."""
    features = blobs((100, 90, 80, 70))
    head = fit_centroids("v", "", plane(features), features, seed=0)
    assert [int(one["k"]) for one in head.tried] == list(COUNTS)
    passing = [
        t["k"] for t in head.tried if t["stability"] >= LEAST_STABILITY and t["smallest_share"] >= SMALLEST_SHARE
    ]
    assert head.count == max(passing) == 4
    assert next(t for t in head.tried if t["k"] == 5)["adjusted_rand"] > 0.8


def test_no_stable_count() -> None:
    """Where no k is stable, as in plain noise, the most stable one is taken."""
    features = np.random.default_rng(3).normal(size=(150, 2)).astype(np.float32)
    head = fit_centroids("v", "", plane(features), features, seed=0)
    assert not [t for t in head.tried if t["stability"] >= LEAST_STABILITY and t["smallest_share"] >= SMALLEST_SHARE]
    assert head.count == max(head.tried, key=lambda t: t["stability"])["k"]


def test_stable_but_too_small() -> None:
    """A k with a segment below the smallest share is not taken, however stable."""
    features = blobs((100, 100, 100, 8))
    head = fit_centroids("v", "", plane(features), features, 0, Choice(counts=(3, 4)))
    three, four = head.tried
    assert three["stability"] > LEAST_STABILITY
    assert four["stability"] > LEAST_STABILITY
    assert four["smallest_share"] == pytest.approx(8 / 308)
    assert head.count == 3


def test_centroid_scores() -> None:
    """Distance is that of the nearest centre as scikit-learn measures it, margin how much farther the next one is."""
    features = blobs((60, 70, 80, 90))
    head = fit_centroids("v", "", plane(features), features, seed=0)
    rows = np.random.default_rng(1).uniform(-12, 12, (200, 2)).astype(np.float32)
    segment, distance, margin = head.scores(rows).T
    distances = head.model.transform(head.shaping.apply(rows))
    np.testing.assert_array_equal(segment, distances.argmin(axis=1))
    np.testing.assert_allclose(distance, distances.min(axis=1))
    np.testing.assert_allclose(distance + margin, np.sort(distances, axis=1)[:, 1])
    assert (margin >= 0).all()


def test_the_seed_decides_all() -> None:
    """The same seed gives the same centres, bit for bit."""
    features = blobs((60, 70, 80))
    one, other = (fit_centroids("v", "", plane(features), features, 5, Choice(counts=(3, 4))) for _ in range(2))
    np.testing.assert_array_equal(one.model.cluster_centers_, other.model.cluster_centers_)
    assert isinstance(one.model, KMeans)
    assert list(one.tried) == list(other.tried)


def test_segments_are_those_of_scikit_learn() -> None:
    """Every row is where KMeans itself predicts it, but for rows on a border."""
    features = blobs((60, 70, 80, 90))
    head = fit_centroids("v", "", plane(features), features, 0, Choice(counts=(4,)))
    rows = np.random.default_rng(1).uniform(-12, 12, (2000, 2)).astype(np.float32)
    is_sure = head.scores(rows)[:, 2] > 1e-5
    np.testing.assert_array_equal(head.assign(rows)[is_sure], head.model.predict(head.shaping.apply(rows))[is_sure])
    np.testing.assert_array_equal(answers(head, rows)[is_sure, 0], head.assign(rows)[is_sure])


def test_in_batches() -> None:
    """Mini-batches find blobs that are clear, by the same rule, and are served in the same way."""
    features = blobs((300, 260, 220, 180))
    head = fit_centroids("v", "", plane(features), features, 0, Choice(counts=(3, 4, 5), in_batches=True))
    assert isinstance(head.model, MiniBatchKMeans)
    assert np.bincount(head.assign(features)).tolist() == [300, 260, 220, 180]
    np.testing.assert_allclose(answers(head, features), head.scores(features), atol=1e-5)


def test_threads_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where four threads would give sums that differ in the last digit, the centres are the same bit for bit."""
    features = np.random.default_rng(0).normal(size=(3000, 2)).astype(np.float32)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")  # so that scikit-learn uses more threads than there are processors
    choice = Choice(counts=(6,), is_judged=False)
    with threadpool_limits(4):
        heads = [fit_centroids("v", "", plane(features), features, 0, choice) for _ in range(3)]
    assert len({head.model.cluster_centers_.tobytes() for head in heads}) == 1


def test_more_segments_than_rows_that_differ() -> None:
    """A range is cut to what the rows allow; where nothing of it is left, that is said."""
    features = np.repeat(blobs((1, 1, 1, 1)), 20, axis=0)
    assert fit_centroids("v", "", plane(features), features, 0).count == 4
    with pytest.raises(CannotSegment, match=r"^5 segments are asked for, and only 4 of the 80 rows differ; ask for"):
        fit_centroids("v", "", plane(features), features, 0, Choice(counts=(5, 6)))
