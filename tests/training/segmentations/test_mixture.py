import numpy as np
import pytest

from tests.training.segmentations.visitors import answers, blobs, plane
from training.segmentations import mixture
from training.segmentations.mixture import fit_mixture
from training.segmentations.population import CannotSegment


@pytest.mark.parametrize("count", [3, 5])
def test_mixture_by_information_criterion(count: int) -> None:
    """The number of components has the lowest criterion, is right where it is clear, and segments go by size."""
    sizes = tuple(range(80, 80 + 10 * count, 10))
    features = blobs(sizes)
    head = fit_mixture("s", "", plane(features), features, seed=0)
    assert head.count == min(head.tried, key=lambda t: t["bic"])["k"]
    assert head.count == count
    assert np.bincount(head.assign(features)).tolist() == sorted(sizes, reverse=True)


def test_mixture_scores() -> None:
    """Memberships sum to 1, the segment has the largest, and the margin is its lead over the next."""
    features = blobs((60, 70, 80))
    head = fit_mixture("s", "", plane(features), features, seed=0)
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
    features = blobs((60, 70, 80))
    shaping = plane(features)
    head = fit_mixture("s", "", shaping, features, seed=0)
    plain = mixture._fit(head.count, shaping.apply(features), 0)  # noqa: SLF001  # before the ordering
    one = np.sort(plain.predict_proba(shaping.apply(features)), axis=1)
    np.testing.assert_allclose(np.sort(head.scores(features)[:, 2:], axis=1), one, atol=1e-12)


def test_one_component() -> None:
    """With one segment alone everybody is in it, and there is no border and so no margin."""
    features = blobs((60, 70))
    head = fit_mixture("s", "", plane(features), features, 0, counts=(1,))
    assert [count for _, count in head.columns] == [1, 1]
    assert head.scores(features).tolist() == [[0, 1]] * 130
    assert answers(head, features).tolist() == [[0, 1]] * 130


def test_more_components_than_rows_that_differ() -> None:
    """Fewer different rows than components are refused in a sentence."""
    features = np.repeat(blobs((1, 1, 1)), 20, axis=0)
    with pytest.raises(CannotSegment, match=r"^4 segments are asked for, and only 3 of the 60 rows differ"):
        fit_mixture("s", "", plane(features), features, 0, counts=(4, 5))
