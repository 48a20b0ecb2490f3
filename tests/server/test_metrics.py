import inspect

import numpy as np
import pytest

from server import errors, series
from server.metrics import CODES
from server.transport.status import code_of
from tests.server.conftest import Measured

PATH = "/audience.v1.Scoring/Score"


def test_method(measured: Measured) -> None:
    """A call is counted by its status; how long it took only where that is said."""
    method = measured.metrics.method(PATH)
    method.answered(300_000)
    method.answered(20_000_000_000)
    method.failed("NOT_FOUND")
    assert measured.sample("audience_requests_total", method=PATH, code="OK") == 2
    assert measured.sample("audience_requests_total", method=PATH, code="NOT_FOUND") == 1
    assert measured.sample("audience_request_seconds_count", method=PATH) == 2
    assert measured.sample("audience_request_seconds_sum", method=PATH) == pytest.approx(20.0003)


@pytest.mark.parametrize(
    ("duration_ns", "bound"), [(0, "0.0001"), (100_000, "0.0001"), (100_001, "0.00025"), (10**10, "10.0")]
)
def test_bucket(measured: Measured, duration_ns: int, bound: str) -> None:
    """A duration is in the bucket whose upper end it does not exceed, and in all above."""
    measured.metrics.method(PATH).answered(duration_ns)
    bounds = [str(one) for one in series.REQUEST_SECONDS.bounds_s] + ["+Inf"]
    counts = [measured.sample("audience_request_seconds_bucket", method=PATH, le=one) for one in bounds]
    assert counts == [0.0] * bounds.index(bound) + [1.0] * (len(bounds) - bounds.index(bound))


def test_every_status_has_a_counter(measured: Measured) -> None:
    """Every status of the error table is shown from the start; one that nobody foresaw is UNKNOWN."""
    ours = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, Exception)]
    assert {code_of(one()).name for one in ours} <= set(CODES)
    method = measured.metrics.method(PATH)
    assert all(
        measured.registry.get_sample_value("audience_requests_total", {"method": PATH, "code": code}) == 0
        for code in CODES
    )
    method.failed("DATA_LOSS")
    assert measured.sample("audience_requests_total", method=PATH, code="UNKNOWN") == 1


def test_model(measured: Measured) -> None:
    """A version's counters by name; those of its features as a vector."""
    counters = measured.metrics.for_model("shop", 2, ["a", "b"])
    counters.rows.inc(3)
    counters.remapped.inc()
    counters.degraded.inc(5)
    counters.missing.inc(2)
    counters.out_of_range.inc(4)
    np.add(counters.default_counts, [10, 20], out=counters.default_counts)
    names = ("rows", "rows_remapped", "rows_degraded", "features_missing", "features_out_of_range")
    assert [measured.sample(f"audience_{name}_total", model="shop", version="2") for name in names] == [3, 1, 5, 2, 4]
    by_feature = [measured.sample("audience_feature_defaulted_total", model="shop", feature=one) for one in "ab"]
    assert by_feature == [10, 20]


def test_features_in_another_order(measured: Measured) -> None:
    """A feature's counter belongs to the model, whatever column it has in a version."""
    for version, features in ((1, ["a", "b"]), (2, ["b", "c", "a"])):
        counts = measured.metrics.for_model("shop", version, features).default_counts
        np.add(counts, 1, out=counts)
    by_feature = [measured.sample("audience_feature_defaulted_total", model="shop", feature=one) for one in "abc"]
    assert by_feature == [2, 2, 1]
