"""Load for the Scoring service, open-loop or closed, and a verdict by service-level objectives.

python -m loadtest run --target 127.0.0.1:50051 --rate 500 --duration 10 --bundle repository/shop/1 --slo 'p99<5ms'
python -m loadtest report run.npz
"""

import argparse
import contextlib
import json
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import grpc
import numpy as np
from rich.console import Console

from loadtest import arguments, engine, objectives, payloads, report, results
from loadtest.errors import LoadtestError
from loadtest.objectives import Objective
from loadtest.results import Facts, Results
from loadtest.summary import summarize

HOLDS, MISSED, NOT_MADE = 0, 1, 2
BAR_WIDTH = 30


def main(argv: list[str] | None = None) -> int:
    """The exit code: 0 when all objectives hold, 1 when one is missed, 2 when there is no run to judge."""
    try:
        options = arguments.parse(argv)
        return _run(options) if options.command == "run" else _report(options)
    except LoadtestError as error:
        print(f"loadtest: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("loadtest: given up, nothing is reported", file=sys.stderr)
    return NOT_MADE


def _run(options: argparse.Namespace) -> int:
    load = _load(options)
    started_ms = time.time_ns() // 1_000_000
    with _interruption() as is_stopped, _progress() as on_progress:
        recording = engine.run(load, on_progress=on_progress, is_stopped=is_stopped)
    if len(recording.status) == 0:
        raise LoadtestError("interrupted before the first request that is measured")
    run = Results(
        _facts(options, load, recording, started_ms),
        recording.due_ns,
        recording.sent_ns,
        recording.done_ns,
        recording.status,
    )
    code = _judge(run, options.objectives, options.json)
    if options.out is not None:
        results.save(run, options.out)
    return code


def _report(options: argparse.Namespace) -> int:
    run = results.load(options.file)
    recorded = [objectives.parse(text) for text in run.facts.objectives]
    if run.facts.concurrency:
        objectives.check_closed(options.objectives)
    return _judge(run, options.objectives or recorded, options.json)


def _judge(run: Results, wanted: Sequence[Objective], json_path: Path | None) -> int:
    summary = summarize(run)
    verdicts = [objectives.judge(objective, summary) for objective in wanted]
    report.show(summary, verdicts, Console(highlight=False, soft_wrap=True))
    if json_path is not None:
        _write_json(report.document(summary, verdicts), json_path)
    return HOLDS if all(verdict.holds for verdict in verdicts) else MISSED


def _write_json(document: dict[str, object], path: Path) -> None:
    try:
        path.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise LoadtestError(f"cannot write {path}: {error.strerror}") from error


def _load(options: argparse.Namespace) -> engine.Load:
    source = payloads.from_bundle(options.bundle) if options.bundle else payloads.from_lines(options.requests)
    return engine.Load(
        target=options.target,
        payloads=source,
        rate_hz=options.rate,
        concurrency=options.closed,
        warmup_s=options.warmup,
        duration_s=options.duration,
        connections=options.connections,
        processes=options.processes,
        deadline_s=float(options.deadline_ms) / 1000,
    )


def _facts(options: argparse.Namespace, load: engine.Load, recording: engine.Recording, started_ms: int) -> Facts:
    return Facts(
        target=load.target,
        source=load.payloads.source,
        rate_hz=float(load.rate_hz or 0),
        concurrency=load.concurrency or 0,
        duration_s=float(load.duration_s),
        warmup_s=float(load.warmup_s),
        connections=load.connections,
        processes=load.processes,
        deadline_ms=float(options.deadline_ms),
        objectives=tuple(options.slo),
        started_ms=started_ms,
        window_ns=recording.window_ns,
        busy_share=recording.busy_share,
        is_interrupted=recording.is_interrupted,
        reconnect_count=recording.reconnect_count,
        troubles=recording.troubles,
        versions={"grpcio": grpc.__version__, "numpy": np.__version__, "python": platform.python_version()},
    )


@contextlib.contextmanager
def _interruption() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed within; pressed a second time it interrupts as ever."""
    pressed = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, _give_up)

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, previous)


def _give_up(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[engine.Progress], None]]:
    """Shows a bar on a terminal and nothing elsewhere.

    One write of one line, 4 µs: rich's live bar takes 1.5 ms of the interpreter each time, at worst 8, which the run
    would measure as latency (measured on a busy machine).
    """
    is_terminal = sys.stdout.isatty()
    try:
        yield _draw if is_terminal else lambda _: None
    finally:
        if is_terminal:
            print("\r\x1b[K", end="", flush=True)


def _draw(progress: engine.Progress) -> None:
    filled = BAR_WIDTH * progress.sent_count // max(1, progress.due_count)
    bar = "━" * filled + "·" * (BAR_WIDTH - filled)
    counts = f"{progress.sent_count:,} of {progress.due_count:,} sent, {progress.done_count:,} ended"
    print(f"\r\x1b[K{bar} {counts}, {progress.failed_count:,} failed", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main())
