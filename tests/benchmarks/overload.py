"""More than a server can take: what is still answered in time, and what a refusal costs.

On the heavy graph, because there one core is full long before the generator's is; on the stated graph for what a
refusal costs beside a score.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tests.benchmarks import load, usage
from tests.benchmarks.closed import CONNECTIONS
from tests.benchmarks.contenders import OURS, Contender, Lineup, ours
from tests.benchmarks.cost import Loaded, refusal_s
from tests.benchmarks.figures import Figure
from tests.benchmarks.graph import Bundle
from tests.benchmarks.options import Options
from tests.benchmarks.outcome import Outcome
from tests.benchmarks.processor import Cores
from tests.benchmarks.row import cost_us
from tests.benchmarks.spread import Spread, ratio, spread

HEAVY_LOAD = 2.0
LOADS = (1.0, 1.25, 1.5)
_CONNECTIONS = 16
_WARM_UP_S = 0.5
# A closed loop begins with all of its connections at once, when only rows scored alone say how long that will take.
# Under overload it changes nothing: half of the deadline is the shorter wait.
_PATIENT = ("--max-wait-ms", "250")


@dataclass(frozen=True, slots=True)
class Round:
    """A peak, and the overloads that followed it, by how many times the peak was asked for."""

    peak: Loaded
    over: dict[float, Loaded]


def heavy(bundle: Bundle, cores: Cores, options: Options) -> list[Figure]:
    """Goodput on the heavy graph at twice its peak, of requests with a deadline."""
    with ours(bundle, cores, transport="inline", more=_PATIENT) as one:
        rounds = _rounds(one, [HEAVY_LOAD], options)
    outcomes = [each.over[HEAVY_LOAD].outcome for each in rounds]
    peak = _peak(rounds)
    good = spread([one.within(options.deadline_ms) for one in outcomes])
    late_ms = spread([one.late_p99_ms for one in outcomes]).median
    return [
        Figure("heavy_row_us", "µs", spread(cost_us(bundle)), "one row through the heavy graph, nothing else"),
        Figure("overload_peak_per_s", "/s", peak, f"heavy graph, closed loop, {CONNECTIONS} connections"),
        Figure(
            "overload_offered_per_s",
            "/s",
            spread([one.sent_per_s for one in outcomes]),
            f"{HEAVY_LOAD:g} times the peak, deadline {options.deadline_ms:g} ms, sent late by p99 {late_ms:.2f} ms",
        ),
        Figure("overload_goodput_per_s", "/s", good, _statuses(outcomes)),
        Figure("overload_goodput_over_peak", "", ratio(good, peak)),
        Figure("overload_accepted_p99_ms", "ms", spread([one.percentile_ms(99) for one in outcomes])),
    ]


def stated(lineup: Lineup, options: Options) -> list[Figure]:
    """Goodput on the stated graph at and beyond its peak, and the cost of a refusal beside that of a score."""
    rounds = _rounds(lineup.running[OURS], LOADS, options)
    figures = [Figure("row_us", "µs", spread(cost_us(lineup.bundle)), "one row through the stated graph, nothing else")]
    for factor in LOADS:
        outcomes = [each.over[factor].outcome for each in rounds]
        good = spread([one.within(options.deadline_ms) for one in outcomes])
        figures.append(Figure(f"goodput_at_{factor:g}_peak", "", ratio(good, _peak(rounds)), _statuses(outcomes)))
    return [*figures, *_costs(rounds)]


def _rounds(one: Contender, factors: Sequence[float], options: Options) -> list[Round]:
    one.check()
    one.closed(CONNECTIONS, _WARM_UP_S)
    rounds = [_round(one, factors, options) for _ in range(options.rounds)]
    one.check()
    return rounds


def _round(one: Contender, factors: Sequence[float], options: Options) -> Round:
    asked = one.asked
    if asked is None:
        raise TypeError(f"{one.name} is not loaded by the engine; overload is for servers that are")
    peak = _loaded(one, lambda: load.closed(asked, connections=CONNECTIONS, seconds=options.seconds))
    plan = {factor: factor * peak.outcome.ok_per_s for factor in factors}
    return Round(peak, {factor: _loaded(one, partial(_paced, asked, options, hz)) for factor, hz in plan.items()})


def _paced(asked: load.Asked, options: Options, rate_hz: float) -> Outcome:
    deadline_s = options.deadline_ms / 1e3
    return load.paced(asked, connections=_CONNECTIONS, seconds=options.seconds, rate_hz=rate_hz, deadline_s=deadline_s)


def _loaded(one: Contender, send: Callable[[], Outcome]) -> Loaded:
    before = usage.cpu_s(one.pid)
    outcome = send()
    return Loaded(outcome, usage.cpu_s(one.pid) - before)


def _peak(rounds: Sequence[Round]) -> Spread:
    return spread([each.peak.outcome.ok_per_s for each in rounds])


def _statuses(outcomes: Sequence[Outcome]) -> str:
    """How the requests ended, as shares."""
    total: Counter[str] = Counter()
    for one in outcomes:
        total.update(one.counts)
    return ", ".join(f"{name} {count / total.total():.1%}" for name, count in total.most_common())


def _costs(rounds: Sequence[Round]) -> list[Figure]:
    """Processor time of a score, from the peaks, and of a request that was not answered OK, from all loads."""
    scores = [each.peak.cpu_s / len(each.peak.outcome.ok_ms) for each in rounds]
    refusals = [cost for each in rounds if (cost := refusal_s([each.peak, *each.over.values()])) is not None]
    note = "of a request that was not answered OK" if refusals else "hardly anything was refused"
    return [
        Figure("score_cpu_us", "µs", _us(scores), "all of the server's processes, at its peak"),
        Figure("refusal_cpu_us", "µs", _us(refusals) if refusals else None, note),
    ]


def _us(costs_s: Sequence[float]) -> Spread:
    return spread([cost * 1e6 for cost in costs_s])
