"""How long it takes to score everyone: python -m training score on generated visitors, and its peak memory."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.figures import Figure
from tests.benchmarks.spread import spread
from tests.benchmarks.training.refusals import left_out
from tests.benchmarks.training.versions import Versions
from training.errors import NotTrained
from training.table import Table

CONFIGURATION: Final = "telecom"
NAMES: Final = ("base_rows_per_s", "base_s", "base_peak_mb")
_CHUNK: Final = 250_000  # rows
_SEED: Final = 0
_COMMAND: Final = """
import sys
from pathlib import Path
from tests.benchmarks.highwater import peak_bytes
from training.__main__ import main
status = main(sys.argv[2:])
Path(sys.argv[1]).write_text(str(peak_bytes()))
sys.exit(status)
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a command took: seconds by the wall's clock and the processor's, and resident memory at its highest."""

    wall_s: float
    cpu_s: float
    peak_mb: float


class Failed(Exception):
    """A command ended with another status than 0; the text is what it said."""


def measure(versions: Versions, count: int, work: Path) -> Iterator[Figure]:
    """Visitors a second, seconds and memory, from the command's start to its end."""
    try:
        version = versions.of(CONFIGURATION)
        table = version.trained.material.newest
        generate(work / "everyone.parquet", table, count)
        folder, source = str(version.trained.folder), str(work / "everyone.parquet")
        spent = run(["score", "--bundle", folder, "--input", source, "--out", str(work / "lists")], work)
    except (NotTrained, Failed) as error:
        return left_out(NAMES, error)
    heads = len(version.trained.heads)
    note = f"{count:,} visitors, {heads} heads, {len(table.specs)} features, {len(os.sched_getaffinity(0))} cores"
    return iter(
        (
            Figure(NAMES[0], "rows/s", spread([count / spent.wall_s]), note),
            Figure(NAMES[1], "s", spread([spent.wall_s]), f"{spent.cpu_s:,.1f} s of processors; start to end"),
            Figure(NAMES[2], "MB", spread([spent.peak_mb]), "of the command, resident"),
        )
    )


def generate(path: Path, table: Table, count: int) -> None:
    """So many visitors as Parquet: real rows drawn again and again, under names of their own."""
    generator = np.random.default_rng(_SEED)
    writer = None
    for start in range(0, count, _CHUNK):
        size = min(_CHUNK, count - start)
        chunk = _columns(table.where(generator.integers(0, len(table), size)), start)
        writer = writer or pq.ParquetWriter(path, chunk.schema)
        writer.write_table(chunk)
    if writer is not None:
        writer.close()


def _columns(table: Table, start: int) -> pa.Table:
    columns = {"visitor": pa.array([f"v{start + i:09}" for i in range(len(table))])}
    for position, spec in enumerate(table.specs):
        values, is_missing = table.features[:, position], table.is_missing[:, position]
        if spec.vocabulary:
            codes = pa.array(values.astype(np.int32), mask=is_missing)
            columns[spec.name] = pa.DictionaryArray.from_arrays(codes, pa.array(spec.vocabulary))
        else:
            columns[spec.name] = pa.array(values, mask=is_missing)
    return pa.table(columns)


def run(arguments: list[str], work: Path) -> Spent:
    """Runs a command of training in a process of its own.

    Args:
        arguments: of `python -m training`.
        work: a folder for what it says.

    Raises:
        Failed: it did not do what it was to do.
    """
    log, peak = work / "command.log", work / "peak_bytes"
    started_s, started = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with log.open("wb") as output:
        command = [sys.executable, "-c", _COMMAND, str(peak), *arguments]
        status = subprocess.run(command, stdout=output, stderr=output, check=False).returncode
    wall_s, ended = time.perf_counter() - started_s, resource.getrusage(resource.RUSAGE_CHILDREN)
    if status:
        raise Failed(f"training {arguments[0]} failed: {log.read_text(encoding='utf-8').strip()[-300:]}")
    cpu_s = ended.ru_utime + ended.ru_stime - started.ru_utime - started.ru_stime
    return Spent(wall_s, cpu_s, int(peak.read_text()) / 1e6)
