"""What the benchmark of training is asked to do."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.options import positive
from tests.benchmarks.places import DATA, TRAINING_RECORD

# Not telecom_methods: it has every method side by side, to be looked at, and is no model to be served.
SHIPPED = ("shop_sessions", "bank", "telecom", "grocery", "shop_orders", "reviews")
_QUICK_SHIPPED = ("shop_sessions", "telecom")
PARTS = ("shipped", "sentences", "purchases", "parity", "base", "events")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much, and which parts.

    Attributes:
        configurations: of SHIPPED, that are trained; the others are left out by name.
        fitted_rows: that each method of the part parity is fitted on.
        rounds: of timings of one row.
        base_rows: visitors who are all scored at once.
        events: sizes of logs that rows are made of.
        data: where the records are.
        parts: of PARTS.
        record: where the JSON goes.
    """

    configurations: tuple[str, ...]
    fitted_rows: int
    rounds: int
    base_rows: int
    events: tuple[int, ...]
    data: Path
    parts: tuple[str, ...]
    record: Path


def parse(arguments: Sequence[str]) -> Options:
    """The options that these arguments ask for. Ends the process with status 2 and a reason when they are wrong."""
    known = _parser().parse_args(arguments)
    quick = known.quick
    return Options(
        configurations=_in_order(known.configurations or (_QUICK_SHIPPED if quick else SHIPPED), SHIPPED),
        fitted_rows=1_000 if quick else 4_000,
        rounds=known.rounds or (3 if quick else 9),
        base_rows=known.base_rows or (100_000 if quick else 1_000_000),
        events=tuple(known.events or ([100_000] if quick else [1_000_000])),
        data=known.data,
        parts=_in_order(known.only or PARTS, PARTS),
        record=known.out,
    )


def _in_order(chosen: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for one in known if one in chosen)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.training",
        description="Trains what is shipped and every method on real records, and holds each figure against its bar; "
        "docs/benchmarks.md says what and how to read it.",
        epilog="Example: python -m tests.benchmarks.training --only base --base-rows 10000000",
    )
    add = parser.add_argument
    add(
        "--quick",
        action="store_true",
        help="a few minutes: two configurations, methods fitted on 1,000 rows, 100,000 visitors and events",
    )
    add("--only", nargs="+", choices=PARTS, metavar="PART", help=f"some parts alone, of: {', '.join(PARTS)}")
    add(
        "--configurations",
        nargs="+",
        choices=SHIPPED,
        metavar="NAME",
        help=f"some of the shipped configurations alone, of: {', '.join(SHIPPED)}",
    )
    add("--rounds", type=positive, help="rounds of the timings of one row; default 9")
    add("--base-rows", type=positive, metavar="COUNT", help="visitors who are all scored; default 1000000")
    add("--events", type=positive, nargs="+", metavar="COUNT", help="sizes of event logs; default 1000000")
    add("--data", type=Path, default=DATA, metavar="DIR", help="where the records are; default ../shared/data")
    add("--out", type=Path, default=TRAINING_RECORD, metavar="FILE", help="default build/bench-training.json")
    return parser
