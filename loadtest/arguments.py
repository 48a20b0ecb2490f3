"""The command line: what can be said, and what is impossible."""

import argparse
from fractions import Fraction
from pathlib import Path
from typing import Final, NoReturn

from loadtest import objectives
from loadtest.errors import BadArgument, LoadtestError
from loadtest.schedule import request_count

LARGEST_COUNT: Final = 50_000_000  # requests of one run: 1.3 GB of results

DESCRIPTION = """\
Load for the Scoring service. With --rate it is open-loop: requests are sent at a fixed rate whether or not the server
keeps up, and latency counts from when each request was due, so a server that stalls cannot hide it. With --closed the
server sets the pace: that shows what it takes, and not how long a visitor waits.

exit codes:
  0  every objective holds, or none was given
  1  an objective is missed
  2  the run, or the report, could not be made; one line on stderr says why
"""

RUN_EPILOG = """\
objectives (--slo, as often as needed; quote them, < and > are the shell's):
  p99<5ms       p50, p90, p95, p99, p99.9 or any other percentile, or max; in us, ms or s. Counts from when a request
                was due, and one that was not answered OK counts as never answered
  errors<0.1%   share of the requests that were due and not answered OK; also errors<0.001
  rate>495/s    answers OK per second
  <  <=  >  >=
  with --closed only errors and rate: its latencies leave out what a stall keeps from being sent

examples:
  python -m loadtest run --target 127.0.0.1:50051 --rate 500 --duration 10 --bundle repository/shop/1 \\
      --slo 'p99<5ms' --slo 'errors<0.1%' --slo 'rate>495/s' --out run.npz
  python -m loadtest run --target 127.0.0.1:50051 --rate 50 --duration 60 --requests requests.jsonl --json report.json
  python -m loadtest run --target 127.0.0.1:50051 --closed 8 --connections 16 --duration 10 --bundle repository/shop/1
  python -m loadtest report run.npz --slo 'p99.9<20ms'

a line of a --requests file, a ScoreRequest as protobuf JSON:
  {"selectors": [{"model": "shop"}], "features": {"numbers": {"recency_days": 3}}}

Ctrl-C ends the run early and reports what was due until then; a second one gives up.
"""

REPORT_EPILOG = """\
example:
  python -m loadtest report run.npz --slo 'p99<5ms' --slo 'errors<0.1%'
"""


class Parser(argparse.ArgumentParser):
    """Raises what is wrong with the arguments instead of printing the usage and leaving."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, on one line."""
        raise BadArgument(f"{message} (see {self.prog} --help)")


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The arguments, checked.

    Raises:
        LoadtestError: they say nothing possible.
    """
    arguments = _parser().parse_args(argv)
    if arguments.command == "run":
        _check_run(arguments)
    arguments.objectives = [objectives.parse(text) for text in arguments.slo]
    if getattr(arguments, "closed", None) is not None:
        objectives.check_closed(arguments.objectives)
    for path in (arguments.json, getattr(arguments, "out", None)):
        _check_writable(path)
    return arguments


def _parser() -> Parser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = Parser(
        prog="python -m loadtest",
        description=DESCRIPTION,
        epilog=RUN_EPILOG,
        formatter_class=formatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="run | report")
    run = commands.add_parser(
        "run", help="send load and report", description=DESCRIPTION, epilog=RUN_EPILOG, formatter_class=formatter
    )
    _add_load(run)
    _add_report(run)
    report = commands.add_parser(
        "report",
        help="report a recorded run again",
        description="The report of a run that was recorded with --out, by its own objectives or by others.",
        epilog=REPORT_EPILOG,
        formatter_class=formatter,
    )
    report.add_argument("file", type=Path, metavar="FILE", help="a run recorded with --out")
    _add_report(report)
    return parser


def _add_load(run: Parser) -> None:
    source = run.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--bundle",
        type=Path,
        metavar="DIR",
        help="a version's folder, repository/model/version: send its reference rows",
    )
    source.add_argument(
        "--requests", type=Path, metavar="FILE", help="JSON lines, each a ScoreRequest: send them in turn"
    )
    run.add_argument("--target", required=True, metavar="HOST:PORT", help="where the server listens, without TLS")
    loop = run.add_mutually_exclusive_group(required=True)
    loop.add_argument("--rate", type=_number, metavar="N", help="requests per second, over all connections")
    loop.add_argument(
        "--closed",
        type=int,
        metavar="N",
        help="instead of a rate: keep N in flight on each connection, to see what the server takes",
    )
    run.add_argument("--duration", required=True, type=_number, metavar="S", help="seconds that are measured")
    run.add_argument(
        "--warmup", default="1", type=_number, metavar="S", help="seconds before that; not measured (%(default)s)"
    )
    run.add_argument(
        "--connections", default=4, type=int, metavar="N", help="HTTP/2 connections that take turns (%(default)s)"
    )
    run.add_argument(
        "--processes", default=1, type=int, metavar="N", help="that share the load, when one falls behind (%(default)s)"
    )
    run.add_argument(
        "--deadline-ms",
        default="1000",
        type=_number,
        metavar="N",
        help="each request's deadline, from sending it (%(default)s)",
    )
    run.add_argument("--out", type=Path, metavar="FILE", help="record the run, to report it again (.npz)")


def _add_report(parser: Parser) -> None:
    parser.add_argument(
        "--slo", action="append", default=[], metavar="TEXT", help="an objective such as 'p99<5ms'; may be repeated"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON too")


def _number(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error


def _check_run(arguments: argparse.Namespace) -> None:
    for name in ("rate", "closed", "duration", "deadline_ms", "connections", "processes"):
        if (value := getattr(arguments, name)) is not None and value <= 0:
            raise BadArgument(f"--{name.replace('_', '-')} must be more than 0")
    if arguments.warmup < 0:
        raise BadArgument("--warmup must be at least 0")
    if arguments.processes > arguments.connections:
        raise BadArgument(
            f"--processes {arguments.processes} needs --connections {arguments.processes} or more: "
            "each process has its own"
        )
    if arguments.rate is not None:
        _check_count(arguments)


def _check_count(arguments: argparse.Namespace) -> None:
    count = request_count(arguments.warmup + arguments.duration, arguments.rate)
    if count > LARGEST_COUNT:
        raise BadArgument(f"--rate and --duration make {count:,} requests; one run records at most {LARGEST_COUNT:,}")


def _check_writable(path: Path | None) -> None:
    """Found before the run, not after it."""
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise LoadtestError(f"cannot write {path}: it is a folder, or its folder does not exist")
