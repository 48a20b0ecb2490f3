"""What the benchmark is asked to do."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.places import RECORD

PARTS = ("closed", "latency", "batch", "half", "overload", "workers", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How long, and which parts.

    Attributes:
        rounds: how often each measurement is repeated, in turn with those it is compared with.
        seconds: of each load.
        requests: that the memory is watched over.
        longest_s: for them; a server that takes longer is watched over fewer.
        deadline_ms: of the requests of the overload.
        idle_seconds: that idle processes are watched.
        parts: which measurements, of PARTS.
        record: where the JSON goes.
    """

    rounds: int
    seconds: float
    requests: int
    longest_s: float
    deadline_ms: float
    idle_seconds: float
    parts: tuple[str, ...]
    record: Path


def parse(arguments: Sequence[str]) -> Options:
    """The options that these arguments ask for. Ends the process with status 2 and a reason when they are wrong."""
    known = _parser().parse_args(arguments)
    quick = known.quick
    return Options(
        rounds=known.rounds or (2 if quick else 5),
        seconds=known.seconds or (1.0 if quick else 2.0),
        requests=known.requests or (50_000 if quick else 1_000_000),
        longest_s=20.0 if quick else 150.0,
        deadline_ms=known.deadline_ms,
        idle_seconds=3.0 if quick else 10.0,
        parts=tuple(known.only) if known.only else PARTS,
        record=known.out,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measures the server beside others on one graph; docs/benchmarks.md says what and how to read it.",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="about a minute: 2 rounds of 1 s, 50,000 requests for the memory")
    add("--rounds", type=positive, help="rounds of each measurement; default 5")
    add("--seconds", type=seconds, help="of each load in each round; default 2")
    add("--requests", type=positive, help="over which the memory is watched; default 1000000")
    add("--deadline-ms", type=seconds, default=100.0, help="deadline under overload; default %(default)s")
    add("--only", nargs="+", choices=PARTS, metavar="PART", help=f"some parts alone, of: {', '.join(PARTS)}")
    add("--out", type=Path, default=RECORD, metavar="FILE", help="where the record goes; default build/bench.json")
    return parser


def positive(text: str) -> int:
    """A count from a flag; refused when it is less than 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too small; needed is at least 1")
    return number


def seconds(text: str) -> float:
    """A number from a flag; refused unless it is more than 0 and at most 3600."""
    number = float(text)
    if not 0 < number <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is out of range; needed is more than 0, at most 3600")
    return number
