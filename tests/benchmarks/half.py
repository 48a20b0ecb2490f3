"""Latency at half of the peak, on a schedule: ours beside an echo at the same rate and nearly the same moment.

The peak is that of the same moment too: where processors are shared, it halves and doubles within seconds, and half of
what it was is at times all that there is.
"""

import time
from collections.abc import Mapping, Sequence

from tests.benchmarks import closed, load, processor, usage
from tests.benchmarks.contenders import ECHO, OURS, Lineup
from tests.benchmarks.figures import Figure
from tests.benchmarks.options import Options
from tests.benchmarks.outcome import Outcome
from tests.benchmarks.spread import Spread, difference, spread

CONNECTIONS = 16
_SLICE_S = 1.0
_SLICES_A_ROUND = 4
_WARM_UP_S = 0.5


def latency(lineup: Lineup, options: Options) -> list[Figure]:
    """99th percentiles from due times, medians over slices of a second: our peak, ours at half of it, the echo."""
    pair = {name: lineup.running[name] for name in (OURS, ECHO) if name in lineup.running}
    slices: dict[str, list[Outcome]] = {name: [] for name in pair}
    for one in pair.values():
        one.check()
        one.closed(closed.CONNECTIONS, _WARM_UP_S)
    rates_hz, begun_s, stolen_s = list[float](), time.monotonic(), usage.stolen_s()
    for _ in range(options.rounds * _SLICES_A_ROUND):
        rate_hz = pair[OURS].closed(closed.CONNECTIONS, _SLICE_S).ok_per_s / 2
        rates_hz.append(rate_hz)
        for name, one in pair.items():
            slices[name].extend(_slice(one.asked, rate_hz, _SLICE_S))
    for one in pair.values():
        one.check()
    stolen_share = usage.stolen_share(begun_s, stolen_s)
    return _figures(slices, spread(rates_hz), stolen_share, lineup.missing.get(ECHO, ""))


def _slice(asked: load.Asked | None, rate_hz: float, seconds: float) -> list[Outcome]:
    if asked is None:
        return []
    with processor.undisturbed():
        return [load.paced(asked, connections=CONNECTIONS, seconds=seconds, rate_hz=rate_hz)]


def _figures(
    slices: Mapping[str, Sequence[Outcome]], rates_hz: Spread, stolen_share: float, reason: str
) -> list[Figure]:
    ours = _p99_ms(slices[OURS])
    echo = _p99_ms(slices[ECHO]) if ECHO in slices else None
    over = difference(ours, echo) if echo else None
    note = (
        f"{rates_hz.median:,.0f}/s asked ({rates_hz.lowest:,.0f} to {rates_hz.highest:,.0f}), "
        f"{_failed(slices[OURS])} failed, sent late by p99 {_late_ms(slices[OURS]):.2f} ms; "
        f"{stolen_share:.1%} of the machine was others'"
    )
    echo_note = f"sent late by p99 {_late_ms(slices[ECHO]):.2f} ms" if echo else reason
    return [
        Figure("half_load_p50_ms", "ms", spread([one.percentile_ms(50) for one in slices[OURS]])),
        Figure("half_load_p99_ms", "ms", ours, note),
        Figure("half_load_echo_p99_ms", "ms", echo, echo_note),
        Figure("half_load_p99_over_echo_ms", "ms", over, "within each pair of slices" if echo else reason),
    ]


def _p99_ms(outcomes: Sequence[Outcome]) -> Spread:
    return spread([one.percentile_ms(99) for one in outcomes])


def _late_ms(outcomes: Sequence[Outcome]) -> float:
    return spread([one.late_p99_ms for one in outcomes]).median


def _failed(outcomes: Sequence[Outcome]) -> int:
    return sum(one.failed_count for one in outcomes)
