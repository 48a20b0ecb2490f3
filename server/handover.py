"""How verified versions reach the workers: as files in the runtime folder, and a wish that names them."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from protos.audience.v1 import bundle_pb2
from server.bundle import MODEL_FILE, Bundle
from server.runtime import Runtime, Watched
from server.schema import Schema, read_schema
from server.traffic import Route
from server.wish import Wish, WishedModel

_SUFFIXES = (".manifest", ".onnx", ".rows")
_MOST_ROWS = 256  # of those that were recorded: enough for every path through a model to be warm

# What a copy of a graph has to leave free in the runtime folder, which may be in memory: so many times its size.
_LEFT_FREE = 3


class Handover:
    """The only writer of the wish. A control process that starts goes on from the last one.

    Args:
        runtime: the server's runtime folder.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        watched = Watched(runtime.wish)
        watched.look()
        self.wish = Wish() if watched.content is None else Wish.from_json(watched.content)
        self._schemas = {Path(path).name: path for path in self.wish.schemas}

    def add_schema(self, schema: Schema) -> bool:
        """Lets callers follow this schema too; whether it is a new one. It takes effect with the next `tell`."""
        name = f"{schema.fingerprint}.schema"
        if name in self._schemas:
            return False
        message = bundle_pb2.FeatureSchema(fingerprint=schema.fingerprint, features=schema.features)
        self._schemas[name] = self._write(name, message.SerializeToString())
        return True

    def add_version(self, bundle: Bundle, folder: Path) -> WishedModel:
        """Writes what a worker needs of a verified version, whose folder this is."""
        manifest = bundle.description.manifest
        stem = f"{manifest.model}-{manifest.version}-{bundle.model_sha256[:16]}"
        return WishedModel(
            name=manifest.model,
            version=manifest.version,
            manifest=self._write(f"{stem}.manifest", manifest.SerializeToString()),
            graph=self._copy(f"{stem}.onnx", bundle.model, folder),
            rows=self._write(f"{stem}.rows", bundle.reference.features[:_MOST_ROWS].tobytes()),
            sha256=bundle.model_sha256,
        )

    def tell(
        self,
        models: Iterable[WishedModel],
        routes: Mapping[str, Route],
        awaited: Iterable[str],
        *,
        is_settled: bool,
    ) -> None:
        """Wishes these versions, for these callers, if that is news."""
        sequence = self.wish.sequence
        schemas = tuple(sorted(self._schemas.values()))
        wish = Wish(sequence, tuple(models), routes, schemas, tuple(sorted(awaited)), is_settled)
        if sequence and wish == self.wish:
            return
        self.wish = replace(wish, sequence=sequence + 1)
        self._runtime.replace_json(self._runtime.wish, self.wish)

    def remove_unwished(self, coming: Iterable[WishedModel] = ()) -> None:
        """Removes the files of versions that no worker needs any longer: all have followed the last wish.

        Args:
            coming: versions that are to be wished yet.
        """
        needed = {path for model in (*self.wish.models, *coming) for path in (model.manifest, model.graph, model.rows)}
        for path in self._runtime.folder.iterdir():
            if path.suffix in _SUFFIXES and str(path) not in needed:
                path.unlink()

    def _write(self, name: str, content: bytes) -> str:
        path = self._runtime.folder / name
        self._runtime.replace(path, content)
        return str(path)

    def _copy(self, name: str, graph: bytes, folder: Path) -> str:
        """Path of a copy, which outlives the version's folder; where there is no room, of the original."""
        space = os.statvfs(self._runtime.folder)
        if space.f_bavail * space.f_frsize < (1 + _LEFT_FREE) * len(graph):
            return str(folder.absolute() / MODEL_FILE)
        return self._write(name, graph)


def read_manifest(wished: WishedModel) -> bundle_pb2.Manifest:
    """The manifest of a version that was handed over.

    Raises:
        OSError: it cannot be read.
    """
    return bundle_pb2.Manifest.FromString(Path(wished.manifest).read_bytes())


def read_schemas(paths: Iterable[str]) -> Mapping[str, Schema]:
    """The schemas in these files, by fingerprint."""
    messages = (bundle_pb2.FeatureSchema.FromString(Path(path).read_bytes()) for path in paths)
    return {schema.fingerprint: schema for schema in map(read_schema, messages)}
