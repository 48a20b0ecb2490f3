"""The arguments of `python -m server models`."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from server.traffic import WHOLE

_ADDRESS = "127.0.0.1:50052"
_TIMEOUT_S = 60.0
_LONGEST_S = 3600.0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What is wanted. Ends the process with status 2 and a reason when the arguments are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m server models",
        description="Shows and changes which versions of models are loaded, and who gets which.",
    )
    parser.add_argument("--address", default=_ADDRESS, help=f"control port of a server; default {_ADDRESS}")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="file with the server's token")
    parser.add_argument(
        "--tls-ca", type=Path, metavar="FILE", help="who signed the server's certificate, PEM; absent: no TLS"
    )
    parser.add_argument(
        "--tls-certificate", type=Path, metavar="FILE", help="a client's certificate, where one is asked for"
    )
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its private key")
    parser.add_argument(
        "--timeout", type=_seconds, default=_TIMEOUT_S, metavar="S", help=f"seconds to wait; default {_TIMEOUT_S:g}"
    )
    parser.add_argument("--json", action="store_true", help="print what the server says as JSON")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_looks(commands)
    _add_versions(commands)
    _add_traffic(commands)
    wanted = parser.parse_args(arguments)
    if (wanted.tls_certificate is None) != (wanted.tls_key is None):
        parser.error("--tls-certificate and --tls-key belong together; give both, or none")
    if wanted.tls_certificate is not None and wanted.tls_ca is None:
        parser.error("--tls-certificate needs --tls-ca, who signed the server's certificate")
    return wanted


def _add_looks(commands: Any) -> None:  # noqa: ANN401  # argparse's class has no public name
    listing = commands.add_parser("list", help="every model: its versions, and who gets which")
    listing.add_argument("model", nargs="?", help="one model alone")


def _add_versions(commands: Any) -> None:  # noqa: ANN401  # argparse's class has no public name
    for name, text in (("load", "load a version beside the others"), ("unload", "undo load")):
        command = _on_model(commands, name, text)
        command.add_argument("version", type=int)
    label = _on_model(commands, "label", "give a label to a version")
    label.add_argument("label")
    label.add_argument("version", type=int)
    _on_model(commands, "unlabel", "take a label away").add_argument("label")
    promote = _on_model(commands, "promote", "make a label's version the stable one")
    promote.add_argument("label", help="such as canary")
    promote.add_argument("--yes", action="store_true", help="also when callers' features would be defaulted")
    rollback = _on_model(commands, "rollback", "give a label to the version that it had before")
    rollback.add_argument("label", nargs="?", help="default: stable")


def _add_traffic(commands: Any) -> None:  # noqa: ANN401  # argparse's class has no public name
    split = _on_model(commands, "split", "share the visitors between labels, such as: split shop canary=5%%")
    split.add_argument("shares", nargs="*", type=_share, metavar="LABEL=SHARE", help="none at all ends the split")
    split.add_argument("--salt", default="", help="another salt shares the visitors anew")
    shadow = _on_model(commands, "shadow", "let a label's version score beside those that answer")
    shadow.add_argument("share", nargs="?", type=_share, metavar="LABEL=SHARE", help="of the requests; none ends it")
    holdout = _on_model(commands, "holdout", "keep a share of the visitors from getting scores")
    holdout.add_argument("points", type=_points, metavar="SHARE", help="such as 1%%; 0 ends it")


def _on_model(commands: Any, name: str, text: str) -> argparse.ArgumentParser:  # noqa: ANN401  # as above
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text.replace("%%", "%"))
    command.add_argument("model")
    return command


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text} is out of range; needed is more than 0 and at most {_LONGEST_S:g}")
    return seconds


def _share(text: str) -> tuple[str, int]:
    label, sign, share = text.partition("=")
    if not sign or not label:
        raise argparse.ArgumentTypeError(f"{text!r} is no share; needed is a label and a share, such as canary=5%")
    return label, _points(share)


def _points(text: str) -> int:
    """Basis points. Nothing but 0 goes without its sign: 0.05 may be meant as 5% or as 0.05%.

    >>> _points("5%"), _points("0.25%"), _points("0")
    (500, 25, 0)
    """
    if text == "0":
        return 0
    number, sign, rest = text.partition("%")
    try:
        points = float(number) * 100
    except ValueError:
        points = math.nan
    if not sign or rest or math.isnan(points):
        raise argparse.ArgumentTypeError(f"{text!r} is no share; needed is one such as 5%")
    if not 0 <= points <= WHOLE or abs(points - round(points)) > 1e-6:  # noqa: PLR2004  # what a float may be off
        raise argparse.ArgumentTypeError(f"{text!r} is no share; needed is 0% to 100%, in steps of 0.01%")
    return round(points)
