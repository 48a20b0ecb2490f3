from collections.abc import Callable

import numpy as np
import pytest
from sklearn.cluster import DBSCAN, HDBSCAN

from tests.training.segmentations.visitors import answers, blobs, plane, sessions
from training.features import Features
from training.heads import NO_SEGMENT, Approximation
from training.segmentations import density
from training.segmentations.density import Dense, Density, fit_dbscan, fit_hdbscan, knee
from training.segmentations.population import CannotSegment
from training.segmentations.shaping import Shaping

Fit = Callable[[str, str, Shaping, Features, int, Density], Dense]
FITS = pytest.mark.parametrize("fit", [fit_dbscan, fit_hdbscan])


def _with_outliers() -> Features:
    """Three blobs of 120, 100 and 80, and four visitors far from them all and from each other."""
    far = np.array([[30, 30], [-30, 30], [30, -30], [-30, -30]], dtype=np.float32)
    return np.concatenate([blobs((80, 100, 120)), far])


@FITS
def test_blobs_and_outliers(fit: Fit) -> None:
    """What is dense is a segment, the largest first, and who is far from all is in none; all found from the data."""
    features = _with_outliers()
    head = fit("d", "", plane(features), features, 0, Density())
    labels = head.assign(features)
    assert labels[-4:].tolist() == [NO_SEGMENT] * 4
    assert (labels[:80] == 2).mean() > 0.95
    assert (labels[80:180] == 1).mean() > 0.95
    assert (labels[180:300] == 0).mean() > 0.95
    assert head.count == 3
    assert head.fidelity > 0.95
    assert isinstance(head, Approximation)


@FITS
def test_graph(fit: Fit) -> None:
    """The graph gives the same segments, none for outliers, and distance and margin for all."""
    features = _with_outliers()
    head = fit("d", "", plane(features), features, 0, Density())
    expected = head.scores(features)
    sure = expected[:, 2] > 1e-5
    assert (expected[-4:, 1:] > 0).all()
    np.testing.assert_allclose(answers(head, features)[sure], expected[sure], atol=1e-5)


def test_dbscan_by_definition() -> None:
    """With all core samples there, who is in a segment is exactly who DBSCAN put there, border rows of two aside."""
    features = np.random.default_rng(0).normal(size=(600, 2)).astype(np.float32)
    shaping = plane(features)
    head = fit_dbscan("d", "", shaping, features, 0, Density(eps=0.2, min_samples=8, smallest_share=0))
    model = DBSCAN(eps=0.2, min_samples=8).fit(shaping.apply(features))
    labels = head.assign(features)
    np.testing.assert_array_equal(labels == NO_SEGMENT, model.labels_ == -1)
    core = model.core_sample_indices_
    pairs = set(zip(labels[core].tolist(), model.labels_[core].tolist(), strict=True))
    assert len(pairs) == head.count == model.labels_.max() + 1
    assert head.tried[0]["centres"] == len(np.unique(shaping.apply(features)[core], axis=0))
    assert head.fidelity > 0.99


def test_fidelity_holds_for_rows_that_were_not_seen() -> None:
    """What a head says of its own fidelity is what it reaches on rows that it was not made from.

    HDBSCAN of 3,000 real sessions, served by representatives of one half of them, and asked about the other half.
    """
    real = sessions()
    features = real.features[:3000]
    shaping = Shaping.fit(features, real.specs, ["ProductRelated_Duration", "ExitRates"])
    shaped = shaping.apply(features)
    model = HDBSCAN(min_cluster_size=30, min_samples=10, copy=True).fit(shaped)
    labels = density._large(model.labels_, 0.01)  # noqa: SLF001  # as the fit does
    members = np.flatnonzero(labels[:1500] >= 0)
    head = density._served("d", "", shaping, shaped[:1500], labels[:1500], members, {})  # noqa: SLF001  # of one half
    unseen = float((head.assign(features[1500:]) == labels[1500:]).mean())
    assert unseen == pytest.approx(head.fidelity, abs=0.03)
    assert unseen > 0.85


