"""python -m training approve --repository DIR --model M --version N --by NAME: writes down that somebody agrees."""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from server.approval import approval_name
from server.errors import AudienceError
from server.settings import read_repository
from training.arguments import model_name, natural
from training.judging.approval import NotApproved, record
from training.signature import read_signing_key


def main(arguments: Sequence[str], now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> int:
    """Approves a version. Exit status 0: written down; 1: not, and the last line says why."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        key = None if given.signing_key is None else read_signing_key(given.signing_key)
        approval = record(
            given.repository, given.model, given.version, by=given.by, at_ms=now_ms(), note=given.note, key=key
        )
    except (AudienceError, NotApproved) as error:
        parser.exit(1, f"nothing was approved: {error}\n")
    console = Console(soft_wrap=True, highlight=False, markup=False)
    name = approval_name(given.model, given.version)
    signed = "signed" if approval.signature else "not signed"
    console.print(f"{approval.by} approved {given.model}/{given.version} ({signed}): {given.repository}/{name}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training approve",
        description="Writes down that somebody agrees to a version, beside it in the repository. Read its report.html "
        "before: an approval is of these very files.",
        epilog="Example: python -m training approve --repository build/repository --model shop --version 3 "
        '--by "Ada Lovelace" --note "figures as in the report; approved for stable"',
    )
    add = parser.add_argument
    add(
        "--repository",
        type=read_repository,
        required=True,
        metavar="DIR",
        help="the folder where versions are, or its address, such as s3://bucket/prefix",
    )
    add("--model", type=model_name, required=True, metavar="NAME", help="name of the model")
    add("--version", type=natural, required=True, metavar="N", help="its version")
    add("--by", required=True, metavar="NAME", help="who agrees")
    add("--note", default="", metavar="TEXT", help="why, or on what condition (default: nothing)")
    add(
        "--signing-key",
        type=Path,
        metavar="FILE",
        help="Ed25519 private key, PEM, of who agrees, for servers that ask for signatures (default: no signature)",
    )
    return parser
