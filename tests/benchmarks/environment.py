"""The environment of the servers that are no part of this project, from a lock of its own."""

import subprocess
import sys
from pathlib import Path

from tests.benchmarks.errors import Unavailable
from tests.benchmarks.places import LOCK, VENV

_STAMP = ".installed"
_LOCKED = ("--require-hashes", "-r")


def install() -> Path:
    """The environment's Python; installed when the lock changed.

    Raises:
        Unavailable: pip failed, as it does without a network.
    """
    python, stamp = VENV / "bin" / "python", VENV / _STAMP
    if stamp.is_file() and stamp.read_bytes() == LOCK.read_bytes():
        return python
    commands = (
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *_LOCKED, str(LOCK)],
    )
    for command in commands:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise Unavailable(f"mosec is not installed: {' '.join(command)} fails: {result.stderr.strip()[-300:]}")
    stamp.write_bytes(LOCK.read_bytes())
    return python
