"""Measures swaps of a model under load: python -m tests.benchmarks.swap. See docs/benchmarks.md."""

import argparse
import dataclasses
import datetime as dt
import json
import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from loadtest.payloads import reply_status
from tests.benchmarks import answers, graph, load, processor, report, servers, usage, wire
from tests.benchmarks.closed import CONNECTIONS
from tests.benchmarks.editions import Shelf, with_same_rows
from tests.benchmarks.errors import WrongAnswer
from tests.benchmarks.figures import Figure
from tests.benchmarks.graph import Bundle, Recipe
from tests.benchmarks.options import positive, seconds
from tests.benchmarks.places import SWAP_RECORD, WORK
from tests.benchmarks.processor import Cores, pinned, shielded
from tests.benchmarks.steady import Pace, requests, steady
from tests.benchmarks.stretches import Course, Pair
from tests.benchmarks.swap_figures import figures
from tests.benchmarks.swapping import SETTLE_S, Plan, Say, Swapper, cleared, prepared

VARIANTS = 3
_FAILED, _INTERRUPTED = 1, 130
_FILE_WIDTH = 160
_PEAK_S = 2.0
_WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is asked for.

    Attributes:
        plan: how often, and how fast.
        rate_hz: requests per second; None for half of the server's own peak.
        record: where the JSON goes.
        deadline_s: of a request.
        flags: of the server, besides its defaults.
    """

    plan: Plan
    rate_hz: float | None
    record: Path
    deadline_s: float = 1.0
    # A second's deadline allows to wait for half of it. By default a server lets nobody wait for more than 100 ms, nor
    # more than 1,000 at once, which at 15,000 requests a second is less than 70 ms: where the machine is taken away for
    # longer, that would count as failed, whether models are swapped or not.
    flags: tuple[str, ...] = ("--max-wait-ms", "500", "--max-calls", "10000")


def main() -> int:
    """Measures, prints, writes; 0 unless a request failed or a reply was wrong: speed is not a test."""
    asked = parse(sys.argv[1:])
    console = Console() if Console().is_terminal else Console(width=_FILE_WIDTH)
    cores, started = processor.available(), dt.datetime.now(dt.UTC)
    if not cores.is_split:
        console.print("There is one core only: server and load share it.", style="yellow")
    say = partial(_say, console)
    WORK.mkdir(parents=True, exist_ok=True)
    say("the stated graph, and two more that are fitted to other samples")
    try:
        recipes = [dataclasses.replace(graph.STATED, variant=number) for number in range(VARIANTS)]
        with shielded(cores, processor.other_threads()) as moved:
            say(f"{moved} other threads of this machine keep off the server's core")
            found = measure(recipes, asked, cores, say)
    except WrongAnswer as error:
        console.print(f"{type(error).__name__}: {error}", style="bold red", markup=False)
        return _FAILED
    except KeyboardInterrupt:
        console.print("interrupted: nothing is written", style="yellow")
        return _INTERRUPTED
    console.print(report.table(found, "Swaps under load"))
    _write(asked.record, found, started, cores)
    console.print(f"written to {asked.record}", markup=False)
    return 0 if is_good(found) else _FAILED


def _say(console: Console, text: str) -> None:
    console.print(f"bench-swap: {text}", style="dim", markup=False, highlight=False)


def is_good(found: Sequence[Figure]) -> bool:
    """Whether every request was answered, rightly."""
    counts = {"swap_failed_requests", "swap_mixed_replies"}
    return all(one.holds for one in found if one.name in counts)


def measure(recipes: Sequence[Recipe], asked: Options, cores: Cores, say: Say, work: Path = WORK) -> list[Figure]:
    """Every figure, from a server of its own.

    Args:
        recipes: variants of one, taken in turn as versions.
        asked: what is asked for.
        cores: who runs where.
        say: is told what happens.
        work: where graphs, versions and the log are.

    Raises:
        WrongAnswer: the load did not begin, or a reply is not the estimators'.
    """
    bundles = with_same_rows([graph.made(recipe, work) for recipe in recipes])
    say(f"{asked.plan.versions()} versions")
    shelf = prepared(Shelf(work / "swap", bundles), asked.plan)
    served = dataclasses.replace(shelf.bundle(2), repository=shelf.repository)
    log = work / "swap.log"
    try:
        with ExitStack() as stack:
            stack.enter_context(pinned(cores.load))
            running = servers.audience(served, cores.servers, transport="inline", log=log, more=asked.flags)
            server = stack.enter_context(running)
            answers.check_audience(served, server.target)
            swapper = Swapper(shelf, asked.plan, usage.running(server.pid, "server.worker"), say)
            pairs = []
            for kind, count in asked.plan.stretches():
                # The peak of this minute: a machine that others use is not the same all the time.
                rate_hz = asked.rate_hz or _peak(served, server.target, say) / 2
                say(f"{rate_hz:,.0f} requests a second, on a schedule")
                with steady(server.target, bundles, Pace(rate_hz=rate_hz, deadline_s=asked.deadline_s)) as going:
                    swaps, quiet = swapper.pair(kind, count)
                    pairs.append(Pair(Course(going.end()), swaps, quiet, rate_hz))
    finally:
        cleared(shelf)
    return figures(pairs, log)


def _peak(bundle: Bundle, target: str, say: Say) -> float:
    """With just the requests that are sent on a schedule then; plainer ones would be answered faster."""
    say("the server's own peak")
    asked = load.Asked("ours", target, wire.SCORE, requests(bundle), reply_status)
    load.closed(asked, connections=CONNECTIONS, seconds=_WARM_UP_S)
    return load.closed(asked, connections=CONNECTIONS, seconds=_PEAK_S).ok_per_s


def _write(path: Path, found: Sequence[Figure], started: dt.datetime, cores: Cores) -> None:
    facts = {
        "date": started.isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", "tests.benchmarks.swap", *sys.argv[1:]]),
        "cores": len(cores.everything),
        "pinned": cores.is_split,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report.record(found, facts), indent=2) + "\n", encoding="utf-8")


def parse(arguments: Sequence[str]) -> Options:
    """The options that these arguments ask for. Ends the process with status 2 and a reason when they are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.swap",
        description="Swaps a model under load, in two ways; docs/benchmarks.md says what and how to read it.",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="about a minute: 20 swaps")
    add("--swaps", type=positive, help="in all; default 200")
    add("--stretch", type=positive, help="swaps of one stretch, with a quiet one as long after it; default 10")
    add("--seconds-each", type=seconds, default=1.0, help="from one swap to the next; default %(default)s")
    add("--rate", type=positive, help="requests per second; default half of the server's own peak")
    add("--out", type=Path, default=SWAP_RECORD, metavar="FILE", help="where the record goes; default %(default)s")
    known = parser.parse_args(arguments)
    plan = Plan(
        swaps=known.swaps or (20 if known.quick else 200),
        stretch_swaps=known.stretch or 10,
        seconds_each=known.seconds_each,
        settle_s=SETTLE_S,
    )
    return Options(plan=plan, rate_hz=known.rate, record=known.out)


if __name__ == "__main__":
    raise SystemExit(main())
