import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from training.features import Features, FeatureSpec
from training.segmentations import centroids, mixture
from training.segmentations.centroids import COUNTS, LEAST_STABILITY, SMALLEST_SHARE, fit_centroids
from training.segmentations.mixture import fit_mixture
from training.segmentations.shaping import CLIP_SD, Shaping

SPECS = (
    FeatureSpec(name="x", description="x", minimum=None),
    FeatureSpec(name="y", description="y", minimum=None),
    FeatureSpec(name="money", description="money", is_skewed=True),
)


def _blobs(sizes: tuple[int, ...], seed: int = 0) -> Features:
    """Blobs far apart on a circle, one for each size."""
    generator = np.random.default_rng(seed)
    angles = 2 * np.pi * np.arange(len(sizes)) / len(sizes)
    centres = 10 * np.column_stack([np.cos(angles), np.sin(angles)])
    points = [generator.normal(centre, 0.3, (size, 2)) for centre, size in zip(centres, sizes, strict=True)]
    return np.concatenate(points).astype(np.float32)


def _plane(features: Features) -> Shaping:
    return Shaping.fit(features, SPECS[:2], ["x", "y"])


def test_shaping_by_hand() -> None:
    """Skewed features are taken as log(1 + x), then all are standardised and clipped; absent names are left out."""
    features = np.array([[1, 7, 0], [3, 7, np.e - 1], [5, 7, np.e**2 - 1]], dtype=np.float32)
    shaping = Shaping.fit(features, SPECS, ["money", "x", "absent"])
    assert shaping.columns.tolist() == [0, 2]
    assert shaping.is_skewed.tolist() == [False, True]
    np.testing.assert_allclose(shaping.mean, [3, 1], rtol=1e-6)
    np.testing.assert_allclose(shaping.scale, [np.sqrt(8 / 3), np.sqrt(2 / 3)], rtol=1e-6)
    expected = [[-np.sqrt(1.5), -np.sqrt(1.5)], [0, 0], [np.sqrt(1.5), np.sqrt(1.5)]]
    np.testing.assert_allclose(shaping.apply(features), expected, atol=1e-6)


