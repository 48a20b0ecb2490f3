"""Real households as Score requests, a line of protobuf JSON each: python -m training.households > households.jsonl."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
from google.protobuf import json_format

from protos.audience.v1 import scoring_pb2
from training import grocery
from training.features import Features


def requests(until: datetime, count: int, seed: int) -> Iterator[scoring_pb2.ScoreRequest]:
    """Requests for households drawn at random, with their features as of a moment, by name.

    Args:
        until: the moment, in the store's local time.
        count: how many households; fewer when there are not as many.
        seed: of the draw.
    """
    snapshots = grocery.Records(until).snapshots([until])
    rows = np.random.default_rng(seed).permutation(len(snapshots.visitors))[:count]
    for row in rows:
        visitor = str(snapshots.visitors[row])
        yield scoring_pb2.ScoreRequest(
            request_id=f"household-{visitor}",
            visitor=scoring_pb2.Visitor(id=visitor),
            features=by_name(snapshots.features[row]),
        )


def by_name(row: Features) -> scoring_pb2.Features:
    """One row of grocery.FEATURES, shape (width,), as a caller names them."""
    values = {spec.name: value for spec, value in zip(grocery.FEATURES, row.tolist(), strict=True)}
    words = {spec.name: spec.vocabulary[int(values.pop(spec.name))] for spec in grocery.FEATURES if spec.vocabulary}
    return scoring_pb2.Features(numbers=values, categories=words)


def day(text: str) -> datetime:
    """The day that an argument names, in the store's local time."""
    try:
        return datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007  # as the docstring says
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; needed is one such as 2017-12-01") from error


def natural(text: str) -> int:
    """The count or seed that an argument gives, from 0 to 4294967295."""
    if not text.isdecimal() or int(text) >= 1 << 32:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to {(1 << 32) - 1}")
    return int(text)


def main(arguments: Sequence[str]) -> int:
    """Writes the requests to standard output."""
    parser = argparse.ArgumentParser(prog="python -m training.households", description=__doc__)
    add = parser.add_argument
    add(
        "--until",
        type=day,
        default=grocery.DAY_AFTER_LAST,
        metavar="YYYY-MM-DD",
        help="as of this day (default: 2018-01-01)",
    )
    add("--count", type=natural, default=10, help="number of households (default: %(default)s)")
    add("--seed", type=natural, default=0, help="seed of the draw (default: %(default)s)")
    given = parser.parse_args(arguments)
    if given.until > grocery.DAY_AFTER_LAST:
        parser.error(f"the records end before {grocery.DAY_AFTER_LAST:%Y-%m-%d}")
    for request in requests(given.until, given.count, given.seed):
        sys.stdout.write(
            json_format.MessageToJson(request, indent=None, preserving_proto_field_name=True, sort_keys=True) + "\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
