"""How long rows over an event log take, and how much memory, by the number of events.

    python -m tests.benchmarks.events --events 1000000 10000000 50000000

Events of a year are generated (DuckDB writes them to Parquet), and each number of them is read and computed in a
process of its own, whose peak memory is what the kernel says. The table is printed, and written to
build/bench-events.json. The load stands beside: on a machine that others use, the processor's seconds say more.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from tests.benchmarks.highwater import peak_bytes
from training.configuration.section import Section
from training.events.files import Limits, open_events
from training.events.label import EventLabel
from training.events.log import EventLog
from training.events.order import EventsOrder, read_events

REPORT = Path("build/bench-events.json")
MEMORY = "3GB"  # 40 % of a machine with 8, as training takes
THREADS = 2
_MEBIBYTE = 1 << 20
_WIDTH = 110  # of the table, also where it goes to a file
_VISITS_EACH = 25  # events of a visitor, in the mean

# A visitor's share of the events falls as a power of the rank, as it does in shops and on sites. The hash stands for
# random numbers: it depends on the row alone, and so not on the number of threads.
_GENERATOR = """
COPY (
    WITH drawn AS (
        SELECT i,
            (hash(i, $seed, 1) % 1000000007) / 1000000007 AS who,
            (hash(i, $seed, 2) % 1000000007) / 1000000007 AS moment,
            (hash(i, $seed, 3) % 1000000007) / 1000000007 AS what
        FROM range($events) AS numbers(i)
    )
    SELECT 'v' || CAST(floor(pow(who, 3) * $visitors) AS BIGINT) AS visitor,
        make_timestamp(1704067200000000 + CAST(moment * 365 * 86400000000 AS BIGINT)) AS time,
        i AS id,
        CASE WHEN what < 0.08 THEN 'order' WHEN what < 0.3 THEN 'cart' ELSE 'view' END AS kind,
        CASE WHEN what < 0.08 THEN round(5 + 400 * pow(who * what / 0.08, 2), 2) END AS spend,
        'c' || CAST(floor(what * 97) % 8 AS BIGINT) AS category
    FROM drawn
) TO '{path}' (FORMAT parquet)
"""

_FILE = """
[data]
shape = "events"
title = "generated"
time_zone = "Europe/Berlin"
since = 2024-01-01T00:00:00Z
until = 2024-12-31T00:00:00Z
query = "FROM events_file"

[data.files]
events_file = "events.parquet"

[dates]
every_days = 28
window_days = 84

[[features]]
name = "recency"
description = "days since the last event"
function = "since_last"
window_days = 84

[[features]]
name = "tenure"
description = "days since the first event"
function = "since_first"
window_days = 84

[[features]]
name = "views_28d"
description = "views in 28 days"
function = "count"
where = "kind = 'view'"
window_days = 28

[[features]]
name = "orders_84d"
description = "orders in 84 days"
function = "count"
where = "kind = 'order'"
window_days = 84

[[features]]
name = "spend_84d"
description = "spend in 84 days"
function = "sum"
of = "spend"
window_days = 84

[[features]]
name = "spend_decayed"
description = "spend, decayed by half in two weeks"
function = "decayed_sum"
of = "spend"
half_life_days = 14

[[features]]
name = "visits_decayed"
description = "events, decayed by half in a week"
function = "decayed_count"
half_life_days = 7

[[features]]
name = "order_value"
description = "mean spend of an order"
function = "mean"
of = "spend"
window_days = 84
default = 0

[[features]]
name = "cart_share"
description = "share of carts"
function = "share"
part = "kind = 'cart'"
window_days = 84

[[features]]
name = "evening_share"
description = "share of the evening"
function = "share"
part = "hour BETWEEN 17 AND 22"
window_days = 84

[[features]]
name = "trend"
description = "events lately over events"
function = "trend"
window_days = 84
recent_days = 28

[[features]]
name = "category"
description = "category most looked at"
function = "most_frequent"
of = "category"
vocabulary = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"]
default = "c0"
window_days = 84
"""
_LABELS = {
    "orders": EventLabel(function="any", where="kind = 'order'", within_days=7),
    "spend": EventLabel(function="sum", of="spend", within_days=30),
}


def main(arguments: Sequence[str]) -> int:
    """Measures each number of events, prints and writes."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.events", description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 10_000_000], help="how many")
    parser.add_argument("--memory", default=MEMORY, help="DuckDB's memory_limit (default: %(default)s)")
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)  # measures this folder and says so, within
    given = parser.parse_args(arguments)
    if given.alone:
        sys.stdout.write(json.dumps(measure(given.alone, given.memory)))
        return 0
    figures = []
    for events in given.events:
        with tempfile.TemporaryDirectory(dir=_work()) as folder:
            generate(Path(folder) / "events.parquet", events, seed=0)
            figures.append({"events": events, **apart(Path(folder), given.memory)})
        REPORT.write_text(json.dumps({"machine": _machine(given.memory), "figures": figures}, indent=2) + "\n")
    Console(width=_WIDTH).print(_table(figures))
    return 0


def generate(path: Path, events: int, seed: int) -> None:
    """A year of events as Parquet, the same for the same seed."""
    with duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY}) as connection:
        connection.execute("SET enable_progress_bar = false")
        numbers = {"events": events, "seed": seed, "visitors": max(events // _VISITS_EACH, 1)}
        connection.execute(_GENERATOR.replace("{path}", str(path)), numbers)


def order() -> EventsOrder:
    """What is computed: a feature of each kind, as of every fourth week."""
    return read_events(Section(tomllib.loads(_FILE)))


def measure(folder: Path, memory: str) -> Mapping[str, float]:
    """Time and memory of this process for the file in the folder."""
    began = time.perf_counter()
    connection = open_events(order().log, folder, Limits(memory=memory, threads=THREADS, spill=folder / "spill"))
    log = EventLog(connection, order(), _LABELS)
    read = time.perf_counter()
    table = log.snapshots(log.dates())
    done = time.perf_counter()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "file_mib": (folder / "events.parquet").stat().st_size / _MEBIBYTE,
        "dates": len(log.dates()),
        "rows": len(table),
        "read_s": read - began,
        "compute_s": done - read,
        "processor_s": usage.ru_utime + usage.ru_stime,
        "peak_mib": peak_bytes() / _MEBIBYTE,
        "load": os.getloadavg()[0],
    }


def apart(folder: Path, memory: str) -> Mapping[str, float]:
    """What measure says of the folder, in a process of its own, whose peak memory is of nothing else."""
    command = [sys.executable, "-m", "tests.benchmarks.events", "--alone", str(folder), "--memory", memory]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    figures: Mapping[str, float] = json.loads(done.stdout)
    return figures


def _work() -> Path:
    REPORT.parent.mkdir(exist_ok=True)
    return REPORT.parent


def _machine(memory: str) -> Mapping[str, object]:
    return {"cores": os.cpu_count(), "threads": THREADS, "memory_limit": memory, "duckdb": duckdb.__version__}


def _table(figures: Sequence[Mapping[str, float]]) -> Table:
    table = Table("events", "file MiB", "dates", "rows", "read s", "compute s", "processor s", "peak MiB", "load")
    for row in figures:
        whole = (f"{row[name]:,.0f}" for name in ("events", "file_mib", "dates", "rows"))
        table.add_row(
            *whole, *(f"{row[name]:,.1f}" for name in ("read_s", "compute_s", "processor_s", "peak_mib", "load"))
        )
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
