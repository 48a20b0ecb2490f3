"""python -m training requests: real visitors as Score requests, a line of protobuf JSON each."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from google.protobuf import json_format

from protos.audience.v1 import scoring_pb2
from training.arguments import moment_ms, natural
from training.configuration.configuration import find_configuration, read_configuration
from training.errors import NotTrained
from training.features import Features, FeatureSpec
from training.material import read_newest
from training.orders import read_orders
from training.table import Table


def requests(table: Table, count: int, seed: int) -> Iterator[scoring_pb2.ScoreRequest]:
    """Requests for visitors drawn at random, with their features by name; those that are not known are left out.

    Args:
        table: visitors.
        count: how many; fewer when there are not as many.
        seed: of the draw.
    """
    for row in np.random.default_rng(seed).permutation(len(table))[:count]:
        visitor = str(table.visitors[row])
        yield scoring_pb2.ScoreRequest(
            request_id=f"visitor-{visitor}",
            visitor=scoring_pb2.Visitor(id=visitor),
            features=by_name(table.features[row], table.is_missing[row].tolist(), table.specs),
        )


def by_name(row: Features, is_missing: Sequence[bool], specs: Sequence[FeatureSpec]) -> scoring_pb2.Features:
    """One row of features, shape (width,), as a caller names them."""
    known = [
        (spec, value) for spec, value, is_absent in zip(specs, row.tolist(), is_missing, strict=True) if not is_absent
    ]
    return scoring_pb2.Features(
        numbers={spec.name: value for spec, value in known if not spec.vocabulary},
        categories={spec.name: spec.vocabulary[int(value)] for spec, value in known if spec.vocabulary},
    )


def main(arguments: Sequence[str]) -> int:
    """Writes the requests to standard output. Exit status 0: written; 1: not, and the last line says why."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        orders = read_orders(read_configuration(find_configuration(given.config)))
        table = read_newest(orders, given.data, given.until)
    except (NotTrained, OSError) as error:
        parser.exit(1, f"no requests were written: {error}\n")
    for request in requests(table, given.count, given.seed):
        text = json_format.MessageToJson(request, indent=None, preserving_proto_field_name=True, sort_keys=True)
        sys.stdout.write(f"{text}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training requests",
        description="Writes real visitors as Score requests, a line of protobuf JSON each, for clients and load tests.",
        epilog="Example: python -m training requests --config grocery --count 8 > households.jsonl",
    )
    add = parser.add_argument
    add("--config", required=True, metavar="NAME|FILE", help="a shipped configuration, or a .toml file")
    add("--data", type=Path, metavar="DIR", help="where the configuration's data are (default: beside it)")
    add("--until", type=moment_ms, metavar="YYYY-MM-DD", help="as of this moment, of events (default: their end)")
    add("--count", type=natural, default=10, help="number of visitors (default: %(default)s)")
    add("--seed", type=natural, default=0, help="seed of the draw (default: %(default)s)")
    return parser