@FITS
def test_thinned(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """With far fewer representatives than members, nearly every visitor is still put where the fit put them."""
    features = _with_outliers()
    monkeypatch.setattr(density, "MOST_CENTRES", 30)
    head = fit("d", "", plane(features), features, 0, Density())
    assert len(head.assigner.centres) == 30
    assert head.tried[0]["centres"] == 30
    assert head.fidelity > 0.95


@FITS
def test_all_outliers(fit: Fit) -> None:
    """Where nothing is dense, that is said, with what to change."""
    features = np.random.default_rng(0).uniform(size=(40, 2)).astype(np.float32)
    with pytest.raises(CannotSegment, match=r"finds no segments? .*of the 40 rows, all are outliers; .*lower"):
        fit("d", "", plane(features), features, 0, Density(eps=0.001, min_samples=5, smallest_share=0.9))


def test_few_rows() -> None:
    """Three visitors, two of them near each other, are a segment and an outlier, or a sentence."""
    features = np.array([[0, 0], [0, 1], [5, 5]], dtype=np.float32)
    head = fit_dbscan("d", "", plane(features), features, 0, Density(min_samples=2))
    assert head.assign(features).tolist() == [0, 0, NO_SEGMENT]
    with pytest.raises(CannotSegment, match=r"^hdbscan .* finds no segments of at least 2 of the 3 rows"):
        fit_hdbscan("d", "", plane(features), features, 0, Density(min_samples=2))
    with pytest.raises(CannotSegment, match="at least 2 of the 1 rows"):
        fit_hdbscan("d", "", plane(features), features[:1], 0, Density())


@FITS
def test_copies(fit: Fit) -> None:
    """Many copies of a few visitors are segments when eps is given: each place is one, served exactly."""
    features = np.repeat(blobs((1, 1, 1)), 30, axis=0)
    head = fit("d", "", plane(features), features, 0, Density(eps=0.5, min_samples=4))
    assert np.bincount(head.assign(features)).tolist() == [30, 30, 30]
    assert answers(head, features)[:, 0].tolist() == head.assign(features).tolist()


def test_copies_give_no_eps() -> None:
    """Where all rows have enough copies of themselves, no eps can be found, and that is said."""
    features = np.repeat(blobs((1, 1, 1)), 30, axis=0)
    with pytest.raises(CannotSegment, match=r"^eps cannot be found: every row is one of 4 or more that are the same"):
        fit_dbscan("d", "", plane(features), features, 0, Density())


def test_smallest_share() -> None:
    """A dense place with fewer visitors than wanted is no segment: they are outliers."""
    features = blobs((100, 90, 10))
    head = fit_dbscan("d", "", plane(features), features, 0, Density(eps=0.5, min_samples=4, smallest_share=0.1))
    assert head.count == 2
    assert head.assign(features)[-10:].tolist() == [NO_SEGMENT] * 10
    assert head.tried[0]["outlier_share"] == 0.05


def test_too_many_segments() -> None:
    """Hundreds of dense places are refused: nobody could tell such segments apart, and a row would wait for them."""
    features = np.repeat(np.random.default_rng(0).uniform(-9, 9, (120, 2)).astype(np.float32), 4, axis=0)
    with pytest.raises(
        CannotSegment, match=r"^there are 120 dense places, and a segmentation has at most 100 segments"
    ):
        fit_dbscan("d", "", plane(features), features, 0, Density(eps=0.001, min_samples=4, smallest_share=0))


def test_knee_by_hand() -> None:
    """The knee is the last value before a curve turns up; a level curve has it anywhere, at its only value."""
    assert knee(np.array([1.0, 1.1, 1.2, 1.3, 9.0])) == 1.3
    assert knee(np.array([2.0, 2.0])) == 2


def test_a_sample_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many visitors some are fitted, chosen by the seed, and all are put into segments or none."""
    monkeypatch.setattr(density, "_FITTED_ROWS", 150)
    features = _with_outliers()
    one, other = (fit_dbscan("d", "", plane(features), features, 3, Density()) for _ in range(2))
    assert one.tried[0]["rows"] == 150
    assert one.count == 3
    assert one.assigner.centres.tobytes() == other.assigner.centres.tobytes()
