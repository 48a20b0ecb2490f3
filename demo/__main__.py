"""python -m demo: train on real records, publish, serve, score, and swap to a second version under load.

Leaves everything under build/demo: the repository, the households as requests, the server's log, the load's figures.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from google.protobuf import json_format
from rich.console import Console
from rich.table import Table

from demo.server import Server, scoring, serving
from protos.audience.v1 import scoring_pb2, scoring_pb2_grpc
from training.publish import publish

MODEL = "grocery"
DROPPED = ("alcohol_share", "seafood_share")  # so that the second version's features differ
RATE_PER_S = 200
LOAD_S = 12
SWAP_AFTER_S = 5
_WARM_CALLS = 50


def main(arguments: Sequence[str]) -> int:
    """Runs the whole job. Exit status 0: every part worked."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/demo"), help="where to work (default: %(default)s)")
    folder: Path = parser.parse_args(arguments).folder
    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
    started_s = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    trained, live, requests = folder / "trained", folder / "repository", folder / "households.jsonl"

    live.mkdir(parents=True)
    console.rule("1. Train two versions on a year of real grocery records")
    train = ("train", "--config", MODEL, "--repository", str(trained), "--work", str(folder / "work"))
    _run("training", *train, "--until", "2017-12-01T00:00:00-05:00")
    console.print(
        f"\nA month later, and without {' and '.join(DROPPED)}: segments that are found again keep their keys.\n"
    )
    _run("training", *train, "--without", *DROPPED)
    requests.write_text(_output("training", "requests", "--config", MODEL, "--count", "8"), encoding="utf-8")

    console.rule("2. Serve version 1 and score real households over gRPC")
    _promote(trained, live, 1)
    with serving(live, folder / "server.log") as server, scoring(server.target) as client:
        server.log.wait_for("version serves", version=1)
        console.print(_answers(client, list(_read(requests))))
        console.rule(f"3. Swap to version 2 under {RATE_PER_S} requests a second")
        status = _swap_under_load(server, requests, folder / "load.json", lambda: _promote(trained, live, 2))
        console.print(_answers(client, list(_read(requests))))
    console.rule("Stopped")
    console.print(
        f"{time.monotonic() - started_s:.0f} s in all. The repository is {live}, the requests are in {requests}.\n"
        f"Serve it again:  .venv/bin/python -m server --repository {live}"
    )
    return status


def _run(module: str, *arguments: str) -> None:
    """Runs a module as a user would."""
    subprocess.run([sys.executable, "-m", module, *arguments], check=True)  # noqa: S603  # our own command


def _output(module: str, *arguments: str) -> str:
    """What a module prints."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout  # noqa: S603  # our own command


def _promote(trained: Path, live: Path, version: int) -> None:
    """Publishes a trained version in the repository that is served."""
    files = {path.name: path.read_bytes() for path in (trained / MODEL / str(version)).iterdir()}
    publish(live, MODEL, version, files)


def _read(requests: Path) -> Iterator[scoring_pb2.ScoreRequest]:
    for line in requests.read_text(encoding="utf-8").splitlines():
        yield json_format.Parse(line, scoring_pb2.ScoreRequest())


def _answers(client: scoring_pb2_grpc.ScoringStub, requests: Sequence[scoring_pb2.ScoreRequest]) -> Table:
    """What the server says of each household, and how long a call took."""
    for _ in range(_WARM_CALLS):
        client.Score(requests[0], timeout=1)
    table = Table()
    for column in (
        "visitor",
        "customer value",
        "shopping style",
        "shops 7 d",
        "coupon 30 d",
        "90 days",
        "call",
    ):
        table.add_column(column, justify="left" if column.startswith(("customer", "shopping")) else "right")
    for request in requests:
        started_s = time.perf_counter()
        result = client.Score(request, timeout=1).results[0]
        took_ms = (time.perf_counter() - started_s) * 1e3
        table.add_row(request.visitor.id, *_cells(result), f"{took_ms:.2f} ms")
        table.title = f"version {result.version}"
    return table


def _cells(result: scoring_pb2.ModelScores) -> list[str]:
    style = result.segmentations["shopping_style"]
    spend = result.values["spend_90d"]
    return [
        result.segmentations["customer_value"].name,
        f"{style.name} ({style.memberships[style.key]:.0%})",
        f"{result.propensities['shops_again_7d'].probability:.1%}",
        f"{result.propensities['redeems_coupon_30d'].probability:.1%}",
        f"{spend.expected:.0f} {spend.unit}",
    ]


def _swap_under_load(server: Server, requests: Path, figures: Path, swap: Callable[[], None]) -> int:
    """Publishes the next version while a load test runs. The load test's exit status: 0 when no request failed."""
    command = [sys.executable, "-m", "loadtest", "run", "--target", server.target, "--requests", str(requests)]
    command += ["--rate", str(RATE_PER_S), "--duration", str(LOAD_S), "--json", str(figures), "--slo", "errors<=0%"]
    load = subprocess.Popen(command)  # noqa: S603  # our own command
    time.sleep(SWAP_AFTER_S)
    swap()
    published_s = time.monotonic()
    line = server.log.wait_for("version serves", version=2)
    took_s = time.monotonic() - published_s
    status = load.wait()  # first, since its progress bar has the line
    sys.stdout.write(f"version 2 took over from version {line['replaces']} {took_s:.2f} s after it was published\n")
    return status


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("interrupted; the server was stopped")
