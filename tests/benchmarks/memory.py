"""Whether memory stays where it is over many requests, and what processes cost that have nothing to do."""

import time

from tests.benchmarks import usage
from tests.benchmarks.closed import CONNECTIONS
from tests.benchmarks.contenders import OURS, Lineup
from tests.benchmarks.figures import Figure
from tests.benchmarks.options import Options
from tests.benchmarks.spread import spread

_SLICE_ROUNDS = 2.5
_FLAT_SHARE = 0.02
_MB = 1e6


def growth(lineup: Lineup, options: Options) -> list[Figure]:
    """Resident memory of the worker before and after many requests."""
    one = lineup.running[OURS]
    one.check()
    slice_s = _SLICE_ROUNDS * options.seconds
    one.closed(CONNECTIONS, slice_s)  # buffers and pools find their size
    worker = usage.busiest(one.pid)
    before = usage.family(one.pid)[worker].rss_bytes / _MB
    count, seconds = 0.0, 0.0
    while count < options.requests and seconds < options.longest_s:
        count += one.closed(CONNECTIONS, slice_s).ok_per_s * slice_s
        seconds += slice_s
    after = usage.family(one.pid)[worker].rss_bytes / _MB
    one.check()
    verdict = "flat" if after - before <= _FLAT_SHARE * before else "not flat"
    everybody = sum(member.rss_bytes for member in usage.family(one.pid).values()) / _MB
    return [
        Figure("rss_before_mb", "MB", spread([before]), "the worker, warm"),
        Figure("rss_after_mb", "MB", spread([after]), f"after {count:,.0f} requests: {verdict}"),
        Figure("rss_all_processes_mb", "MB", spread([everybody]), "of the server, shared pages counted in each"),
    ]


def idle(lineup: Lineup, options: Options) -> list[Figure]:
    """Processor time of all of the server's processes while nobody asks, as a share of one core."""
    pid = lineup.running[OURS].pid
    start, before = time.monotonic(), usage.cpu_s(pid)
    time.sleep(options.idle_seconds)
    share = (usage.cpu_s(pid) - before) / (time.monotonic() - start)
    return [Figure("idle_cpu_share", "", spread([share]), f"of one core, over {options.idle_seconds:g} s")]
