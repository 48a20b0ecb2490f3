"""Bundles under other version numbers, made beside a repository, from where one rename publishes each."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from server.bundle import EVALUATION_FILE, MANIFEST_FILE, MODEL_FILE, SIGNATURE_FILE, SUMS_FILE
from server.reference import REFERENCE_FILE
from tests.benchmarks.graph import Bundle
from training.signature import SigningKey

_SAME_FILES = (EVALUATION_FILE, MODEL_FILE, REFERENCE_FILE)


def stage(bundle: Bundle, version: int, folder: Path, key: SigningKey | None = None) -> Path:
    """Makes <folder>/<version>: the bundle's files as hard links, with a manifest and hashes, signed if there is a key.

    Raises:
        OSError: the bundle is on another file system, or the version is there already.
    """
    source, target = bundle.graph.parent, folder / str(version)
    target.mkdir(parents=True)
    for name in _SAME_FILES:
        os.link(source / name, target / name)
    content = json.loads((source / MANIFEST_FILE).read_text(encoding="utf-8"))
    content["version"] = str(version)
    (target / MANIFEST_FILE).write_text(json.dumps(content), encoding="utf-8")
    sums = _sums(source, target).encode("ascii")
    (target / SUMS_FILE).write_bytes(sums)
    if key is not None:
        (target / SIGNATURE_FILE).write_bytes(key.sign(sums))
    return target


def _sums(source: Path, target: Path) -> str:
    """The bundle's hashes, with this manifest's instead of its own."""
    lines = (source / SUMS_FILE).read_text(encoding="ascii").splitlines()
    kept = [line for line in lines if not line.endswith(f" {MANIFEST_FILE}")]
    own = hashlib.sha256((target / MANIFEST_FILE).read_bytes()).hexdigest()
    return "\n".join([*kept, f"{own}  {MANIFEST_FILE}", ""])


def with_same_rows(bundles: Sequence[Bundle]) -> list[Bundle]:
    """The bundles with the rows alone that all of them have, in one order.

    Raises:
        ValueError: they have none in common.
    """
    places = [{row.tobytes(): place for place, row in enumerate(bundle.features)} for bundle in bundles]
    common = [row for row in places[0] if all(row in others for others in places[1:])]
    if not common:
        raise ValueError("the bundles have no row in common; they have to be of recipes that differ in the variant")
    found = []
    for bundle, of_row in zip(bundles, places, strict=True):
        order = [of_row[row] for row in common]
        found.append(replace(bundle, features=bundle.features[order], scores=bundle.scores[order]))
    return found


class Shelf:
    """A repository with one model, and versions that wait beside it.

    Args:
        folder: is emptied; gets `repository` and `staged`.
        bundles: at least one, all of the same model; version n is the one with the number n - 1, and round again.
        key: signs every version; None: none is signed.
    """

    def __init__(self, folder: Path, bundles: Sequence[Bundle], key: SigningKey | None = None) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.bundles, self.key = tuple(bundles), key
        self.repository = folder / "repository"
        self.model = self.repository / bundles[0].manifest.model
        self._staged = folder / "staged"
        self.model.mkdir(parents=True)

    def bundle(self, version: int) -> Bundle:
        """What a version is made of."""
        return self.bundles[(version - 1) % len(self.bundles)]

    def prepare(self, version: int) -> Path:
        """Makes the version, outside the repository."""
        return stage(self.bundle(version), version, self._staged, self.key)

    def publish(self, version: int) -> None:
        """Renames the version into the repository, and prepares it first when it is not."""
        path = self._staged / str(version)
        if not path.exists():
            self.prepare(version)
        path.rename(self.model / str(version))

    def remove(self, version: int) -> None:
        """Takes the version out of the repository, if it is there: by a rename, then its files."""
        path, gone = self.model / str(version), self._staged / f"gone-{version}"
        if path.exists():
            path.rename(gone)
            shutil.rmtree(gone)
