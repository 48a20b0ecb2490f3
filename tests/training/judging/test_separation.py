import numpy as np
import pytest
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_samples, silhouette_score

from training.features import FeatureSpec
from training.judging.separation import separation
from training.segmentations.shaping import Shaping

SPECS = [FeatureSpec(name=name, description=name, minimum=None) for name in ("x", "y")]


def test_figures_are_scikit_learns_of_shaped_features() -> None:
    """In the features as the segmentation shapes them, of those who are in a segment."""
    generator = np.random.default_rng(0)
    features = np.concatenate([generator.normal(c, 1, (60, 2)) for c in (0, 5, 9)]).astype(np.float32)
    features[:, 1] *= 100
    labels = np.repeat([0, 1, 2], 60)
    labels[:5] = -1
    shaping = Shaping.fit(features, SPECS, ["x", "y"])
    found = separation(features, labels, shaping, 3, 0)
    shaped, own = shaping.apply(features)[5:], labels[5:]
    assert found["silhouette"] == pytest.approx(silhouette_score(shaped, own))
    assert found["davies_bouldin"] == pytest.approx(davies_bouldin_score(shaped, own))
    assert found["calinski_harabasz"] == pytest.approx(calinski_harabasz_score(shaped, own))
    each = silhouette_samples(shaped, own)
    assert found["silhouettes"] == pytest.approx([each[own == position].mean() for position in range(3)])


@pytest.mark.parametrize("labels", [[0, 0, 0], [-1, -1, -1], [0, 1, 2], [-1, 0, 0]])
def test_nothing_to_be_apart_from(labels: list[int]) -> None:
    """One segment, none, or a visitor to each: there is no figure."""
    features = np.arange(6, dtype=np.float32).reshape(3, 2)
    found = separation(features, np.array(labels), Shaping.fit(features, SPECS, ["x"]), 3, 0)
    assert found == {
        "silhouette": None,
        "davies_bouldin": None,
        "calinski_harabasz": None,
        "silhouettes": [None] * 3,
    }


def test_many_are_sampled() -> None:
    """Of many visitors a few thousand say nearly the same, and a segment of nobody has no silhouette."""
    generator = np.random.default_rng(0)
    features = np.concatenate([generator.normal(c, 1, (4000, 2)) for c in (0, 6)]).astype(np.float32)
    shaping = Shaping.fit(features, SPECS, ["x", "y"])
    found = separation(features, np.repeat([0, 1], 4000), shaping, 3, 0)
    few = separation(features[::4], np.repeat([0, 1], 1000), shaping, 2, 0)
    assert found["silhouette"] == pytest.approx(few["silhouette"], abs=0.01)
    assert found["silhouettes"][2] is None
