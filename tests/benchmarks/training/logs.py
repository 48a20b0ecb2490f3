"""How long rows over an event log take, by its size; tests/benchmarks/events.py says more of each."""

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import events
from tests.benchmarks.figures import Figure
from tests.benchmarks.spread import spread


def measure(count: int, work: Path) -> Iterator[Figure]:
    """Seconds and memory of reading a generated log, and of a dozen features as of every fourth week."""
    folder = work / f"events-{count}"
    folder.mkdir()
    events.generate(folder / "events.parquet", count, seed=0)
    spent = events.apart(folder, events.MEMORY)
    seconds = spent["read_s"] + spent["compute_s"]
    note = f"{spent['rows']:,.0f} rows of {spent['dates']:.0f} dates; {spent['processor_s']:,.1f} s of processors"
    yield Figure(f"events_{count}_s", "s", spread([seconds]), note)
    yield Figure(f"events_{count}_peak_mb", "MB", spread([spent["peak_mib"] * 1.048576]), "of the process, resident")
