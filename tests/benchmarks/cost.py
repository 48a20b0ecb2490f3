"""What requests cost a server, told apart by how they ended."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.outcome import Outcome

_LEAST_REFUSED_SHARE = 0.05  # with fewer, noise would be divided by next to nothing


@dataclass(frozen=True, slots=True)
class Loaded:
    """An outcome, and what it cost the server: time on a processor of all its processes."""

    outcome: Outcome
    cpu_s: float


def refusal_s(loads: Sequence[Loaded]) -> float | None:
    """Processor time of a request that was not answered OK, in seconds; None when there were hardly any.

    Least squares over the loads, of which each says: so many answers and so many others took so long together.
    """
    numbers = np.array([(len(one.outcome.ok_ms), one.outcome.failed_count) for one in loads], np.float64)
    if numbers[:, 1].max() < _LEAST_REFUSED_SHARE * numbers.sum(axis=1).max():
        return None
    (_, cost_s), *_ = np.linalg.lstsq(numbers, np.array([one.cpu_s for one in loads]))
    return float(cost_s)
