"""What swaps under load came to."""

import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from loadtest.results import Status
from tests.benchmarks.figures import Figure
from tests.benchmarks.spread import ratio, spread
from tests.benchmarks.stretches import Course, Kind, Stretch, of_kind, pairs
from tests.benchmarks.witness import Seen

_EARLY_SWAPS = 20
_WAYS = (Kind.PUBLISH, Kind.LABEL)


def figures(seen: Seen, stretches: Sequence[Stretch], log: Path, rate_hz: float) -> list[Figure]:
    """Every figure.

    Args:
        seen: of the load that went on all the time.
        stretches: those with swaps, each followed by a quiet one.
        log: the server's.
        rate_hz: of the load.
    """
    course = Course(seen)
    found = [*_counts(seen, course, stretches, rate_hz)]
    for kind in _WAYS:
        found += _latencies(course, stretches, kind)
    quiet = of_kind(stretches, Kind.QUIET)
    found.append(_spread("quiet_p50_ms", [course.percentile_ms(one, 50) for one in quiet]))
    found += _pauses(course, stretches)
    found += _memory(stretches)
    found.append(_spread("load_ms", load_ms(log), "from when a version was begun with until it served"))
    return found


def load_ms(log: Path) -> list[float]:
    """How long each version took, by the server's log."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    return [line["load_ms"] for line in lines if line.get("event") == "version serves"]


def _counts(seen: Seen, course: Course, stretches: Sequence[Stretch], rate_hz: float) -> Iterator[Figure]:
    failed, replies = int((~course.is_ok).sum()), seen.replies
    troubles = ", ".join(f"{Status(int(code)).name}" for code in sorted(set(seen.recording.status[~course.is_ok])))
    steps = sum(len(stretch.steps) for stretch in stretches)
    yield _spread("swaps", [steps], f"{sum(len(course.swap_ms(one)) for one in stretches)} seen before the next one")
    idle = sum(course.failed_count(one.begun_ns, one.ended_ns) for one in of_kind(stretches, Kind.QUIET))
    note = f"{idle} of them in quiet stretches; of {len(course.is_ok):,} at {rate_hz:,.0f}/s"
    note += f"; {troubles or 'the generator was busy'}"
    yield _spread("swap_failed_requests", [failed], f"{note} {seen.recording.busy_share:.0%} of the time")
    checked = f"of {len(replies.versions):,}, each compared with the version that it names"
    yield _spread("swap_mixed_replies", [replies.mixed_count], replies.first_fault or checked)


def _latencies(course: Course, stretches: Sequence[Stretch], kind: Kind) -> Iterator[Figure]:
    both = pairs(stretches, kind)
    swaps = [course.percentile_ms(one, 99.9) for one, _ in both]
    quiet = [course.percentile_ms(after, 99.9) for _, after in both]
    if not both:
        return
    late = [statistics.median(course.late_ms(pair[which], 99.9) for pair in both) for which in (0, 1)]
    yield _spread(f"{kind}_p999_ms", swaps, f"sent late by p99.9 {late[0]:.2f} ms")
    yield _spread(f"{kind}_quiet_p999_ms", quiet, f"in the stretches after; sent late by p99.9 {late[1]:.2f} ms")
    yield Figure(f"{kind}_p999_over_quiet", "", ratio(spread(swaps), spread(quiet)), "of each with the one after it")
    yield _spread(f"{kind}_p99_ms", [course.percentile_ms(one, 99) for one, _ in both])
    yield _spread(f"{kind}_quiet_p99_ms", [course.percentile_ms(after, 99) for _, after in both])
    taken = [taken_ms for one, _ in both for taken_ms in course.swap_ms(one)]
    yield _spread(f"{kind}_swap_ms", taken, "until the first reply by the other version")


def _pauses(course: Course, stretches: Sequence[Stretch]) -> Iterator[Figure]:
    """The longest time without a reply, for each way from the first swap until all that was replaced is gone."""
    for kind in _WAYS:
        both = pairs(stretches, kind)
        if both:
            longest = [course.longest_pause_ms(one.begun_ns, after.begun_ns) for one, after in both]
            yield _spread(f"{kind}_longest_pause_ms", longest, "between replies, until what was replaced is gone")
    quiet = of_kind(stretches, Kind.QUIET)
    yield _spread("quiet_longest_pause_ms", [course.longest_pause_ms(one.begun_ns, one.ended_ns) for one in quiet])


def _memory(stretches: Sequence[Stretch]) -> Iterator[Figure]:
    """Resident memory of the worker at the end of quiet stretches: after some swaps, and after the last."""
    swaps, rests = 0, []
    for stretch in stretches:
        swaps += len(stretch.steps)
        if stretch.kind is Kind.QUIET:
            rests.append((swaps, stretch.rss_mb[-1]))
    early = next((one for one in rests if one[0] >= _EARLY_SWAPS), rests[0])
    last = rests[-1]
    yield _spread("rss_early_mb", [early[1]], f"of the worker, after {early[0]} swaps and a rest")
    yield _spread("rss_last_mb", [last[1]], f"after {last[0]} swaps and a rest")
    yield _spread("rss_highest_mb", [max(mb for stretch in stretches for mb in stretch.rss_mb)])
    yield _spread("swap_rss_growth", [last[1] / early[1]], "of the last over the early one")


def _spread(name: str, values: Sequence[float], note: str = "") -> Figure:
    """A figure with its unit from its name; none when nothing was measured."""
    unit = next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), "")
    return Figure(name, unit, spread(values) if values else None, note)


_UNITS = {"_ms": "ms", "_mb": "MB"}
