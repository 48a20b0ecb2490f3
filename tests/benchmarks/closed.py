"""Closed loops: as many requests as each server takes, in turns, so that the machine's drift meets all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.contenders import AIO, ECHO, FLOOR, MOSEC, MOSEC_BATCHES, OURS, Contender, Lineup
from tests.benchmarks.figures import Figure
from tests.benchmarks.options import Options
from tests.benchmarks.spread import Spread, ratio, spread
from tests.benchmarks.throughput import Throughput

CONNECTIONS = 32
FEW_CONNECTIONS = 8
_WARM_UP_S = 0.5
_BUSY_SHARE = 0.9  # beyond it the generator may be what is measured


@dataclass(frozen=True, slots=True)
class Race:
    """What several servers came to under the same load, one for each round, by the server's name."""

    connections: int
    rounds: dict[str, list[Throughput]]

    def ok_per_s(self, name: str) -> Spread:
        """Requests answered OK per second."""
        return spread([one.ok_per_s for one in self.rounds[name]])

    def p50_ms(self, name: str) -> Spread:
        """Median latencies."""
        return spread([one.p50_ms for one in self.rounds[name]])

    def note(self, name: str) -> str:
        """What a reader has to know of one server's rounds."""
        failed_count = sum(one.failed_count for one in self.rounds[name])
        busy_share = max(one.busy_share or 0.0 for one in self.rounds[name])
        parts = [f"{failed_count} failed"] if failed_count else []
        parts += [f"the generator was busy {busy_share:.0%} of the time"] if busy_share > _BUSY_SHARE else []
        return ", ".join(parts)


def race(contenders: Sequence[Contender], *, connections: int, options: Options) -> Race:
    """Warms each server up, then loads one after the other in every round, with a look at its answers around it."""
    rounds: dict[str, list[Throughput]] = {one.name: [] for one in contenders}
    for one in contenders:
        one.check()  # it waits until the server is up
        one.closed(connections, _WARM_UP_S)
    for _ in range(options.rounds):
        for one in contenders:
            one.check()
            rounds[one.name].append(one.closed(connections, options.seconds))
            one.check()
    return Race(connections, rounds)


def throughput(lineup: Lineup, options: Options) -> list[Figure]:
    """Requests per second of everybody, and the ratios."""
    result = race(_without_echo(lineup), connections=CONNECTIONS, options=options)
    figures = [
        Figure(f"closed{CONNECTIONS}_{name}_per_s", "/s", result.ok_per_s(name), _notes(lineup, result, name))
        for name in result.rounds
    ]
    own = result.ok_per_s(OURS)
    for name in (FLOOR, AIO, MOSEC, MOSEC_BATCHES):
        is_there = name in result.rounds
        over = ratio(own, result.ok_per_s(name)) if is_there else None
        figures.append(Figure(f"closed{CONNECTIONS}_over_{name}", "", over, lineup.missing.get(name, "")))
    return figures


def latency(lineup: Lineup, options: Options) -> list[Figure]:
    """Median latencies of ours and the floor with one connection, their ratio, and both with a few."""
    pair = [lineup.running[name] for name in (OURS, FLOOR) if name in lineup.running]
    one, few = (race(pair, connections=count, options=options) for count in (1, FEW_CONNECTIONS))
    figures = [
        Figure(f"p50_{connections}_{name}_ms", "ms", result.p50_ms(name), result.note(name))
        for connections, result in (("one_connection", one), ("eight_connections", few))
        for name in result.rounds
    ]
    over = ratio(one.p50_ms(OURS), one.p50_ms(FLOOR)) if FLOOR in one.rounds else None
    return [*figures, Figure("p50_one_connection_over_floor", "", over, lineup.missing.get(FLOOR, ""))]


def _without_echo(lineup: Lineup) -> list[Contender]:
    return [one for name, one in lineup.running.items() if name != ECHO]


def _notes(lineup: Lineup, result: Race, name: str) -> str:
    return ", ".join(part for part in (lineup.running[name].note, result.note(name)) if part)
