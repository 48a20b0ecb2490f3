"""Measures the server beside a floor and two rivals: python -m tests.benchmarks. See docs/benchmarks.md."""

import datetime as dt
import json
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from tests.benchmarks import batch, closed, graph, half, memory, options, overload, processor, report, workers
from tests.benchmarks.contenders import Lineup, lineup
from tests.benchmarks.errors import Unavailable, WrongAnswer
from tests.benchmarks.figures import Figure
from tests.benchmarks.floor import generate_contract
from tests.benchmarks.places import WORK
from tests.benchmarks.processor import Cores, pinned, shielded

Say = Callable[[str], None]

_INTERRUPTED = 130  # as shells have it
_FILE_WIDTH = 160  # of lines that go to a file
_BESIDE_THE_FLOOR = {"latency", "batch", "half", "overload", "memory"}


def main() -> int:
    """Measures, prints, writes; the exit status, which says whether all answers were right, never how fast."""
    asked = options.parse(sys.argv[1:])
    console = _console()
    cores = processor.available()
    if not cores.is_split:
        console.print("There is one core only: servers and load share it.", style="yellow")
    WORK.mkdir(parents=True, exist_ok=True)
    started = dt.datetime.now(dt.UTC)
    try:
        generate_contract()
        with shielded(cores, processor.other_threads()) as moved:
            _say(console, f"{moved} other threads of this machine keep off the servers' core")
            figures = list(_measured(asked, cores, partial(_say, console)))
    except (WrongAnswer, Unavailable) as error:
        console.print(f"{type(error).__name__}: {error}", style="bold red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("interrupted: nothing is written", style="yellow")
        return _INTERRUPTED
    console.print(report.table(figures))
    _write(asked.record, figures, started, cores)
    console.print(f"written to {asked.record}", markup=False)
    return 0


def _console() -> Console:
    """The terminal as wide as it is, or lines that are wide enough for a file."""
    console = Console()
    return console if console.is_terminal else Console(width=_FILE_WIDTH)


def _say(console: Console, text: str) -> None:
    console.print(f"bench: {text}", style="dim", markup=False, highlight=False)


def _write(path: Path, figures: Sequence[Figure], started: dt.datetime, cores: Cores) -> None:
    facts = {
        "date": started.isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", "tests.benchmarks", *sys.argv[1:]]),
        "cores": len(cores.everything),
        "pinned": cores.is_split,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report.record(figures, facts), indent=2) + "\n", encoding="utf-8")


def _measured(asked: options.Options, cores: Cores, say: Say) -> Iterator[Figure]:
    """Every figure of the parts that are asked for."""
    say("the stated graph: 40 features, a mixture of 8, a logistic regression, 200 trees of depth 8")
    stated = graph.made(graph.STATED, WORK)
    with pinned(cores.load):
        if "closed" in asked.parts:
            with lineup(stated, cores, is_complete=True) as runners:
                _say_who_is_missing(runners, say)
                say(f"closed loop of {closed.CONNECTIONS} connections: {', '.join(runners.running)}")
                yield from closed.throughput(runners, asked)
        if _BESIDE_THE_FLOOR.intersection(asked.parts):
            with lineup(stated, cores, is_complete=False) as runners:
                _say_who_is_missing(runners, say)
                yield from _beside_the_floor(runners, asked, say)
        if "overload" in asked.parts:
            say("the heavy graph, made once in some minutes, and twice its peak")
            yield from overload.heavy(graph.made(graph.HEAVY, WORK), cores, asked)
        if "workers" in asked.parts:
            say("two workers")
            yield from workers.throughput(stated, cores, asked)


def _say_who_is_missing(runners: Lineup, say: Say) -> None:
    for reason in dict.fromkeys(runners.missing.values()):
        say(f"without {' and '.join(runners.without(reason))}: {reason}")


def _beside_the_floor(runners: Lineup, asked: options.Options, say: Say) -> Iterator[Figure]:
    """The other figures of the stated graph: servers that are not measured are at work too, now and then, if idle."""
    if "latency" in asked.parts:
        say("closed loops of one connection and of few")
        yield from closed.latency(runners, asked)
    if "batch" in asked.parts:
        say("batches")
        yield from batch.rows_per_s(runners, asked)
    if "half" in asked.parts:
        say("half of the peak, on a schedule, beside an echo")
        yield from half.latency(runners, asked)
    if "overload" in asked.parts:
        say("the peak and more, on a schedule")
        yield from overload.stated(runners, asked)
    if "memory" in asked.parts:
        say(f"memory over {asked.requests:,} requests, then nothing to do for {asked.idle_seconds:g} s")
        yield from memory.growth(runners, asked)
        yield from memory.idle(runners, asked)


if __name__ == "__main__":
    raise SystemExit(main())
