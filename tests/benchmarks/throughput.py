"""What a closed loop came to, whoever counted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Throughput:
    """What was counted.

    Attributes:
        ok_per_s: requests answered rightly, per second.
        p50_ms: half of them were answered within it, infinite when none was.
        p99_ms: 99 % of them were answered within it, infinite when none was.
        failed_count: requests that ended in another way.
        busy_share: of the time that the generator was on its core; None when it does not say.
    """

    ok_per_s: float
    p50_ms: float
    p99_ms: float
    failed_count: int
    busy_share: float | None = None
