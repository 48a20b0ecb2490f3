"""What pyproject.toml and the locks say."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
LOCKS = sorted(REQUIREMENTS.glob("*.txt"))


def pyproject() -> dict[str, Any]:
    """The whole of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def dependencies(*extras: str) -> list[Requirement]:
    """What the project needs where the tests run: the server's dependencies, and those of the extras named."""
    project = pyproject()["project"]
    texts = [*project["dependencies"], *(text for extra in extras for text in project["optional-dependencies"][extra])]
    wanted = [Requirement(text) for text in texts]
    return [one for one in wanted if one.marker is None or one.marker.evaluate()]


def pins(lock: str) -> list[str]:
    """The logical lines of a lock's text: a requirement with its hashes on one line, no comments."""
    lines = (line for line in lock.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return "\n".join(lines).replace("\\\n", "").splitlines()


def locked(lock: Path) -> dict[str, str]:
    """Versions in a lock by normalised name."""
    requirements = [Requirement(pin.split("--hash=")[0]) for pin in pins(lock.read_text())]
    return {canonicalize_name(one.name): next(iter(one.specifier)).version for one in requirements}
