import math

import numpy as np

from loadtest.load import Recording
from loadtest.results import Status
from tests.benchmarks.stretches import Course, Kind, Pair, Step, Stretch, of_kind
from tests.benchmarks.witness import Replies, Seen

MS = 1_000_000
STARTED_NS = 5_000 * MS


def course(latencies_ms: list[float], *, failed: tuple[int, ...] = (), versions: tuple[int, ...] = ()) -> Course:
    """A request every ten milliseconds, from 5,000 on, answered after so long by these versions."""
    due = np.arange(len(latencies_ms)) * 10 * MS
    done = due + (np.array(latencies_ms) * MS).astype(np.int64)
    status = np.full(len(due), Status.OK, np.int16)
    status[list(failed)] = Status.UNAVAILABLE
    numbers = np.array(versions or [1] * len(due))
    seen = Replies(STARTED_NS + done, numbers, 0, "", ())
    recording = Recording(due, due, done, status, 10_000, 0.5, is_interrupted=True, started_ns=STARTED_NS)
    return Course(Seen(recording, seen))


def stretch(begun_ms: int, ended_ms: int, *steps: Step, kind: Kind = Kind.PUBLISH) -> Stretch:
    """A stretch of that time."""
    return Stretch(kind, begun_ms * MS, ended_ms * MS, steps, (1.0,), 0.0)


def test_latency_counts_where_a_request_was_due() -> None:
    """An answer that comes in the next stretch is the fault of the one in which it was asked for."""
    met = course([1, 1, 15, 1])

    assert met.percentile_ms(stretch(5000, 5030), 100) == 15
    assert met.percentile_ms(stretch(5030, 5060), 100) == 1
    assert met.percentile_ms(stretch(9000, 9030), 99) == math.inf


def test_failed_requests_are_counted_where_they_were_due() -> None:
    """Each in its own time alone."""
    met = course([1, 1, 1, 1], failed=(1,))

    assert (met.failed_count(5000 * MS, 5020 * MS), met.failed_count(5020 * MS, 5040 * MS)) == (1, 0)
    assert met.answered_count(5000 * MS, 5040 * MS) == 3


def test_longest_pause_has_both_ends() -> None:
    """Silence at the beginning, between two replies, and at the end all count; no reply at all is one long pause."""
    met = course([1, 1, 1])

    assert met.longest_pause_ms(5000 * MS, 5022 * MS) == 10
    assert met.longest_pause_ms(4000 * MS, 5022 * MS) == 1001
    assert met.longest_pause_ms(5000 * MS, 5100 * MS) == 79
    assert met.longest_pause_ms(6000 * MS, 6500 * MS) == 500


def test_swap_takes_until_the_first_reply_by_its_version() -> None:
    """A version that never answered before the next one came is left out."""
    met = course([1, 1, 1, 1], versions=(1, 2, 2, 4))
    steps = [Step(5002 * MS, 2), Step(5015 * MS, 3), Step(5025 * MS, 4)]

    assert met.swap_ms(stretch(5000, 5040, *steps)) == [9, 6]
    assert met.versions(5000 * MS, 5020 * MS) == [1, 2]


def test_quiet_stretch_has_no_swaps() -> None:
    """Nothing was asked for, so nothing took time; and each stretch is compared with the quiet one after it."""
    busy, quiet = stretch(5000, 5010), stretch(5010, 5020, kind=Kind.QUIET)

    assert course([1, 1]).swap_ms(quiet) == []
    pair = Pair(course([1, 1]), busy, quiet, 100.0)
    assert of_kind([pair], Kind.PUBLISH) == [pair]
    assert of_kind([pair], Kind.LABEL) == []