def test_constant_feature_shapes_to_zero() -> None:
    """A feature without any variation says nothing, and is no division by zero."""
    shaping = Shaping.fit(np.full((5, 2), 7, dtype=np.float32), SPECS[:2], ["x", "y"])
    assert shaping.scale.tolist() == [1, 1]
    assert shaping.apply(np.array([[7, 8]], dtype=np.float32)).tolist() == [[0, 1]]


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=30), st.floats(0, 1e6, width=32))
def test_shaping_can_be_undone(values: list[float], money: float) -> None:
    """Within the clipping, shaping loses nothing: mean + scale * shaped is the value, or its logarithm."""
    features = np.array([[value, 0, money] for value in values], dtype=np.float32)
    shaping = Shaping.fit(features, SPECS, ["x", "money"])
    shaped = shaping.apply(features)
    assert np.abs(shaped).max() <= CLIP_SD
    undone = shaping.mean + shaping.scale * shaped
    inside = np.abs(shaped[:, 0]) < CLIP_SD
    np.testing.assert_allclose(undone[inside, 0], features[inside, 0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(np.expm1(undone[:, 1]), features[:, 2], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("count", [3, 4, 6])
def test_as_many_segments_as_blobs(count: int) -> None:
    """Where the truth is known and clear, the rule finds it, with segments in the order of their size.

    An adjusted Rand index of 0.8 would take one more than there are: to cut one blob in two by chance costs it little.
    """
    sizes = tuple(range(60, 60 + 10 * count, 10))
    features = _blobs(sizes)
    head = fit_centroids("v", "", _plane(features), features, seed=0)
    labels = head.assign(features)
    assert head.count == count
    assert np.bincount(labels).tolist() == sorted(sizes, reverse=True)
    assert labels[0] == count - 1  # the smallest blob came first


def test_the_rule_by_what_was_tried() -> None:
    """The chosen k is the largest that is stable and has no segment that is too small."""
    features = _blobs((100, 90, 80, 70))
    head = fit_centroids("v", "", _plane(features), features, seed=0)
    assert [int(one["k"]) for one in head.tried] == list(COUNTS)
    passing = [
        t["k"] for t in head.tried if t["stability"] >= LEAST_STABILITY and t["smallest_share"] >= SMALLEST_SHARE
    ]
    assert head.count == max(passing) == 4
    assert next(t for t in head.tried if t["k"] == 5)["adjusted_rand"] > 0.8


def test_no_stable_count() -> None:
    """Where no k is stable, as in plain noise, the most stable one is taken."""
    features = np.random.default_rng(3).normal(size=(150, 2)).astype(np.float32)
    head = fit_centroids("v", "", _plane(features), features, seed=0)
    assert not [t for t in head.tried if t["stability"] >= LEAST_STABILITY and t["smallest_share"] >= SMALLEST_SHARE]
    assert head.count == max(head.tried, key=lambda t: t["stability"])["k"]


def test_stable_but_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A k with a segment below the smallest share is not taken, however stable."""
    features = _blobs((100, 100, 100, 8))
    monkeypatch.setattr(centroids, "COUNTS", (3, 4))
    head = fit_centroids("v", "", _plane(features), features, seed=0)
    three, four = head.tried
    assert three["stability"] > LEAST_STABILITY
    assert four["stability"] > LEAST_STABILITY
    assert four["smallest_share"] == pytest.approx(8 / 308)
    assert head.count == 3


def test_centroid_scores() -> None:
    """Distance is that of the nearest centre as scikit-learn measures it, margin how much farther the next one is."""
    features = _blobs((60, 70, 80, 90))
    head = fit_centroids("v", "", _plane(features), features, seed=0)
    rows = np.random.default_rng(1).uniform(-12, 12, (200, 2)).astype(np.float32)
    segment, distance, margin = head.scores(rows).T
    distances = head.model.transform(head.shaping.apply(rows))
    np.testing.assert_array_equal(segment, distances.argmin(axis=1))
    np.testing.assert_allclose(distance, distances.min(axis=1))
    np.testing.assert_allclose(distance + margin, np.sort(distances, axis=1)[:, 1])
    assert (margin >= 0).all()


@pytest.mark.parametrize("count", [3, 5])
def test_mixture_by_information_criterion(count: int) -> None:
    """The number of components has the lowest criterion, is right where it is clear, and segments go by size."""
    sizes = tuple(range(80, 80 + 10 * count, 10))
    features = _blobs(sizes)
    head = fit_mixture("s", "", _plane(features), features, seed=0)
    assert head.count == min(head.tried, key=lambda t: t["bic"])["k"]
    assert head.count == count
    assert np.bincount(head.assign(features)).tolist() == sorted(sizes, reverse=True)


def test_mixture_scores() -> None:
    """Memberships sum to 1, the segment has the largest, and the margin is its lead over the next."""
    features = _blobs((60, 70, 80))
    head = fit_mixture("s", "", _plane(features), features, seed=0)
    rows = np.random.default_rng(1).uniform(-12, 12, (200, 2)).astype(np.float32)
    scores = head.scores(rows)
    segment, margin, memberships = scores[:, 0], scores[:, 1], scores[:, 2:]
    np.testing.assert_allclose(memberships.sum(axis=1), 1)
    np.testing.assert_array_equal(segment, memberships.argmax(axis=1))
    np.testing.assert_allclose(margin, np.sort(memberships, axis=1)[:, -1] - np.sort(memberships, axis=1)[:, -2])
    assert memberships.shape == (200, head.count)
    assert (margin >= 0).all()


def test_reordered_mixture_is_the_same_mixture() -> None:
    """Putting components in the order of size permutes the memberships and changes none."""
    features = _blobs((60, 70, 80))
    shaping = _plane(features)
    head = fit_mixture("s", "", shaping, features, seed=0)
    plain = mixture._fit(head.count, shaping.apply(features), 0)  # noqa: SLF001  # before the ordering
    one = np.sort(plain.predict_proba(shaping.apply(features)), axis=1)
    np.testing.assert_allclose(np.sort(head.scores(features)[:, 2:], axis=1), one, atol=1e-12)


def test_the_seed_decides_all() -> None:
    """The same seed gives the same centres, bit for bit."""
    features = _blobs((60, 70, 80))
    one, other = (fit_centroids("v", "", _plane(features), features, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.model.cluster_centers_, other.model.cluster_centers_)
    assert isinstance(one.model, KMeans)
    assert list(one.tried) == list(other.tried)
