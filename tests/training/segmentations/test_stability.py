import numpy as np
import pytest

from training.heads import NO_SEGMENT, Labels
from training.segmentations.stability import bootstrap_stability

LABELS = np.repeat([0, 1, 2], [50, 30, 20])


def test_found_again_each_time() -> None:
    """A method that gives the same segments whatever the sample is stable without a doubt, whatever it calls them."""
    stability = bootstrap_stability(LABELS, 3, lambda _: (LABELS + 1) % 3, seed=0)
    assert stability.jaccard.tolist() == [1, 1, 1]
    assert stability.adjusted_rand == 1
    assert stability.samples == 8


def test_two_segments_that_are_one() -> None:
    """A segment that is found only together with another has their overlap, by hand; the third is untouched."""
    stability = bootstrap_stability(LABELS, 3, lambda _: np.maximum(LABELS, 1) - 1, seed=0)
    np.testing.assert_allclose(stability.jaccard, [50 / 80, 30 / 80, 1])
    assert 0 < stability.adjusted_rand < 1


def test_nothing_found() -> None:
    """Where a sample gives no segments at all, none is found again."""
    stability = bootstrap_stability(LABELS, 3, lambda _: np.full(100, NO_SEGMENT), seed=0)
    assert stability.jaccard.tolist() == [0, 0, 0]
    assert stability.adjusted_rand == 0


def test_outliers_are_no_segment() -> None:
    """Visitors in no segment count for none, also when the sample finds a segment there."""
    with_outliers = np.where(LABELS == 2, NO_SEGMENT, LABELS)
    stability = bootstrap_stability(with_outliers, 2, lambda _: LABELS, seed=0)
    assert stability.jaccard.tolist() == [1, 1]
    assert stability.adjusted_rand == 1  # as a whole the two are the same


def test_samples_are_drawn_with_repetition() -> None:
    """Every sample has as many rows as there are, some of them several times, and other ones each time."""
    seen: list[Labels] = []

    def refit(sample: Labels) -> Labels:
        seen.append(sample)
        return LABELS

    bootstrap_stability(LABELS, 3, refit, seed=0, samples=3)
    assert [len(sample) for sample in seen] == [100] * 3
    assert all(len(np.unique(sample)) == pytest.approx(63, abs=12) for sample in seen)
    assert len({sample.tobytes() for sample in seen}) == 3
