"""Publishes until it is killed: python -m tests.chaos.publisher REPOSITORY MODEL STAGED {whole,copying}.

Every folder in STAGED is published as the version of its name, in their order: as training does, or copied file by file
into its place. Says "begun" when the first is.
"""

import shutil
import sys
from pathlib import Path

from training.publish import publish


def main(repository: Path, model: str, staged: Path, way: str) -> None:
    """Publishes all of them."""
    folders = sorted(staged.iterdir(), key=lambda path: int(path.name))
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    for folder in folders:
        if way == "copying":
            shutil.copytree(folder, repository / model / folder.name)
        else:
            files = {path.name: path.read_bytes() for path in folder.iterdir()}
            publish(repository, model, int(folder.name), files)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4])
