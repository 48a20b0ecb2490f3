"""python -m training train: from a configuration to a published version."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from server.errors import AudienceError
from server.settings import read_repository
from training import summary
from training.arguments import model_name, moment_ms, natural
from training.configuration.configuration import find_configuration, read_configuration, shipped
from training.errors import NotTrained
from training.names import read_names
from training.orders import read_orders
from training.pipeline import Order, stage_count, train
from training.remote import published_at
from training.signature import read_signing_key
from training.stages import Steps

_WORK = Path("build/training")


def main(arguments: Sequence[str]) -> int:
    """Trains and publishes. Exit status 0: published; 1: not, and the last line says why."""
    parser = _parser()
    given = parser.parse_args(arguments)
    console = Console()
    try:
        configuration = find_configuration(given.config)
        known = read_configuration(configuration)
        steps = Steps(console, stage_count(read_orders(known)))
        model = given.model or known.model.name
        with published_at(given.repository, model) as repository, steps.shown():
            order = Order(
                configuration=configuration,
                data=given.data,
                repository=repository,
                model=model,
                until_ms=given.until,
                without=frozenset(given.without),
                names=read_names(given.names or _names_beside(configuration)),
                seed=given.seed,
                signing_key=None if given.signing_key is None else read_signing_key(given.signing_key),
                work=given.work / model,
                is_resumed=not given.afresh,
            )
            trained = train(order, steps)
            tables = summary.tables(trained.folder)
    except KeyboardInterrupt:
        parser.exit(130, "interrupted; nothing was published. The same command goes on from where it was\n")
    except (AudienceError, NotTrained, OSError) as error:
        parser.exit(1, f"nothing was published: {error}\n")
    console.print(trained.material.quality.to_table())
    console.print(tables)
    console.print(f"The report: {trained.folder / 'report.html'}", soft_wrap=True)
    return 0


def _names_beside(configuration: Path) -> Path | None:
    """The file of names that is kept beside a configuration, shop.names.toml beside shop.toml; None without one."""
    path = configuration.with_suffix(".names.toml")
    return path if path.is_file() else None


def list_configurations(arguments: Sequence[str]) -> int:
    """Prints the configurations that come with Audience."""
    parser = argparse.ArgumentParser(
        prog="python -m training configurations",
        description="Prints the configurations that come with Audience, with their titles and files.",
        epilog="Example: python -m training configurations. One is trained by its name, or copied and changed.",
    )
    parser.parse_args(arguments)
    console = Console()
    for name, title in shipped().items():
        console.print(f"{name:15} {title}", highlight=False)
        console.print(f"{'':15} {find_configuration(name)}", style="dim", highlight=False, soft_wrap=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training train",
        description="Trains what a configuration asks for - segments, propensities, values - judges it, and publishes "
        "it as the next version of a model, with a report.",
        epilog="Example: python -m training train --config grocery --repository build/repository. "
        "The shipped configurations: python -m training configurations",
    )
    add = parser.add_argument
    add("--config", required=True, metavar="NAME|FILE", help="a shipped configuration, or a .toml file")
    add(
        "--repository",
        type=read_repository,
        required=True,
        metavar="DIR",
        help="where versions are published: a folder, made if absent, or an address such as s3://bucket/prefix",
    )
    add("--data", type=Path, metavar="DIR", help="where the configuration's data are (default: beside it)")
    add("--model", type=model_name, metavar="NAME", help="name of the model (default: the configuration's)")
    add(
        "--until",
        type=moment_ms,
        metavar="YYYY-MM-DD",
        help="use only events before this moment, UTC unless it has an offset (default: all)",
    )
    add("--without", nargs="+", default=[], metavar="FEATURE", help="features to leave out")
    add(
        "--names",
        type=Path,
        metavar="FILE",
        help='TOML file of names for segments, by key: "value-1-2" = "Regulars" (default: shop.names.toml beside '
        "shop.toml, if there is one; the folder of --work gets the names that were found, to be edited)",
    )
    add(
        "--signing-key",
        type=Path,
        metavar="FILE",
        help="Ed25519 private key, PEM, that signs the version, for servers with --public-key (default: no signature)",
    )
    add("--seed", type=natural, help="of every random number (default: the configuration's)")
    add(
        "--work",
        type=Path,
        default=_WORK,
        metavar="DIR",
        help="where stages keep their results, and the report is before it is published (default: %(default)s)",
    )
    add("--afresh", action="store_true", help="do everything again, and keep nothing")
    return parser
