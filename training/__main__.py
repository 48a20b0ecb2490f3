"""python -m training --repository DIR: trains on the grocery records and publishes a version.

python -m training import MODEL.onnx --config MODEL.toml --repository DIR: publishes a model from elsewhere.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from server.errors import AudienceError
from server.repository import is_model_name
from server.settings import read_repository
from training import grocery, summary
from training.export.estimators import NotExportable
from training.export.parity import NoParity
from training.households import day, natural
from training.imports import command
from training.names import BadNames, read_names
from training.pipeline import STEPS, Order, Step, WrongOrder, train
from training.publish import NotPublished
from training.remote import published_at
from training.signature import read_signing_key
from training.split import TooFewDates


def main(arguments: Sequence[str]) -> int:
    """Trains or imports, and publishes. Exit status 0: published; 1: not, and the last line says why."""
    if arguments[:1] == ["import"]:
        return command.main(arguments[1:])
    parser = _parser()
    given = parser.parse_args(arguments)
    console = Console()
    try:
        names = read_names(given.names)
        signing_key = None if given.signing_key is None else read_signing_key(given.signing_key)
        with published_at(given.repository, given.model) as repository:
            order = Order(
                repository=repository,
                model=given.model,
                until=given.until,
                without=frozenset(given.without),
                names=names,
                seed=given.seed,
                signing_key=signing_key,
            )
            with _steps(console) as step:
                trained = train(order, step)
            tables = summary.tables(trained.folder)
    except KeyboardInterrupt:
        parser.exit(130, "interrupted; nothing was published\n")
    except (AudienceError, BadNames, NoParity, NotExportable, NotPublished, TooFewDates, WrongOrder, OSError) as error:
        parser.exit(1, f"nothing was published: {error}\n")
    console.print(tables)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Trains segments, propensities and a value head on a year of real grocery records, and publishes "
        "them as the next version of a model.",
        epilog="Example: python -m training --repository build/repository --until 2017-12-01. "
        "A model that was made elsewhere: python -m training import --help",
    )
    add = parser.add_argument
    add(
        "--repository",
        type=read_repository,
        required=True,
        metavar="DIR",
        help="where versions are published: a folder, made if absent, or an address such as s3://bucket/prefix",
    )
    add("--model", type=_model_name, default="grocery", metavar="NAME", help="name of the model (default: %(default)s)")
    add(
        "--until",
        type=day,
        default=grocery.DAY_AFTER_LAST,
        metavar="YYYY-MM-DD",
        help="use only records before this day (default: all, to the end of 2017)",
    )
    add(
        "--without",
        type=_feature,
        nargs="+",
        default=[],
        metavar="FEATURE",
        help="features to leave out: " + ", ".join(spec.name for spec in grocery.FEATURES),
    )
    add(
        "--names",
        type=Path,
        metavar="FILE",
        help='TOML file of names for segments, by key: "customer_value-1-2" = "Regulars"',
    )
    add(
        "--signing-key",
        type=Path,
        metavar="FILE",
        help="Ed25519 private key, PEM, that signs the version, for servers with --public-key (default: no signature)",
    )
    add("--seed", type=natural, default=0, help="seed of every random number (default: %(default)s)")
    return parser


def _model_name(text: str) -> str:
    if not is_model_name(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no model name; needed is 1 to 64 of a-z, 0-9, - and _")
    return text


def _feature(text: str) -> str:
    if text not in {spec.name for spec in grocery.FEATURES}:
        raise argparse.ArgumentTypeError(f"there is no feature {text!r}")
    return text


@contextmanager
def _steps(console: Console) -> Iterator[Step]:
    """Shows the stage that runs, how many are done, and how long each took."""
    columns = (
        SpinnerColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=STEPS)

        @contextmanager
        def step(title: str) -> Iterator[None]:
            started_s = time.monotonic()
            progress.update(task, description=title)
            yield
            progress.advance(task)
            progress.console.print(f"{time.monotonic() - started_s:6.1f} s  {title}")

        yield step


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
