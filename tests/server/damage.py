"""Ways to spoil a version's folder."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from google.protobuf import json_format

from protos.audience.v1 import bundle_pb2
from server.bundle import MANIFEST_FILE, SIGNATURE_FILE, SUMS_FILE

Damage = Callable[[Path], object]


def copy(published: Path, repository: Path) -> Path:
    """The same version in another repository, to be spoilt."""
    return Path(shutil.copytree(published, repository / published.parent.name / published.name))


def rehash(folder: Path) -> None:
    """Makes the hashes right again for whatever is there now."""
    names = sorted(path.name for path in folder.iterdir() if path.name not in {SUMS_FILE, SIGNATURE_FILE})
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / SUMS_FILE).write_text("".join(lines))


def rewrite(folder: Path, name: str, data: bytes) -> None:
    """Puts something else into a file, with the right hash."""
    (folder / name).write_bytes(data)
    rehash(folder)


def edit(folder: Path, change: Callable[[bundle_pb2.Manifest], object]) -> None:
    """Changes the manifest, with the right hash."""
    manifest = json_format.Parse((folder / MANIFEST_FILE).read_bytes(), bundle_pb2.Manifest())
    change(manifest)
    rewrite(folder, MANIFEST_FILE, json_format.MessageToJson(manifest).encode())
