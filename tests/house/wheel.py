"""Checks what a built wheel holds: python -m tests.house.wheel dist/audience-….whl."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from zipfile import ZipFile

from tests.house.imports import OURS
from tests.house.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# What of our packages is installed: modules, stubs, the mark that they are typed, contracts for other languages.
SUFFIXES = (".py", ".pyi", ".proto")
# Folders whose files are installed whatever they are: shipped configurations, what the report is made of.
DATA = ("training/configurations", "training/report/templates")


def expected(root: Path) -> set[str]:
    """Paths in the wheel of everything that our packages under `root` are made of."""
    paths = (path for package in OURS for path in (root / package).rglob("*") if _is_in_package(path))
    data = (path for folder in DATA for path in (root / folder).glob("*") if path.is_file())
    modules = (path for path in paths if path.suffix in SUFFIXES or path.name == "py.typed")
    return {str(path.relative_to(root)) for path in (*modules, *data)}


def _is_in_package(path: Path) -> bool:
    """Whether its folder is one that Python imports from; others, such as the floor's, are for development alone."""
    return (path.parent / "__init__.py").exists()


def faults(names: set[str], wanted: set[str]) -> list[str]:
    """What is missing from a wheel with these files, and what does not belong there; a sentence each."""
    found = {name for name in names if not name.partition("/")[0].endswith(".dist-info")}
    return [
        *(f"{name} is missing" for name in sorted(wanted - found)),
        *(f"{name} does not belong in the wheel" for name in sorted(found - wanted)),
    ]


def main() -> None:
    """Tell what is wrong with the wheel named on the command line and exit with 1, or how many files it holds."""
    (wheel,) = sys.argv[1:]
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    if wrong := faults(names, expected(ROOT)):
        sys.exit("\n".join(f"wheel: {one}" for one in wrong))
    sys.stdout.write(f"wheel: {wheel}, good, {len(names)} files\n")


if __name__ == "__main__":
    main()
