import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.training.segmentations.visitors import SPECS
from training.segmentations.shaping import CLIP_SD, Shaping


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
