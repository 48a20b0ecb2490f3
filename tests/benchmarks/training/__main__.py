"""Holds what is trained against its bars: python -m tests.benchmarks.training. See docs/benchmarks.md."""

import datetime as dt
import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from tests.benchmarks import report
from tests.benchmarks.figures import Figure
from tests.benchmarks.places import TRAINING_WORK
from tests.benchmarks.training import everyone, logs, options, parity, purchases, sentences, shipped
from tests.benchmarks.training.refusals import left_out
from tests.benchmarks.training.versions import Versions

_INTERRUPTED = 130  # as shells have it
_FILE_WIDTH = 160  # of lines that go to a file
_LIBRARIES = ("duckdb", "lightgbm", "numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx")


def main() -> int:
    """Measures, prints, writes. Exit status 0 whatever the figures, 130 when interrupted."""
    asked = options.parse(sys.argv[1:])
    console = Console()
    console = console if console.is_terminal else Console(width=_FILE_WIDTH)
    started = dt.datetime.now(dt.UTC)
    shutil.rmtree(TRAINING_WORK, ignore_errors=True)
    TRAINING_WORK.mkdir(parents=True)
    figures: list[Figure] = []
    status = 0
    try:
        for figure in _measured(asked, console):
            figures.append(figure)
            _write(asked.record, figures, started)
    except KeyboardInterrupt:
        console.print("interrupted: what was measured until then is written", style="yellow")
        status = _INTERRUPTED
    console.print(report.table(figures, "Training"))
    console.print(f"written to {asked.record}", markup=False)
    return status


def _measured(asked: options.Options, console: Console) -> Iterator[Figure]:
    """Every figure of the parts that are asked for."""
    versions = Versions(asked.data, TRAINING_WORK, console)
    if "shipped" in asked.parts:
        for name in options.SHIPPED:
            if name in asked.configurations:
                _say(console, f"the shipped configuration {name}")
                yield from shipped.measure(name, versions, asked.rounds)
            else:
                yield from left_out(shipped.names(name), "not asked for")
    if "sentences" in asked.parts:
        _say(console, "labelled sentences")
        yield from sentences.measure(asked.data)
    if "purchases" in asked.parts:
        _say(console, "CDNOW's purchases")
        yield from purchases.measure()
    if "parity" in asked.parts:
        _say(console, f"every method, fitted on {asked.fitted_rows:,} rows, and its graph on others")
        yield from parity.measure(asked.data, asked.fitted_rows, lambda text: _say(console, text))
    if "base" in asked.parts:
        _say(console, f"{asked.base_rows:,} visitors at once")
        yield from everyone.measure(versions, asked.base_rows, TRAINING_WORK)
    if "events" in asked.parts:
        for count in asked.events:
            _say(console, f"{count:,} events")
            yield from logs.measure(count, TRAINING_WORK)


def _say(console: Console, text: str) -> None:
    console.print(f"bench-training: {text}", style="dim", markup=False, highlight=False)


def _write(path: Path, figures: Sequence[Figure], started: dt.datetime) -> None:
    facts = {
        "date": started.isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", "tests.benchmarks.training", *sys.argv[1:]]),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report.record(figures, facts, report.versions_of(_LIBRARIES)), indent=2)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
