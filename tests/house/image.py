"""Tries the image without a container engine: python -m tests.house.image.

The builder's own COPY and RUN instructions are read from the Dockerfile and carried out in a clean folder; then the
result is asked what it has and whether it starts, with the environment and the commands of the final stage.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.house.dockerfile import Instruction, Stage, our_stages
from tests.house.project import REQUIREMENTS, ROOT, locked

# What must not be in the image: our other packages, what only they need, and what only the builder needs.
ABSENT = ("training", "loadtest", "tests", "sklearn", "onnx", "skl2onnx", "pip", "setuptools")

# Run by the image's Python: imports every module of the server, says which distributions and which of ABSENT are there.
INQUIRY = """
import importlib, importlib.metadata, importlib.util, json, pkgutil, sys
import protos, server
for module in pkgutil.walk_packages(server.__path__, "server."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
json.dump({
    "places": [protos.__path__[0], server.__path__[0]],
    "present": [name for name in sys.argv[1:] if importlib.util.find_spec(name)],
    "versions": {one.name.lower().replace("_", "-"): one.version for one in importlib.metadata.distributions()},
}, sys.stdout)
"""


def build(stage: Stage, source: Path, home: Path) -> None:
    """Carry out the stage's COPY and RUN in the folder `source`, with `home` for the image's own folder."""
    environment = _clean_environment() | stage.environment | {"AUDIENCE_HOME": str(home)}
    for instruction in stage.all("COPY", "RUN"):
        _say(f"{instruction.name} {instruction.text}")
        if instruction.name == "COPY":
            _copy(instruction, source)
        else:
            subprocess.run(["sh", "-c", instruction.text], cwd=source, env=environment, check=True)


def faults(stage: Stage, home: Path) -> list[str]:
    """What is wrong with a built image's folder, a sentence each; empty when nothing is."""
    python = home / "bin" / "python"
    # All that a container has; what is written to the user's own folder is found among the image's files.
    environment = stage.environment | {"PATH": f"{home}/bin:/usr/bin:/bin", "HOME": str(home / "nobody")}
    before = _files(home)

    inquiry = subprocess.run(
        [python, "-c", INQUIRY, *ABSENT], cwd="/", env=environment, capture_output=True, check=True
    )
    answer = json.loads(inquiry.stdout)
    wanted = locked(REQUIREMENTS / "server.txt")
    found = {name: version for name, version in answer["versions"].items() if name != "audience"}

    return [
        *(f"{name} is in the image" for name in answer["present"]),
        *(f"{place} is not the image's own" for place in answer["places"] if not Path(place).is_relative_to(home)),
        *(f"{name} {version} is not in the lock" for name, version in (found.items() - wanted.items())),
        *(f"{name} {version} of the lock is missing" for name, version in (wanted.items() - found.items())),
        *(f"`{' '.join(words)} --help` fails" for words in _commands(stage) if not _helps(words, environment)),
        *(f"{path} was written at run time" for path in _files(home) - before),
    ]


def _copy(instruction: Instruction, folder: Path) -> None:
    *sources, target = instruction.words
    for source in sources:
        if source.endswith("/"):
            shutil.copytree(ROOT / source, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / target).mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, folder / target)


def _clean_environment() -> dict[str, str]:
    """The environment without anything of this interpreter's but its python3, as the base image has one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return kept | {"PATH": f"{sys.base_prefix}/bin:/usr/bin:/bin"}


def _commands(stage: Stage) -> list[list[str]]:
    """The words of the entry point and of the health check."""
    (entry,), (health,) = stage.all("ENTRYPOINT"), stage.all("HEALTHCHECK")
    return [entry.words, Instruction("CMD", health.text.partition(" CMD ")[2]).words]


def _helps(words: list[str], environment: dict[str, str]) -> bool:
    command = ["env", *words, "--help"]  # env looks the command up in the image's PATH, not in ours
    result = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    return result.returncode == 0 and result.stdout.startswith("usage:")


def _files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def _say(text: str) -> None:
    sys.stdout.write(f"image-check: {text}\n")
    sys.stdout.flush()  # before a command's own output


def main() -> None:
    """Build, try and tell; exit with 1 when something is wrong."""
    builder, final = our_stages()
    with tempfile.TemporaryDirectory(prefix="audience-image-") as name:
        source, home = Path(name) / "src", Path(name) / "opt" / "audience"
        source.mkdir()
        home.parent.mkdir()
        build(builder, source, home)
        if wrong := faults(final, home):
            sys.exit("\n".join(f"image-check: {one}" for one in wrong))
        size = sum(path.stat().st_size for path in _files(home) if path.is_file() and not path.is_symlink())
        _say(f"good, {size / 1e6:.0f} MB on top of the base")


if __name__ == "__main__":
    main()
