"""python -m training check: what is wrong with a configuration and its records, before anything is trained."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from training.configuration.configuration import find_configuration, read_configuration
from training.errors import NotTrained
from training.material import read_material
from training.orders import read_orders
from training.quality.set_aside import write_set_aside


def main(arguments: Sequence[str]) -> int:
    """Reads and says. Exit status 0: it can be trained; 1: not, and the last line says why."""
    parser = _parser()
    given = parser.parse_args(arguments)
    console = Console()
    try:
        configuration = read_configuration(find_configuration(given.config))
        material = read_material(read_orders(configuration), given.data, None)
        console.print(material.quality.to_table())
        if given.set_aside is not None:
            console.print(f"set aside: {write_set_aside(given.set_aside, material.asides)}", soft_wrap=True)
        material.quality.refuse()
    except (NotTrained, OSError) as error:
        parser.exit(1, f"this cannot be trained: {error}\n")
    table = material.table
    console.print(f"{len(table):,} rows of {len(set(table.visitors.tolist())):,} visitors, {len(table.specs)} features")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training check",
        description="Reads a configuration and its records, and says what is wrong with them. Nothing is trained.",
        epilog="Example: python -m training check --config shop_sessions --data records",
    )
    add = parser.add_argument
    add("--config", required=True, metavar="NAME|FILE", help="a shipped configuration, or a .toml file")
    add("--data", type=Path, metavar="DIR", help="where the configuration's data are (default: beside it)")
    add("--set-aside", type=Path, metavar="DIR", help="write the rows that are set aside there, with their reasons")
    return parser
