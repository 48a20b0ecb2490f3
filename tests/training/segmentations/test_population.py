import numpy as np
import pytest

from tests.training.segmentations.visitors import SPECS
from training.features import FeatureSpec
from training.segmentations.population import CannotSegment, by_size, draw, shape_population, silhouette

WITH_DEVICE = (*SPECS, FeatureSpec(name="device", description="device", vocabulary=("phone", "desktop")))
ROWS = np.array([[1, 7, 0, 1], [3, 7, 2, 0], [5, 7, 9, 1]], dtype=np.float32)


def test_all_numbers_when_none_is_named() -> None:
    """Without names every number is read, and no category."""
    assert shape_population(ROWS, WITH_DEVICE, ()).columns.tolist() == [0, 1, 2]
    assert shape_population(ROWS, WITH_DEVICE, ("money", "x")).columns.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("x", "mony"), "mony is no feature; did you mean money?"),
        (("zzz",), "zzz is no feature; there are x, y, money"),
        (("x", "device"), "device is a category, and distances need numbers; leave it out of features"),
        (("y",), "y: no feature differs between any two rows; name features that do"),
    ],
)
def test_features_that_cannot_be_used(names: tuple[str, ...], text: str) -> None:
    """A name that is misspelt, a category, or without any variation is refused in a sentence."""
    with pytest.raises(CannotSegment) as caught:
        shape_population(ROWS, WITH_DEVICE, names)
    assert str(caught.value) == text


def test_no_rows_and_no_numbers() -> None:
    """Without rows, and with categories alone, there is nothing to segment."""
    with pytest.raises(CannotSegment, match=r"^there are no rows to segment"):
        shape_population(ROWS[:0], WITH_DEVICE, ())
    with pytest.raises(CannotSegment, match=r"^every feature is a category"):
        shape_population(ROWS[:, 3:], WITH_DEVICE[3:], ())


def test_draw() -> None:
    """All rows while they are few; else as many as wanted, each once, ascending, the same for the same seed."""
    assert draw(3, 5, 0).tolist() == [0, 1, 2]
    drawn = draw(1000, 100, 7)
    assert len(drawn) == 100
    assert (np.diff(drawn) > 0).all()
    assert drawn.tolist() == draw(1000, 100, 7).tolist() != draw(1000, 100, 8).tolist()


def test_by_size() -> None:
    """Positions by size, largest first, the first of equals first, and empty ones last."""
    assert by_size(np.array([2, 2, 0, 1, 1, 1]), 4).tolist() == [1, 2, 0, 3]


def test_silhouette_needs_two_segments() -> None:
    """One segment, or one for each row, has no silhouette; two far apart have nearly 1."""
    shaped = np.array([[0.0], [0.1], [9], [9.1]])
    assert silhouette(shaped, np.zeros(4, dtype=np.int64), 0) == {}
    assert silhouette(shaped, np.arange(4), 0) == {}
    assert silhouette(shaped, np.array([0, 0, 1, 1]), 0)["silhouette"] > 0.95
