import math
from collections.abc import Sequence

import numpy as np
import pytest

from loadtest.load import Recording
from loadtest.results import NEVER_NS, Status
from tests.benchmarks.errors import WrongAnswer
from tests.benchmarks.outcome import Outcome, outcome

MS = 1_000_000


def recorded(requests: Sequence[tuple[int, int, int, Status]], *, window_ms: int = 1000) -> Outcome:
    """The outcome of requests, each with when it was due, sent and done in milliseconds, and how it ended."""
    due, sent, done = (np.array([one[i] for one in requests], np.int64) * MS for i in range(3))
    status = np.array([one[3] for one in requests], np.int16)
    sent[status == Status.NOT_SENT] = NEVER_NS
    return outcome("server", Recording(due, sent, done, status, window_ms * MS, 0.5, is_interrupted=False))


def test_rates_count_what_was_answered_in_the_window() -> None:
    """An answer that came after the last request was sent had more time than the window, and is in no rate."""
    found = recorded([(0, 0, 10, Status.OK), (500, 500, 900, Status.OK), (990, 990, 1005, Status.OK)])

    assert found.ok_per_s == 2
    assert found.within(100) == 1
    assert found.failed_count == 0


def test_latency_counts_from_when_a_request_was_due() -> None:
    """A request that was sent late waited all the same, and how late is told apart."""
    found = recorded([(0, 40, 50, Status.OK)])

    assert found.percentile_ms(50) == 50
    assert found.late_p99_ms == 40


def test_refusals_are_no_answers() -> None:
    """What was refused fast improves neither rate nor latency."""
    found = recorded([(0, 0, 80, Status.OK), (1, 1, 2, Status.RESOURCE_EXHAUSTED), (2, 2, 2, Status.NOT_SENT)])

    assert found.ok_per_s == 1
    assert found.percentile_ms(99) == 80
    assert found.sent_per_s == 2
    assert found.failed_count == 2
    assert found.counts == {"OK": 1, "RESOURCE_EXHAUSTED": 1, "NOT_SENT": 1}


def test_nothing_answered_has_no_latency() -> None:
    """The percentile of nothing is infinite, never 0."""
    found = recorded([(0, 0, 100, Status.DEADLINE_EXCEEDED)])

    assert found.ok_per_s == 0
    assert found.throughput.p99_ms == math.inf


def test_reply_that_is_no_answer_ends_the_benchmark() -> None:
    """OK with nothing in it is wrong, not fast."""
    with pytest.raises(WrongAnswer, match="1 replies"):
        recorded([(0, 0, 1, Status.BAD_REPLY), (0, 0, 1, Status.OK)])
