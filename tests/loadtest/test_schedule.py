from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from loadtest.schedule import NS_PER_S, due_ns, request_count

rates = st.one_of(
    st.integers(1, 1_000_000), st.fractions(Fraction(1, 1000), Fraction(1_000_000), max_denominator=1_000_000)
)


@given(i=st.integers(0, 10**12), rate_hz=rates)
def test_due_is_within_a_nanosecond_of_exact(i: int, rate_hz: Fraction) -> None:
    """Request i is due at i / rate, rounded down to a nanosecond, however long the run."""
    error_ns = Fraction(i) / rate_hz * NS_PER_S - due_ns(i, rate_hz)
    assert 0 <= error_ns < 1


@given(i=st.integers(0, 10**12), rate_hz=rates)
def test_due_never_falls(i: int, rate_hz: Fraction) -> None:
    """A request is not due before the one ahead of it."""
    assert due_ns(i, rate_hz) <= due_ns(i + 1, rate_hz)


@given(seconds=st.integers(0, 10**7), rate_hz=st.integers(1, 1_000_000))
def test_no_drift_accumulates(seconds: int, rate_hz: int) -> None:
    """After any whole number of seconds, the schedule stands exactly on that second."""
    assert due_ns(seconds * rate_hz, rate_hz) == seconds * NS_PER_S


@given(duration_s=st.fractions(0, 1000, max_denominator=1000), rate_hz=rates.map(Fraction))
def test_count_is_what_is_due_before_the_end(duration_s: Fraction, rate_hz: Fraction) -> None:
    """The last request of a run is due before its end, and the one after is not."""
    count = request_count(duration_s, rate_hz)
    assert count / rate_hz >= duration_s
    assert count == 0 or (count - 1) / rate_hz < duration_s
