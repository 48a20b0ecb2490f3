import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.segmentations.radii import SMALLEST_RADIUS, calibrated_radii

ROWS = st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=20)


def test_between_members_and_outliers() -> None:
    """Where both are apart, the radius is midway between the last member and the first outlier, segment by segment."""
    distances = np.array([0.1, 0.3, 0.5, 0.9, 1.0, 2.0, 4.0])
    nearest = np.array([0, 0, 0, 0, 1, 1, 1])
    labels = np.array([0, 0, 0, -1, 1, 1, -1])
    np.testing.assert_allclose(calibrated_radii(distances, nearest, labels, 2), [0.7, 3.0])


@given(ROWS)
def test_no_radius_agrees_on_more_rows(rows: list[tuple[int, bool]]) -> None:
    """Of all radii, the chosen one leaves the most members within and outliers beyond."""
    distances = np.array([distance for distance, _ in rows], dtype=float)
    is_member = np.array([member for _, member in rows])
    (radius,) = calibrated_radii(distances, np.zeros(len(rows), dtype=np.int64), np.where(is_member, 0, -1), 1)
    agreed = [int(((distances <= r) == is_member).sum()) for r in (radius, *np.arange(1.5, 10))]
    assert agreed[0] == max(agreed)


def test_no_outliers() -> None:
    """Without outliers the radius reaches just beyond the farthest member, which so is on no border."""
    (radius,) = calibrated_radii(np.array([1.0, 2.0]), np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64), 1)
    assert radius == pytest.approx(2 + SMALLEST_RADIUS)


@pytest.mark.parametrize("distance", [0.0, np.inf])
def test_rows_at_one_place(distance: float) -> None:
    """Rows that are all the same, and a row without any other centre, leave the smallest radius rather than none."""
    nothing = np.zeros(1, dtype=np.int64)
    (radius,) = calibrated_radii(np.array([distance]), nothing, nothing, 1)
    assert radius == SMALLEST_RADIUS


def test_rows_of_other_segments_have_no_say() -> None:
    """A member of another segment is wrong at any radius, so it moves none."""
    radii = calibrated_radii(np.array([1.0, 5.0]), np.array([0, 0]), np.array([0, 1]), 2)
    np.testing.assert_allclose(radii, [1 + SMALLEST_RADIUS, SMALLEST_RADIUS])
