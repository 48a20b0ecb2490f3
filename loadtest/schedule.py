"""When each request is due: a pure function of its number, so nothing that happens in a run can shift it.

Source: vegeta's `ConstantPacer`, and wrk2's README on coordinated omission.
"""

from fractions import Fraction

NS_PER_S = 1_000_000_000


def due_ns(i: int, rate_hz: int | Fraction) -> int:
    """Nanoseconds from the start of the schedule to request `i`, rounded down.

    Integers throughout: the error is less than 1 ns for every `i`, not 1 ns more with each.

    >>> [due_ns(i, 3) for i in (0, 1, 2, 3, 3_000_000_000)]
    [0, 333333333, 666666666, 1000000000, 1000000000000000000]
    """
    return i * NS_PER_S * rate_hz.denominator // rate_hz.numerator


def request_count(duration_s: Fraction, rate_hz: Fraction) -> int:
    """How many requests are due in the half-open time [0, duration_s).

    >>> request_count(Fraction(10), Fraction(500)), request_count(Fraction(1, 3), Fraction(2))
    (5000, 1)
    """
    return -(-duration_s * rate_hz // 1)
