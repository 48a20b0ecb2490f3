"""What swaps under load came to."""

import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from loadtest.results import Status
from tests.benchmarks.figures import Figure
from tests.benchmarks.spread import ratio, spread
from tests.benchmarks.stretches import Course, Kind, Pair, Stretch, of_kind

_EARLY_SWAPS = 20
_WAYS = (Kind.PUBLISH, Kind.LABEL)


def figures(pairs: Sequence[Pair], log: Path) -> list[Figure]:
    """Every figure.

    Args:
        pairs: at least one.
        log: the server's.
    """
    found = [*_counts(pairs)]
    for kind in _WAYS:
        found += _latencies(of_kind(pairs, kind), kind)
    found.append(_spread("quiet_p50_ms", [pair.course.percentile_ms(pair.quiet, 50) for pair in pairs]))
    found += _pauses(pairs)
    found += _memory(pairs)
    found.append(_spread("load_ms", load_ms(log), "from when a version was begun with until it served"))
    return found


def load_ms(log: Path) -> list[float]:
    """How long each version took, by the server's log."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    return [line["load_ms"] for line in lines if line.get("event") == "version serves"]


def _counts(pairs: Sequence[Pair]) -> Iterator[Figure]:
    courses = [pair.course for pair in pairs]
    failed = [course.status[~course.is_ok] for course in courses]
    troubles = ", ".join(Status(int(code)).name for code in np.unique(np.concatenate(failed)))
    steps = sum(len(pair.swaps.steps) for pair in pairs)
    seen = sum(len(pair.course.swap_ms(pair.swaps)) for pair in pairs)
    yield _spread("swaps", [steps], f"{seen} seen before the next one")
    yield _spread("rate_per_s", [pair.rate_hz for pair in pairs], "asked for, half of the peak just before")
    idle = sum(pair.course.failed_count(pair.quiet.begun_ns, pair.quiet.ended_ns) for pair in pairs)
    busy = max(course.busy_share for course in courses)
    note = f"{idle} of them in quiet stretches; of {sum(len(course.is_ok) for course in courses):,}"
    note += f"; {troubles or 'the generator was busy'} {busy:.0%} of the time at most"
    yield _spread("swap_failed_requests", [sum(map(len, failed))], note)
    fault = next((course.replies.first_fault for course in courses if course.replies.first_fault), "")
    checked = f"of {sum(len(course.replies.versions) for course in courses):,}, each compared with its version"
    yield _spread("swap_mixed_replies", [sum(course.replies.mixed_count for course in courses)], fault or checked)


def _latencies(pairs: Sequence[Pair], kind: Kind) -> Iterator[Figure]:
    if not pairs:
        return
    swaps = [pair.course.percentile_ms(pair.swaps, 99.9) for pair in pairs]
    quiet = [pair.course.percentile_ms(pair.quiet, 99.9) for pair in pairs]
    trouble = _trouble([(pair.course, pair.swaps) for pair in pairs])
    yield _spread(f"{kind}_p999_ms", swaps, trouble)
    trouble = _trouble([(pair.course, pair.quiet) for pair in pairs])
    yield _spread(f"{kind}_quiet_p999_ms", quiet, f"in the stretches after; {trouble}")
    yield Figure(f"{kind}_p999_over_quiet", "", ratio(spread(swaps), spread(quiet)), "of each with the one after it")
    yield _spread(f"{kind}_p99_ms", [pair.course.percentile_ms(pair.swaps, 99) for pair in pairs])
    yield _spread(f"{kind}_quiet_p99_ms", [pair.course.percentile_ms(pair.quiet, 99) for pair in pairs])
    taken = [taken_ms for pair in pairs for taken_ms in pair.course.swap_ms(pair.swaps)]
    yield _spread(f"{kind}_swap_ms", taken, "until the first reply by the other version")


def _trouble(stretches: Sequence[tuple[Course, Stretch]]) -> str:
    """What was not the server's fault."""
    late_ms = statistics.median(course.late_ms(stretch, 99.9) for course, stretch in stretches)
    stolen = statistics.median(stretch.stolen_share for _, stretch in stretches)
    return f"sent late by p99.9 {late_ms:.2f} ms; {stolen:.1%} of the machine was others'"


def _pauses(pairs: Sequence[Pair]) -> Iterator[Figure]:
    """The longest time without a reply, for each way from the first swap until all that was replaced is gone."""
    for kind in _WAYS:
        longest = [
            pair.course.longest_pause_ms(pair.swaps.begun_ns, pair.quiet.begun_ns) for pair in of_kind(pairs, kind)
        ]
        if longest:
            yield _spread(f"{kind}_longest_pause_ms", longest, "between replies, until what was replaced is gone")
    quiet = [pair.course.longest_pause_ms(pair.quiet.begun_ns, pair.quiet.ended_ns) for pair in pairs]
    yield _spread("quiet_longest_pause_ms", quiet)


def _memory(pairs: Sequence[Pair]) -> Iterator[Figure]:
    """Resident memory of the worker at the end of quiet stretches: after some swaps, and after the last."""
    swaps, rests = 0, []
    for pair in pairs:
        swaps += len(pair.swaps.steps)
        rests.append((swaps, pair.quiet.rss_mb[-1]))
    early = next((one for one in rests if one[0] >= _EARLY_SWAPS), rests[0])
    last = rests[-1]
    yield _spread("rss_early_mb", [early[1]], f"of the worker, after {early[0]} swaps and a rest")
    yield _spread("rss_last_mb", [last[1]], f"after {last[0]} swaps and a rest")
    yield _spread("rss_highest_mb", [max(mb for pair in pairs for mb in (*pair.swaps.rss_mb, *pair.quiet.rss_mb))])
    yield _spread("swap_rss_growth", [last[1] / early[1]], "of the last over the early one")


def _spread(name: str, values: Sequence[float], note: str = "") -> Figure:
    """A figure with its unit from its name; none when nothing was measured."""
    unit = next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), "")
    return Figure(name, unit, spread(values) if values else None, note)


_UNITS = {"_ms": "ms", "_mb": "MB", "_per_s": "/s"}
