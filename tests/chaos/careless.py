"""A publisher that writes where everybody looks: what the search has to find. python -m tests.chaos.careless."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from server.bundle import SUMS_FILE
from tests.chaos.publishing import search


def publish_in_place(repository: Path, model: str, version: int, files: Mapping[str, bytes]) -> None:
    """Writes the files one after the other, the list of hashes first."""
    folder = repository / model / str(version)
    folder.mkdir(parents=True)
    for name in sorted(files, key=lambda name: name != SUMS_FILE):
        with (folder / name).open("wb") as file:
            file.write(files[name])
            file.flush()
            os.fsync(file.fileno())


if __name__ == "__main__":
    sys.exit(search(publish_in_place))
