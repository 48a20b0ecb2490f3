"""python -m training score: everyone's scores, and lists of who is in which audience."""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from rich.console import Console, Group
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table as RichTable

from server.bundle import Bundle, read_bundle
from server.errors import AudienceError
from training.base.rows import VISITOR, BadTable
from training.base.run import Done, Order, score_everyone

_FORMS = ("parquet", "csv")
_SHOWN = 20  # audiences on the screen; sizes.json has all


def main(arguments: Sequence[str]) -> int:
    """Scores and writes. Exit status 0: done; 1: not, and the last line says why."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    console = Console()
    try:
        table = _opened(asked.input)
        bundle = _read_version(asked.bundle)
        order = Order(visitor=asked.visitor, top_percent=asked.top, threads=asked.threads, form=asked.format)
        started_s = time.monotonic()
        with _complete(asked.out) as folder, _progress(console) as progress:
            task = progress.add_task("scoring", total=table.count_rows())
            done = score_everyone(bundle, table, folder, order, lambda rows: progress.advance(task, rows))
            _write_sizes(folder, done)
    except KeyboardInterrupt:
        parser.exit(130, "interrupted; nothing was written\n")
    except (AudienceError, BadTable, OSError, pa.ArrowException) as error:
        parser.exit(1, f"nobody was scored: {error}\n")
    console.print(_summary(done, asked.out, time.monotonic() - started_s))
    return 0


@contextmanager
def _complete(target: Path) -> Iterator[Path]:
    """A folder to write into, which becomes the target once everything is in it."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BadTable(f"{target} is there already, and not empty; name another folder, or remove it")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".scores-", dir=target.parent, ignore_cleanup_errors=True) as hidden:
        folder = Path(hidden) / "made"
        folder.mkdir()
        yield folder
        folder.replace(target)


def _read_version(folder: Path) -> Bundle:
    if not folder.is_dir():
        raise BadTable(f"{folder} is no version's folder; needed is one such as repository/grocery/3")
    return read_bundle(folder)


def _opened(path: Path) -> ds.Dataset:
    if not path.exists():
        raise BadTable(f"{path} is not there; needed is a Parquet or CSV file, or a folder of them")
    suffix = path.suffix.lower() if path.is_file() else next((one.suffix for one in sorted(path.glob("*.*"))), "")
    return ds.dataset(path, format="csv" if suffix in {".csv", ".gz"} else "parquet")


def _write_sizes(folder: Path, done: Done) -> None:
    """sizes.json: every audience with its size, and how many are in any two."""
    facts = {
        "rows": done.row_count,
        "missing_features": done.missing,
        "features_out_of_range": done.out_of_range,
        "audiences": [
            {"key": audience.key, "name": audience.name, "head": audience.head, "size": size}
            for audience, size in zip(done.audiences, done.sizes, strict=True)
        ],
        "in_both": done.overlaps.tolist(),
    }
    (folder / "sizes.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _summary(done: Done, folder: Path, seconds: float) -> Group:
    table = RichTable(title="audiences", title_justify="left")
    table.add_column("audience")
    table.add_column("key", no_wrap=True)
    table.add_column("members", justify="right")
    table.add_column("share", justify="right")
    for audience, size in list(zip(done.audiences, done.sizes, strict=True))[:_SHOWN]:
        table.add_row(audience.name, audience.key, f"{size:,}", f"{size / max(done.row_count, 1):.1%}")
    rate = done.row_count / max(seconds, 1e-9)
    text = f"\n{done.row_count:,} visitors in {seconds:,.1f} s ({rate:,.0f} a second), written to {folder}"
    assumed = f"features not known: {done.missing:,}; outside their range or vocabulary: {done.out_of_range:,}"
    return Group(text, assumed, table)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training score",
        description="Runs a version over everyone, and writes who is in which audience: lists for e-mail and "
        "advertising platforms.",
        epilog="Example: python -m training score --bundle repository/grocery/3 --input features.parquet --out lists",
    )
    add = parser.add_argument
    add("--bundle", type=Path, required=True, metavar="DIR", help="a version's folder: <repository>/<model>/<version>")
    add(
        "--input",
        type=Path,
        required=True,
        metavar="FILE",
        help="Parquet or CSV file, or a folder of them: a row for each visitor, columns named as the features",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="where the files are written")
    add("--visitor", default=VISITOR, metavar="COLUMN", help="who each row is about (default: %(default)s)")
    add("--format", choices=_FORMS, default=_FORMS[0], help="of what is written (default: %(default)s)")
    add("--top", type=_percent, default=10.0, metavar="PERCENT", help="top of propensities and values (default: 10)")
    add("--threads", type=_threads, default=len(os.sched_getaffinity(0)), help="that score (default: all cores)")
    return parser


def _percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = 0.0
    if not 0 < percent < 100:  # noqa: PLR2004  # per cent
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage; needed is more than 0 and less than 100")
    return percent


def _threads(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 256:  # noqa: PLR2004  # more than any machine here has
        raise argparse.ArgumentTypeError(f"{text!r} is no number of threads; needed is 1 to 256")
    return int(text)
