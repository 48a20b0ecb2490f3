import numpy as np
import pytest

from training.judging.bins import calibration, calibration_error, deciles, quantile_bins, rate_interval
from training.judging.intervals import wilson


def test_calibration_by_hand() -> None:
    """Ten parts of two rows each: what was foretold, what came, and their mean distance."""
    predicted = np.repeat(np.arange(10) / 10, 2)
    actual = np.tile([0.0, 1.0], 10)
    visitors = np.arange(20).astype(str)
    bins = calibration(predicted, actual, rate_interval(actual, visitors))
    assert [one["predicted"] for one in bins] == pytest.approx([i / 10 for i in range(10)])
    assert {one["observed"] for one in bins} == {0.5}
    assert (bins[0]["low"], bins[0]["high"]) == wilson(1, 2)
    assert calibration_error(bins) == pytest.approx((0.5 + 0.4 + 0.3 + 0.2 + 0.1 + 0 + 0.1 + 0.2 + 0.3 + 0.4) / 10)


def test_rows_of_one_visitor_are_one_trial() -> None:
    """Five rows of each of ten visitors say as much of a rate as ten rows."""
    actual, visitors = np.repeat([0.0, 1.0] * 5, 5), np.repeat(np.arange(10), 5).astype(str)
    assert rate_interval(actual, visitors)(np.arange(50)) == wilson(5, 10)


def test_parts_of_unequal_size_count_by_their_rows() -> None:
    """An error in a part with more rows weighs more."""
    bins = [{"predicted": 0.5, "observed": 0.1, "count": 3}, {"predicted": 0.5, "observed": 0.5, "count": 1}]
    assert calibration_error(bins) == pytest.approx(0.3)


def test_deciles_by_hand() -> None:
    """The best tenth first; gains are of all that came, up to the whole."""
    predicted = np.arange(100.0)
    actual = (predicted >= 80).astype(float)
    found = deciles(predicted, actual, "rate")
    assert [one["rate"] for one in found] == [1, 1] + [0] * 8
    assert [one["lift"] for one in found] == pytest.approx([5, 5] + [0] * 8)
    assert [one["gain"] for one in found] == pytest.approx([0.5] + [1] * 9)
    assert found[0]["predicted"] == 94.5
    assert {one["mean"] for one in found} == {None}
    assert [one["decile"] for one in found] == list(range(1, 11))


def test_fewer_rows_than_parts() -> None:
    """Each row is a part; where nothing came there is no lift."""
    assert [rows.tolist() for rows in quantile_bins(np.array([3.0, 1.0, 2.0]))] == [[1], [2], [0]]
    found = deciles(np.array([3.0, 1.0, 2.0]), np.zeros(3), "mean")
    assert [(one["mean"], one["lift"], one["gain"]) for one in found] == [(0, None, None)] * 3
