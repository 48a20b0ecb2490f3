import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score

from tests.training.segmentations.visitors import answers, blobs, plane
from training.features import Features
from training.heads import Approximation, Group, Hierarchy
from training.segmentations import hierarchy
from training.segmentations.hierarchy import Tree, fit_tree
from training.segmentations.population import CannotSegment


def _nested() -> Features:
    """Four small groups in two pairs: 90 and 60 on the left, 50 and 40 on the right."""
    generator = np.random.default_rng(0)
    centres = np.repeat([[-9.0, 1], [-9, -1], [9, 1], [9, -1]], [90, 60, 50, 40], axis=0)
    return generator.normal(centres, 0.1).astype(np.float32)


def _fit(features: Features, levels: tuple[int, ...]) -> Tree:
    return fit_tree("h", "", plane(features), features, 0, levels)


def test_levels_are_nested() -> None:
    """Segments are the parts of the last level, largest first, and each knows the larger group that it is part of."""
    features = _nested()
    head = _fit(features, (2, 4))
    assert np.bincount(head.assign(features)).tolist() == [90, 60, 50, 40]
    assert list(head.groups) == [Group(2, None), Group(2, None)]
    assert list(head.parents) == [0, 0, 1, 1]
    assert head.fidelity == 1
    assert isinstance(head, Hierarchy)
    assert isinstance(head, Approximation)


def test_three_levels() -> None:
    """Groups of a middle level have parents of their own, and segments point to the middle level."""
    features = _nested()
    head = _fit(features, (2, 3, 4))
    assert [group.level for group in head.groups] == [2, 2, 3, 3, 3]
    left, right = [[i for i, group in enumerate(head.groups) if group.parent == side] for side in (0, 1)]
    assert sorted([len(left), len(right)]) == [1, 2]
    assert [head.groups[parent].parent for parent in head.parents] == [0, 0, 1, 1]


def test_one_level() -> None:
    """A hierarchy of one level is a segmentation without groups."""
    head = _fit(_nested(), (4,))
    assert (list(head.groups), list(head.parents)) == ([], [])


def test_cuts_are_those_of_scikit_learn() -> None:
    """Every level is what scikit-learn's own Ward clustering gives for as many groups, also where nothing is clear."""
    features = np.random.default_rng(2).uniform(-1, 1, (300, 2)).astype(np.float32)
    shaping = plane(features)
    head = fit_tree("h", "", shaping, features, 0, (3, 8))
    coarse, labels = (AgglomerativeClustering(k).fit_predict(shaping.apply(features)) for k in (3, 8))
    smallest = [np.bincount(cut).min() / 300 for cut in (coarse, labels)]
    assert [judged["smallest_share"] for judged in head.tried] == smallest
    centres = [shaping.apply(features)[labels == i].mean(axis=0) for i in range(8)]
    assert {tuple(np.round(c, 9)) for c in centres} == {tuple(np.round(c, 9)) for c in head.assigner.centres}
    served = head.assign(features)
    assert 0.7 < head.fidelity < 1  # the nearest centre is not the tree
    assert adjusted_rand_score(labels, served) < 1


def test_graph() -> None:
    """The graph names the same segments, and so the same groups."""
    features = _nested()
    head = _fit(features, (2, 4))
    np.testing.assert_allclose(answers(head, features), head.scores(features), atol=1e-5)


def test_a_sample_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many visitors some are fitted, chosen by the seed, and all are put into segments."""
    monkeypatch.setattr(hierarchy, "_FITTED_ROWS", 80)
    features = _nested()
    head = _fit(features, (2, 4))
    assert np.bincount(head.assign(features)).tolist() == [90, 60, 50, 40]
    assert _fit(features, (2, 4)).assigner.centres.tobytes() == head.assigner.centres.tobytes()


def test_fewer_rows_that_differ_than_segments() -> None:
    """Copies of three visitors cannot be eight segments."""
    features = np.repeat(blobs((1, 1, 1)), 20, axis=0)
    with pytest.raises(CannotSegment, match=r"^8 segments are asked for, and only 3 of the 60 rows differ"):
        _fit(features, (3, 8))
    assert np.bincount(_fit(features, (2, 3)).assign(features)).tolist() == [20, 20, 20]


def test_as_many_segments_as_rows() -> None:
    """Where each visitor is to be a segment, each is one, in two groups."""
    features = np.array([[0, 0], [0, 1], [9, 9]], dtype=np.float32)
    head = _fit(features, (2, 3))
    assert sorted(head.assign(features).tolist()) == [0, 1, 2]
    assert [head.parents[segment] for segment in head.assign(features)] == [0, 0, 1]
