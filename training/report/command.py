"""python -m training report FOLDER: writes the page of a version."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from server.bundle import EVALUATION_FILE, read_description
from server.errors import AudienceError
from training.errors import NotTrained
from training.report.card import Facts, facts_of
from training.report.page import FORMAT, render

REPORT_FILE = "report.html"


class NoReport(NotTrained):
    """There is nothing that a page can be made from. The text says why."""


def main(arguments: Sequence[str]) -> int:
    """Writes the page. Exit status 0: written; 1: not, and the last line says why."""
    parser = _parser()
    given = parser.parse_args(arguments)
    folder: Path = given.folder
    try:
        page = render(read_evaluation(folder), _facts(folder))
        if given.output == "-":
            sys.stdout.write(page)
            return 0
        target = Path(given.output or f"{folder.resolve().parent.name}-{folder.resolve().name}-{REPORT_FILE}")
        target.write_text(page, encoding="utf-8")
    except (AudienceError, NoReport, OSError) as error:
        parser.exit(1, f"no report was written: {error}\n")
    sys.stdout.write(f"Wrote {target}\n")
    return 0


def read_evaluation(folder: Path) -> Mapping[str, object]:
    """evaluation.json of a version.

    Raises:
        NoReport: it is not there, no JSON, or of another format.
    """
    path = folder / EVALUATION_FILE
    try:
        evaluation = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NoReport(
            f"{path} is not there; needed is the folder of a version, <repository>/<model>/<version>"
        ) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise NoReport(f"{path} is no JSON: {error}") from error
    if not isinstance(evaluation, dict) or evaluation.get("format") != FORMAT:
        found = evaluation.get("format") if isinstance(evaluation, dict) else None
        raise NoReport(f"{path} has the format {found}, needed is {FORMAT}: train the model again with this Audience")
    return evaluation


def _facts(folder: Path) -> Facts:
    """Of the manifest beside it; none where there is only an evaluation.

    Raises:
        BadBundle: there is a manifest, and it is damaged.
    """
    if not (folder / "manifest.json").exists():
        return Facts()
    return facts_of(read_description(folder.resolve()).manifest)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training report",
        description="Writes the page of a version, for a browser or for paper, from its evaluation.json.",
        epilog="Example: python -m training report build/repository/grocery/3 --output grocery.html",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="of a version: <repository>/<model>/<version>")
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="where to write; - for the standard output (default: <model>-<version>-report.html here; a version itself "
        "never changes)",
    )
    return parser
